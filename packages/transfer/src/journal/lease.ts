import type { DatabaseSync } from 'node:sqlite';
import { isGone, type ProcessMark, thisProcess } from './process-life.ts';

/** How long a holder that is not heard of keeps others out. Renewed three times in that time. */
export const LEASE_MS = 60_000;

/** Who holds the lock of a pair. */
export interface LeaseHolder {
  readonly pid: number;
  readonly hostName: string;
  /** ISO 8601. */
  readonly since: string;
}

interface LeaseRow extends LeaseHolder {
  readonly holder: string;
  readonly host: string;
  readonly started: number;
  readonly expires: number;
}

/**
 * Keeps two runs off one pair. A holder whose process is gone is succeeded at once, one that is not heard of when its lease has run
 * out: it may be on another host.
 */
export class Lease {
  readonly #db: DatabaseSync;
  readonly #today: () => Date;
  readonly #holder: string;
  readonly #me: ProcessMark;

  /** @param holder a text that no other run has */
  constructor(db: DatabaseSync, today: () => Date, holder: string, me: ProcessMark = thisProcess()) {
    this.#db = db;
    this.#today = today;
    this.#holder = holder;
    this.#me = me;
  }

  /** Takes the lock, or gives the run that has it. */
  take(): LeaseHolder | undefined {
    const now = this.#today();
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const row = this.#db.prepare('SELECT holder, host, host_name AS hostName, pid, started, since, expires FROM lease').get() as unknown as
        | LeaseRow
        | undefined;
      if (row !== undefined && row.holder !== this.#holder && row.expires > now.getTime() && !isGone(row, this.#me)) {
        this.#db.exec('ROLLBACK');
        return { pid: row.pid, hostName: row.hostName, since: row.since };
      }
      const { host, hostName, pid, started } = this.#me;
      this.#db
        .prepare('INSERT OR REPLACE INTO lease (one, holder, host, host_name, pid, started, since, expires) VALUES (1, ?, ?, ?, ?, ?, ?, ?)')
        .run(this.#holder, host, hostName, pid, started, now.toISOString(), now.getTime() + LEASE_MS);
      this.#db.exec('COMMIT');
      return undefined;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** False where another run has taken over. */
  renew(): boolean {
    return this.#db.prepare('UPDATE lease SET expires = ? WHERE holder = ?').run(this.#today().getTime() + LEASE_MS, this.#holder).changes === 1;
  }

  release(): void {
    this.#db.prepare('DELETE FROM lease WHERE holder = ?').run(this.#holder);
  }
}
