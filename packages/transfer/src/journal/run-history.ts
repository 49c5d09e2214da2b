import type { DatabaseSync } from 'node:sqlite';
import type { MirrorReport } from '../mirror-options.ts';

/** Runs of a pair that are kept. */
const KEPT = 200;

/** What is kept of a run. */
export interface PastRun {
  readonly id: number;
  /** ISO 8601. */
  readonly began: string;
  /** Absent: it was killed, or goes on. */
  readonly ended?: string;
  readonly mode: string;
  readonly report?: PastReport;
}

/** A report as plain data. */
export type PastReport = Pick<MirrorReport, 'counts' | 'reasons' | 'source' | 'destination' | 'complete' | 'keys' | 'balanced' | 'elapsedMs'> & {
  readonly guard?: string;
  readonly stopped?: string;
};

/** Runs of one pair, the oldest forgotten. */
export class RunHistory {
  readonly #db: DatabaseSync;
  readonly #today: () => Date;
  readonly #guard: (work: () => void) => void;

  constructor(db: DatabaseSync, today: () => Date, guard: (work: () => void) => void) {
    this.#db = db;
    this.#today = today;
    this.#guard = guard;
  }

  began(mode: string): number | undefined {
    let id: number | undefined;
    this.#guard(() => {
      id = Number(this.#db.prepare('INSERT INTO run (began, mode) VALUES (?, ?)').run(this.#today().toISOString(), mode).lastInsertRowid);
      this.#db.prepare('DELETE FROM run WHERE id <= ?').run(id - KEPT);
    });
    return id;
  }

  ended(id: number | undefined, report: MirrorReport): void {
    if (id === undefined) return;
    this.#guard(() => {
      this.#db.prepare('UPDATE run SET ended = ?, report = ? WHERE id = ?').run(this.#today().toISOString(), JSON.stringify(plain(report)), id);
    });
  }

  all(): PastRun[] {
    let runs: PastRun[] = [];
    this.#guard(() => {
      const rows = this.#db.prepare('SELECT id, began, ended, mode, report FROM run ORDER BY id').all() as unknown as {
        readonly id: number;
        readonly began: string;
        readonly ended: string | null;
        readonly mode: string;
        readonly report: string | null;
      }[];
      runs = rows.map(({ ended, report, ...row }) => ({
        ...row,
        ...(ended === null ? {} : { ended }),
        ...(report === null ? {} : { report: JSON.parse(report) as PastReport }),
      }));
    });
    return runs;
  }
}

function plain({ counts, reasons, source, destination, complete, keys, balanced, elapsedMs, guard, stopped }: MirrorReport): PastReport {
  return {
    counts,
    reasons,
    source,
    destination,
    complete,
    keys,
    balanced,
    elapsedMs: Math.round(elapsedMs),
    ...(guard === undefined ? {} : { guard: guard.message }),
    ...(stopped === undefined ? {} : { stopped: stopped.by === 'caller' ? 'interrupted' : stopped.error.message }),
  };
}
