import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { type Kysely, sql } from 'kysely';
import { CatalogError } from '../catalog-error.ts';
import type { BulkReads, BulkRows, Database } from '../database.ts';
import { assertReadableVersion, type ColumnTypes, migrate, SCHEMA_VERSION } from '../migrations.ts';
import type { Tables } from '../tables.ts';
import { isBusy, sqliteError } from './sqlite-error.ts';
import { sqliteKysely } from './sqlite-kysely.ts';
import { SqliteReads, SqliteRows } from './sqlite-rows.ts';

const TYPES: ColumnTypes = {
  counter: sql`integer primary key autoincrement`,
  number: 'integer',
  text: sql`text`,
  closingId: [],
};

/** Between two tries to get the write lock, in milliseconds; a random part keeps two waiting processes out of step. */
const TRY_EVERY_MS = 5;
/** After a transaction this process leaves the lock alone for so long, or a busy one would never let another in. */
const LEAVE_FREE_MS = 1;

/** Pages in the cache of the writing connection, in KiB: the upper levels of four indexes over millions of rows. */
const WRITER_CACHE_KIB = 32 * 1024;
const READER_CACHE_KIB = 8 * 1024;
/** Pages (of 4 KiB) in the log before they are copied into the file: the same pages are then written once and not for every batch. */
const CHECKPOINT_PAGES = 8192;

export interface SqliteOptions {
  readonly path: string;
  readonly create: boolean;
  readonly lockTimeoutMs: number;
}

/**
 * One file, two connections of this process: one that writes, one that reads what was committed. In WAL mode readers never wait for
 * writers. https://www.sqlite.org/wal.html
 */
export class SqliteDatabase implements Database {
  readonly engine = 'sqlite';
  readonly location: string;
  readonly #lockTimeoutMs: number;
  readonly #writer: DatabaseSync;
  readonly #reader: DatabaseSync;
  readonly #writing: { readonly db: Kysely<Tables>; readonly rows: BulkRows };
  readonly #reading: { readonly db: Kysely<Tables>; readonly rows: BulkReads };
  /** Settles when the last transaction that was asked for has ended. */
  #queue: Promise<unknown> = Promise.resolve();

  static async open({ path, create, lockTimeoutMs }: SqliteOptions): Promise<SqliteDatabase> {
    if (path === ':memory:' || path === '') throw new CatalogError('InvalidArgument', 'a catalog is kept in a file: expected the path of one');
    if (!create && !existsSync(path)) throw new CatalogError('NotFound', `there is no catalog at ${path}. Check the path, or import something into it first.`);
    let writer: DatabaseSync | undefined;
    try {
      writer = new DatabaseSync(path);
      await prepare(writer, path, create, lockTimeoutMs);
      // The reader waits inside SQLite: only a recovery after a crash ever keeps it.
      return new SqliteDatabase(path, lockTimeoutMs, writer, new DatabaseSync(path, { timeout: lockTimeoutMs }));
    } catch (error) {
      writer?.close();
      throw sqliteError(error, path);
    }
  }

  private constructor(path: string, lockTimeoutMs: number, writer: DatabaseSync, reader: DatabaseSync) {
    this.location = path;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#writer = writer;
    this.#reader = reader;
    reader.exec(`PRAGMA query_only = on; PRAGMA cache_size = -${READER_CACHE_KIB}`);
    this.#writing = { db: sqliteKysely(writer), rows: new SqliteRows(writer) };
    this.#reading = { db: sqliteKysely(reader), rows: new SqliteReads(reader) };
  }

  async read<T>(work: (db: Kysely<Tables>, rows: BulkReads) => Promise<T>): Promise<T> {
    try {
      return await work(this.#reading.db, this.#reading.rows);
    } catch (error) {
      throw sqliteError(error, this.location);
    }
  }

  walk<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.read(work);
  }

  write<T>(work: (db: Kysely<Tables>, rows: BulkRows) => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => this.#transaction(work));
    this.#queue = result.then(leaveFree, leaveFree);
    return result;
  }

  async #transaction<T>(work: (db: Kysely<Tables>, rows: BulkRows) => Promise<T>): Promise<T> {
    try {
      await waitForLock(() => this.#writer.exec('BEGIN IMMEDIATE'), this.#lockTimeoutMs, this.location);
      try {
        const answer = await work(this.#writing.db, this.#writing.rows);
        this.#writer.exec('COMMIT');
        return answer;
      } catch (error) {
        // Some failures (a full disk) have undone it already.
        if (this.#writer.isTransaction) this.#writer.exec('ROLLBACK');
        throw error;
      }
    } catch (error) {
      throw sqliteError(error, this.location);
    }
  }

  async close(): Promise<void> {
    await this.#queue;
    this.#reader.close();
    // The last connection to a file copies the log into it and removes it.
    this.#writer.close();
  }
}

function leaveFree(): Promise<void> {
  return sleep(LEAVE_FREE_MS);
}

async function prepare(writer: DatabaseSync, path: string, create: boolean, lockTimeoutMs: number): Promise<void> {
  // The change to WAL needs the file alone and does not wait by itself.
  await waitForLock(() => assertOurs(writer, path, create), lockTimeoutMs, path);
  await waitForLock(() => writer.exec('PRAGMA journal_mode = wal'), lockTimeoutMs, path);
  // FULL: what was committed survives a power cut. The log is cut back to this size when it was longer.
  writer.exec(`
    PRAGMA synchronous = full; PRAGMA cache_size = -${WRITER_CACHE_KIB};
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 67108864;
  `);
  if (versionOf(writer) === SCHEMA_VERSION) return;
  await waitForLock(() => writer.exec('BEGIN IMMEDIATE'), lockTimeoutMs, path);
  try {
    // Read again: another process may have been first.
    const version = versionOf(writer);
    assertReadableVersion(version, path);
    if (version < SCHEMA_VERSION) await migrate(sqliteKysely(writer), TYPES, version);
    writer.exec('COMMIT');
  } catch (error) {
    if (writer.isTransaction) writer.exec('ROLLBACK');
    throw error;
  }
}

/** Before anything is written: is this a catalog, of a version that this code knows? */
function assertOurs(db: DatabaseSync, path: string, create: boolean): void {
  const tables = db.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table'").get()?.['tables'];
  if (tables === 0) {
    if (create) return;
    throw new CatalogError('NotACatalog', `${path} is empty: there is no catalog in it. Check the path, or import something into it first.`);
  }
  const version = versionOf(db);
  if (version === 0)
    throw new CatalogError('NotACatalog', `${path} is an SQLite file of another program: it has tables, and none is a catalog's. Choose another file.`);
  assertReadableVersion(version, path);
}

/** 0 where there are no tables of ours. */
function versionOf(db: DatabaseSync): number {
  const known = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'catalog_version'").get();
  return known === undefined ? 0 : Number(db.prepare('SELECT version FROM catalog_version').get()?.['version'] ?? 0);
}

/** Tries until no other connection is in the way; the event loop goes on meanwhile. */
async function waitForLock(step: () => void, timeoutMs: number, path: string): Promise<void> {
  const start = performance.now();
  for (;;) {
    try {
      step();
      return;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() - start >= timeoutMs) {
        throw new CatalogError(
          'Locked',
          `${path} was in use by another process for ${timeoutMs / 1000} s. Try again when that is done, or wait longer.`,
          error,
        );
      }
    }
    await sleep(TRY_EVERY_MS * (0.5 + Math.random()));
  }
}
