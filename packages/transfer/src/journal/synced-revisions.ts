import { compareKeys, type Revision } from '@stowage/core';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The two revisions of a key that were last known to have one content. */
export interface SyncedRevisions {
  readonly source: Revision;
  readonly destination: Revision;
}

/** What earlier runs know, to be asked in order of keys. */
export interface SyncedLookup {
  /** What is known of the key. Every key that is met must be asked for, in order. */
  at(key: string): SyncedRevisions | undefined;
  /** Both listings have come to their end; `until` where that is not the one that was named. */
  end(until?: string): void;
}

/** Rows that the merge holds at once. */
const PAGE = 1000;
/** Changes are written behind the work, this many at most and this late at most: that is what a killed run forgets. */
const PENDING_LIMIT = 256;
const PENDING_MS = 20;

/** Which of both listings' revisions have one content, as far as earlier runs have seen to it. */
export class SyncedTable {
  readonly #db: DatabaseSync;
  readonly #guard: (work: () => void) => void;
  readonly #select: StatementSync;
  readonly #insert: StatementSync | undefined;
  readonly #delete: StatementSync | undefined;
  #pending = new Map<string, SyncedRevisions | undefined>();
  #timer: NodeJS.Timeout | undefined;

  /** @param guard runs what may fail with the file */
  constructor(db: DatabaseSync, writes: boolean, guard: (work: () => void) => void) {
    this.#db = db;
    this.#guard = guard;
    this.#select = db.prepare(`SELECT key, source, destination FROM synced WHERE key > ? ORDER BY key LIMIT ${PAGE}`);
    this.#select.setReturnArrays(true);
    this.#insert = writes ? db.prepare('INSERT OR REPLACE INTO synced (key, source, destination) VALUES (?, ?, ?)') : undefined;
    this.#delete = writes ? db.prepare('DELETE FROM synced WHERE key = ?') : undefined;
  }

  /** Notes that the two have one content. */
  remember(key: string, source: Revision, destination: Revision): void {
    this.#note(key, { source, destination });
  }

  /** The key is on neither side, or no longer what it was. */
  forget(key: string): void {
    this.#note(key, undefined);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = new Map();
    if (pending.size === 0) return;
    this.#guard(() => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        for (const [key, revisions] of pending) {
          if (revisions === undefined) this.#delete?.run(key);
          else this.#insert?.run(key, revisionText(revisions.source), revisionText(revisions.destination));
        }
        this.#db.exec('COMMIT');
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Reads along with an ordered merge of an open interval of keys. */
  cursor({ startAfter = '', until }: { readonly startAfter?: string; readonly until?: string } = {}): SyncedLookup {
    return new SyncedCursor({
      after: startAfter,
      until,
      read: (key) => this.#page(key),
      passed: (key) => this.forget(key),
    });
  }

  #page(after: string): readonly SyncedRow[] {
    let rows: readonly SyncedRow[] = [];
    this.#guard(() => {
      rows = this.#select.all(after) as unknown as SyncedRow[];
    });
    return rows;
  }

  #note(key: string, revisions: SyncedRevisions | undefined): void {
    if (this.#insert === undefined) return;
    this.#pending.set(key, revisions);
    if (this.#pending.size >= PENDING_LIMIT) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), PENDING_MS);
  }
}

type SyncedRow = readonly [key: string, source: string, destination: string];

interface CursorOptions {
  readonly after: string;
  readonly until: string | undefined;
  readonly read: (after: string) => readonly SyncedRow[];
  /** Told of each key that nobody has asked for. */
  readonly passed: (key: string) => void;
}

/** Passes the table in order of keys beside the two listings, a page at a time: no search for a single key. */
class SyncedCursor implements SyncedLookup {
  readonly #o: CursorOptions;
  #until: string | undefined;
  #rows: readonly SyncedRow[] = [];
  #at = 0;
  #after: string;
  #ended = false;

  constructor(o: CursorOptions) {
    this.#o = o;
    this.#until = o.until;
    this.#after = o.after;
  }

  /** What is known of the key. Keys must be asked for in order. */
  at(key: string): SyncedRevisions | undefined {
    for (;;) {
      const row = this.#row();
      if (row === undefined) return undefined;
      const order = compareKeys(row[0], key);
      if (order > 0) return undefined;
      this.#at++;
      if (order === 0) return { source: revisionOf(row[1]), destination: revisionOf(row[2]) };
      this.#o.passed(row[0]);
    }
  }

  /** Both listings have come to their end: the keys that are left are on neither side. */
  end(until?: string): void {
    this.#until = until ?? this.#until;
    for (let row = this.#row(); row !== undefined; row = this.#row()) {
      this.#at++;
      this.#o.passed(row[0]);
    }
  }

  #row(): SyncedRow | undefined {
    if (this.#at >= this.#rows.length && !this.#ended) {
      this.#rows = this.#o.read(this.#after);
      this.#at = 0;
      this.#after = this.#rows.at(-1)?.[0] ?? this.#after;
      this.#ended = this.#rows.length < PAGE;
    }
    const row = this.#rows[this.#at];
    return row !== undefined && this.#until !== undefined && compareKeys(row[0], this.#until) >= 0 ? undefined : row;
  }
}

/** An ETag and a version, neither of which holds a line break. */
export function revisionText({ etag = '', version }: Revision): string {
  return version === undefined ? etag : `${etag}\n${version}`;
}

function revisionOf(text: string): Revision {
  const cut = text.indexOf('\n');
  const etag = cut < 0 ? text : text.slice(0, cut);
  return { ...(etag === '' ? {} : { etag }), ...(cut < 0 ? {} : { version: text.slice(cut + 1) }) };
}
