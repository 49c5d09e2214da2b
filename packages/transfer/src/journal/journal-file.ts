import { isStorageError, makeFolder, StorageError } from '@stowage/core';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { PlaceIdentity } from '../overlap.ts';

/** Marks a file as a journal of this program: `PRAGMA application_id`, the letters "StoM". */
const APPLICATION_ID = 0x53746f4d;
/** Raised whenever a table changes its meaning. */
const SCHEMA_VERSION = 1;
const BUSY_MS = 10_000;

/** Which two trees a journal is about. */
export interface MirrorPair {
  readonly source: PlaceIdentity;
  readonly destination: PlaceIdentity;
}

const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE synced (key TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE upload (
    key TEXT PRIMARY KEY, id TEXT NOT NULL, started_at TEXT, source TEXT NOT NULL, size INTEGER NOT NULL, part_size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE part (
    key TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, token TEXT NOT NULL, crc32 INTEGER NOT NULL, PRIMARY KEY (key, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE orphan (id TEXT PRIMARY KEY, key TEXT NOT NULL, started_at TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE intent (key TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (key, at)) STRICT, WITHOUT ROWID;
  CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, host TEXT NOT NULL, host_name TEXT NOT NULL, pid INTEGER NOT NULL,
    started INTEGER NOT NULL, since TEXT NOT NULL, expires INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, began TEXT NOT NULL, ended TEXT, mode TEXT NOT NULL, report TEXT) STRICT;
`;

/** The folder of all journals under the user's state folder. */
export function journalFolder(stateFolder: string): string {
  return join(stateFolder, 'mirror');
}

function pairText({ source, destination }: MirrorPair): string {
  return JSON.stringify([source.store, source.path, destination.store, destination.path]);
}

/** One file for each pair of places, in either role. */
export function journalPath(stateFolder: string, pair: MirrorPair): string {
  return join(journalFolder(stateFolder), `${createHash('sha256').update(pairText(pair)).digest('hex').slice(0, 24)}.sqlite`);
}

/** A journal that cannot be gone on with; `reason` goes behind "it ". */
class UnusableJournal extends Error {}

/**
 * Opens the journal of a pair, making it where there is none. One that is damaged, of another program, of other places or of a newer
 * version is renamed, never removed, and a new one begun. Throws `Unavailable` where none can be kept.
 */
export function openJournalFile(stateFolder: string, pair: MirrorPair, today: () => Date, notice: (text: string) => void): DatabaseSync {
  const path = journalPath(stateFolder, pair);
  try {
    makeFolder(fs, journalFolder(stateFolder), 0o700);
    try {
      return openSound(path, pair);
    } catch (error) {
      if (!(error instanceof UnusableJournal)) throw error;
      const aside = setAside(path, today());
      notice(`the journal ${JSON.stringify(path)} ${error.message}; it was set aside as ${JSON.stringify(aside)} and a new one begun: this run compares anew`);
      return openSound(path, pair);
    }
  } catch (error) {
    if (isStorageError(error)) throw error;
    const { message } = error as Error;
    throw new StorageError('Unavailable', `no journal can be kept at ${JSON.stringify(path)}: ${message}`, { cause: error, retryable: false });
  }
}

/** As {@link openJournalFile}, for looking only: undefined where there is none that can be read. */
export function peekJournalFile(path: string, pair?: MirrorPair): DatabaseSync | undefined {
  if (!fs.existsSync(path)) return undefined;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
    assertSound(db, pair);
    return db;
  } catch {
    // Whoever only looks changes nothing: what is wrong with it is told by the next run that writes.
    db?.close();
    return undefined;
  }
}

/** Renames a journal and what SQLite keeps beside it. */
export function setAside(path: string, today: Date): string {
  const aside = `${path}.set-aside-${today.toISOString().replaceAll(':', '')}`;
  for (const suffix of ['-wal', '-shm', '']) if (fs.existsSync(path + suffix)) fs.renameSync(path + suffix, aside + suffix);
  return aside;
}

function openSound(path: string, pair: MirrorPair): DatabaseSync {
  const isNew = !fs.existsSync(path);
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    if (isNew) fs.chmodSync(path, 0o600);
    prepare(db, pair);
    return db;
  } catch (error) {
    db.close();
    throw isSqliteError(error) && isDamage(error) ? new UnusableJournal(`is damaged (${error.message})`) : error;
  }
}

function prepare(db: DatabaseSync, pair: MirrorPair): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096; PRAGMA mmap_size = 0;');
  db.exec('BEGIN IMMEDIATE');
  try {
    // An empty file is one that was just made, by this process or by one that begins at the same moment and has not come this far.
    if (pragma(db, 'application_id') === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0) {
      db.exec(SCHEMA);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
      db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)').run('pair', pairText(pair));
    } else assertSound(db, pair);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function assertSound(db: DatabaseSync, pair: MirrorPair | undefined): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) throw new UnusableJournal('is none of stowage-mirror');
  const version = Number(pragma(db, 'user_version'));
  if (version > SCHEMA_VERSION) throw new UnusableJournal(`is of a newer version of stowage-mirror (${version}, this one writes ${SCHEMA_VERSION})`);
  if (version !== SCHEMA_VERSION) throw new UnusableJournal(`is of an unknown version (${version}, expected ${SCHEMA_VERSION})`);
  const check = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (check !== 'ok') throw new UnusableJournal(`is damaged (${String(check)})`);
  if (pair === undefined) return;
  const known = db.prepare("SELECT value FROM meta WHERE name = 'pair'").get()?.['value'];
  if (known !== pairText(pair)) throw new UnusableJournal('is of other places');
}

function pragma(db: DatabaseSync, name: string): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}

/** An error of SQLite, as `node:sqlite` throws it. */
export function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, extended codes included (https://www.sqlite.org/rescode.html); a table that lacks is SQLITE_ERROR. */
export function isDamage({ errcode }: { readonly errcode: number }): boolean {
  return [1, 11, 26].includes(errcode & 0xff);
}
