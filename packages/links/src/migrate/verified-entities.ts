import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Id } from '@stowage/catalog';
import type { Revision } from '@stowage/core';

/** What is verified at its target, and was looked at as this version of its entity. */
export interface VerifiedEntity {
  readonly id: Id;
  readonly version: number;
  readonly link: string;
  readonly revision: Revision | undefined;
}

/** A row as it is kept. */
interface Row {
  readonly id: number;
  readonly version: number;
  readonly link: string;
  readonly revision: string | null;
}

/**
 * The entities that wait for their links, which may be millions: in a database without a name, which SQLite keeps in a few megabytes
 * of memory and then in a temporary file, gone when it is closed.
 */
export class VerifiedEntities implements Disposable {
  readonly #database = new DatabaseSync('');
  readonly #insert: StatementSync;
  readonly #behind: StatementSync;
  readonly #remove: StatementSync;

  constructor() {
    // Nothing of it must outlive a crash.
    this.#database.exec('pragma journal_mode = off; create table verified (id integer primary key, version integer, link text, revision text)');
    this.#insert = this.#database.prepare('insert into verified values (?, ?, ?, ?)');
    this.#behind = this.#database.prepare('select * from verified where id > ? order by id limit ?');
    this.#remove = this.#database.prepare('delete from verified where id <= ?');
  }

  add({ id, version, link, revision }: VerifiedEntity): void {
    this.#insert.run(id, version, link, revision === undefined ? null : JSON.stringify(revision));
  }

  /** By id, so many at once. */
  *pages(limit: number): Generator<readonly VerifiedEntity[], void, undefined> {
    for (let page = this.#page(0, limit); page.length > 0; page = this.#page(page.at(-1)?.id ?? 0, limit)) yield page;
  }

  /** The first page, which is forgotten; others may be added meanwhile. */
  take(limit: number): readonly VerifiedEntity[] {
    const page = this.#page(0, limit);
    this.#remove.run(page.at(-1)?.id ?? 0);
    return page;
  }

  #page(behind: Id, limit: number): readonly VerifiedEntity[] {
    const rows = this.#behind.all(behind, limit) as unknown as readonly Row[];
    return rows.map(({ revision, ...row }) => ({ ...row, revision: revision === null ? undefined : (JSON.parse(revision) as Revision) }));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
