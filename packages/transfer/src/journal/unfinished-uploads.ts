import type { Revision, UploadedPart, UploadRef } from '@stowage/core';
import type { DatabaseSync } from 'node:sqlite';
import { revisionText } from './synced-revisions.ts';

/** A part that was sent, with the checksum of what was read for it. */
export interface KnownPart extends UploadedPart {
  readonly crc32: number;
}

/** An upload of an earlier run, of the very revision that is to be copied. */
export interface KnownUpload {
  readonly ref: UploadRef;
  readonly parts: readonly KnownPart[];
}

/** What an upload is cut from. */
export interface UploadPlan {
  readonly revision: Revision;
  readonly lastModified: Date;
  readonly size: number;
  readonly partSize: number;
}

/** An upload that was asked for, and whose name was perhaps never heard. */
export interface UploadIntent {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface UploadRow {
  readonly id: string;
  readonly started_at: string | null;
  readonly source: string;
  readonly size: number;
  readonly part_size: number;
}

/** Uploads in parts that this pair has open. Each change is written before the work goes on: a killed run loses none that it began. */
export class UnfinishedUploads {
  readonly #db: DatabaseSync;
  readonly #today: () => Date;
  readonly #guard: (work: () => void) => void;

  constructor(db: DatabaseSync, today: () => Date, guard: (work: () => void) => void) {
    this.#db = db;
    this.#today = today;
    this.#guard = guard;
  }

  /** The upload of the key that can be gone on with. One that is of another revision, or cut otherwise, becomes an orphan. */
  find(key: string, plan: UploadPlan): KnownUpload | undefined {
    let found: KnownUpload | undefined;
    this.#guard(() => {
      const row = this.#db.prepare('SELECT id, started_at, source, size, part_size FROM upload WHERE key = ?').get(key) as UploadRow | undefined;
      if (row === undefined) return;
      if (row.size !== plan.size || row.part_size !== plan.partSize || row.source !== sourceText(plan)) {
        this.#orphan(key);
        return;
      }
      const parts = this.#db.prepare('SELECT number AS "index", size, token, crc32 FROM part WHERE key = ? ORDER BY number').all(key) as unknown as KnownPart[];
      found = { ref: refOf(key, row.id, row.started_at), parts };
    });
    return found;
  }

  /** Noted before the store is asked: should nobody hear its answer, the upload is looked for later. */
  intend(key: string): UploadIntent {
    const intent = { key, at: this.#today().getTime() };
    this.#guard(() => void this.#db.prepare('INSERT OR IGNORE INTO intent (key, at) VALUES (?, ?)').run(intent.key, intent.at));
    return intent;
  }

  began(ref: UploadRef, plan: UploadPlan, intent: UploadIntent | undefined): void {
    const { key, id, startedAt = null } = ref;
    this.#guard(() => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        this.#orphan(key);
        this.#db
          .prepare('INSERT INTO upload (key, id, started_at, source, size, part_size) VALUES (?, ?, ?, ?, ?, ?)')
          .run(key, id, startedAt, sourceText(plan), plan.size, plan.partSize);
        if (intent !== undefined) this.#db.prepare('DELETE FROM intent WHERE key = ? AND at = ?').run(intent.key, intent.at);
        this.#db.exec('COMMIT');
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  sent(key: string, { index, size, token, crc32 }: KnownPart): void {
    this.#guard(() => {
      this.#db.prepare('INSERT OR REPLACE INTO part (key, number, size, token, crc32) VALUES (?, ?, ?, ?, ?)').run(key, index, size, token, crc32);
    });
  }

  /** The upload was completed, or is known to be gone. */
  ended({ key, id }: UploadRef): void {
    this.#guard(() => {
      this.#db.prepare('DELETE FROM part WHERE key = ? AND EXISTS (SELECT 1 FROM upload WHERE key = ? AND id = ?)').run(key, key, id);
      this.#db.prepare('DELETE FROM upload WHERE key = ? AND id = ?').run(key, id);
      this.#db.prepare('DELETE FROM orphan WHERE id = ?').run(id);
    });
  }

  /** Nobody goes on with the upload; it is to be removed. */
  abandoned({ key }: UploadRef): void {
    this.#guard(() => this.#orphan(key));
  }

  /** Every open upload that no run will go on with: those that were cut from another revision; with `all`, every one. */
  orphans(all: boolean): UploadRef[] {
    let refs: UploadRef[] = [];
    this.#guard(() => {
      const rows = this.#db
        .prepare(`SELECT key, id, started_at FROM orphan${all ? ' UNION ALL SELECT key, id, started_at FROM upload' : ''}`)
        .all() as unknown as { readonly key: string; readonly id: string; readonly started_at: string | null }[];
      refs = rows.map(({ key, id, started_at }) => refOf(key, id, started_at));
    });
    return refs;
  }

  /** Uploads whose names were never heard, by key. */
  intents(): UploadIntent[] {
    let intents: UploadIntent[] = [];
    this.#guard(() => {
      intents = this.#db.prepare('SELECT key, at FROM intent ORDER BY key').all() as unknown as UploadIntent[];
    });
    return intents;
  }

  /** Whether the upload is one that this journal knows by its name. */
  knows({ id }: UploadRef): boolean {
    let known = false;
    this.#guard(() => {
      known = this.#db.prepare('SELECT 1 FROM upload WHERE id = ? UNION SELECT 1 FROM orphan WHERE id = ?').get(id, id) !== undefined;
    });
    return known;
  }

  forgetIntent({ key, at }: UploadIntent): void {
    this.#guard(() => void this.#db.prepare('DELETE FROM intent WHERE key = ? AND at = ?').run(key, at));
  }

  #orphan(key: string): void {
    this.#db.prepare('INSERT OR IGNORE INTO orphan (id, key, started_at) SELECT id, key, started_at FROM upload WHERE key = ?').run(key);
    this.#db.prepare('DELETE FROM part WHERE key = ?').run(key);
    this.#db.prepare('DELETE FROM upload WHERE key = ?').run(key);
  }
}

/** The time as well: headers that were replaced need not change an ETag. */
function sourceText({ revision, lastModified }: UploadPlan): string {
  return `${lastModified.getTime()} ${revisionText(revision)}`;
}

function refOf(key: string, id: string, startedAt: string | null): UploadRef {
  return { key, id, ...(startedAt === null ? {} : { startedAt }) };
}
