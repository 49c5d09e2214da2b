import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Side } from '../side.ts';
import { isDamage, isSqliteError, journalPath, type MirrorPair, openJournalFile, peekJournalFile, setAside } from './journal-file.ts';
import { Lease, LEASE_MS, type LeaseHolder } from './lease.ts';
import { RunHistory } from './run-history.ts';
import { SyncedTable } from './synced-revisions.ts';
import { UnfinishedUploads } from './unfinished-uploads.ts';

/** Where the journal of a pair is kept. */
export interface JournalOptions extends MirrorPair {
  /** Of the user, outside of both trees, such as `~/.local/state/stowage`. Made where it is not there. */
  readonly stateFolder: string;
  /** The time of day, for leases and the history. */
  readonly today: () => Date;
}

/** What is remembered of a pair from run to run. A file that fails in the middle of a run is told once, and the run goes on without it. */
export class Journal {
  readonly synced: SyncedTable;
  readonly uploads: UnfinishedUploads;
  readonly history: RunHistory;
  readonly #db: DatabaseSync;
  readonly #o: JournalOptions;
  readonly #notice: (text: string) => void;
  readonly #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #closed = false;

  /** Opens it for writing. Throws `Unavailable` where none can be kept. */
  static open(o: JournalOptions, notice: (text: string) => void): Journal {
    return new Journal(openJournalFile(o.stateFolder, o, o.today, notice), true, o, notice);
  }

  /** Opens it for looking only; undefined where there is none. */
  static peek(o: JournalOptions, notice: (text: string) => void): Journal | undefined {
    const db = peekJournalFile(journalPath(o.stateFolder, o), o);
    return db === undefined ? undefined : new Journal(db, false, o, notice);
  }

  private constructor(db: DatabaseSync, writes: boolean, o: JournalOptions, notice: (text: string) => void) {
    const guard = (work: () => void): void => this.#guarded(work);
    this.#db = db;
    this.#o = o;
    this.#notice = notice;
    this.#lease = new Lease(db, o.today, randomUUID());
    this.synced = new SyncedTable(db, writes, guard);
    this.uploads = new UnfinishedUploads(db, o.today, guard);
    this.history = new RunHistory(db, o.today, guard);
  }

  /** Takes the lock of the pair and keeps it until `close`, or gives the run that has it. `lost` is called should another run take over. */
  lock(lost: () => void): LeaseHolder | undefined {
    const holder = this.#lease.take();
    if (holder !== undefined) return holder;
    this.#timer = setInterval(() => {
      this.#guarded(() => {
        if (this.#lease.renew()) return;
        clearInterval(this.#timer);
        lost();
      });
    }, LEASE_MS / 3);
    this.#timer.unref();
    return undefined;
  }

  /** Sides whose listings an earlier run has found out of order, though their stores promise one. */
  outOfOrder(): Side[] {
    let sides: Side[] = [];
    this.#guarded(() => {
      const rows = this.#db.prepare("SELECT value FROM meta WHERE name IN ('unordered source', 'unordered destination')").all();
      sides = rows.map(({ value }) => String(value) as Side);
    });
    return sides;
  }

  noteOrder(side: Side, inOrder: boolean): void {
    this.#guarded(() => {
      if (inOrder) this.#db.prepare('DELETE FROM meta WHERE name = ?').run(`unordered ${side}`);
      else this.#db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(`unordered ${side}`, side);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.synced.flush();
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#guarded(() => this.#lease.release());
    this.#closed = true;
    this.#db.close();
    if (this.#failure !== undefined && isSqliteError(this.#failure) && isDamage(this.#failure))
      setAside(journalPath(this.#o.stateFolder, this.#o), this.#o.today());
  }

  #guarded(work: () => void): void {
    if (this.#failure !== undefined || this.#closed) return;
    try {
      work();
    } catch (error) {
      if (!isSqliteError(error)) throw error;
      this.#failure = error;
      this.#notice(`the journal of this pair failed (${error.message}); this run goes on without it, and the next one compares anew`);
    }
  }
}
