import type { Kysely } from 'kysely';
import { CatalogError } from './catalog-error.ts';
import type { BulkReads, BulkRows, Database } from './database.ts';
import type { Tables } from './tables.ts';

/** A database that waits for calls under way before it closes, and takes none behind that. */
export class OpenDatabase implements Database {
  readonly engine: Database['engine'];
  readonly location: string;
  readonly #database: Database;
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(database: Database) {
    this.engine = database.engine;
    this.location = database.location;
    this.#database = database;
  }

  read<T>(work: (db: Kysely<Tables>, rows: BulkReads) => Promise<T>): Promise<T> {
    return this.#call(() => this.#database.read(work));
  }

  walk<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.#call(() => this.#database.walk(work));
  }

  write<T>(work: (db: Kysely<Tables>, rows: BulkRows) => Promise<T>): Promise<T> {
    return this.#call(() => this.#database.write(work));
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new CatalogError('Closed', `the catalog ${this.location} was closed: open it again`);
    const call = run();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(() => this.#database.close());
    return this.#closing;
  }
}
