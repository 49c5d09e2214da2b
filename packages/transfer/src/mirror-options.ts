import type { DeleteLimit } from './delete-guard.ts';
import type { Comparison } from './delta.ts';
import type { Counts, Outcome } from './outcome.ts';
import type { JournalOptions } from './journal/journal.ts';
import type { FilterOptions } from './filters/key-filter.ts';
import type { Existing, PlanOptions } from './planner.ts';
import type { TrippedGuard } from './delete-guard.ts';
import type { RangeOptions } from './range-planner.ts';
import type { BandwidthOptions } from './scheduling/bandwidth.ts';
import type { ProgressSnapshot } from './progress.ts';
import type { StopCause } from './stop.ts';

/** Told of a run while it goes on. */
export interface MirrorObserver {
  /**
   * Every outcome once, in batches, deletions last. Keys that are compared come in order within a range of keys, of which several are
   * read side by side ({@link MirrorOptions.ranges}); copies as they end. Where it returns a promise, the run waits for it before it
   * compares further: a slow reader slows the run and fills no memory.
   */
  readonly outcomes?: (batch: readonly Outcome[]) => void | Promise<void>;
  /** Something to know that is no failure; each text once. */
  readonly notice?: (text: string) => void;
}

/** How much of a mirror one run is to do. */
export interface RunLimit {
  /** Milliseconds since its start; 24 days at most. */
  readonly durationMs?: number;
  /** Bytes sent, on the server's side or through this process. What is in flight then is finished; an object in parts goes on in the next run. */
  readonly bytes?: number;
}

export interface MirrorOptions {
  /**
   * - `sync` makes the destination equal to the source; refuses an empty source
   * - `copy` adds and updates, never deletes
   * - `check` compares and changes nothing; what only the destination has is a difference
   */
  readonly mode: 'sync' | 'copy' | 'check';
  /** Say what would be done, and do nothing. Default false. `check` never does anything. */
  readonly dryRun?: boolean;
  /** Delete what only the destination has, at the end and if no guard trips; `sync` only. Default false: it is counted as `skipped (extra)`. */
  readonly delete?: boolean;
  /** Default: more than 25 % of the destination's objects and more than 100 trip the guard. */
  readonly maxDelete?: DeleteLimit;
  /** Asked before the first deletion where these are over the limit; true: they are made all the same. Default: they are not. */
  readonly confirmDeletions?: (guard: TrippedGuard) => Promise<boolean>;
  /** Default `auto`. */
  readonly comparison?: Comparison;
  /** What becomes of objects that both sides have. Default `update`. */
  readonly existing?: Existing;
  /** The keys and objects that the mirror is about. Default: all. */
  readonly filter?: FilterOptions;
  /** Whether destination objects that `filter` leaves out by name are deleted, too; with `delete`. Default false: they are kept. */
  readonly deleteExcluded?: boolean;
  /** Folder at the destination, such as `.trash`, where what is deleted or overwritten is put first, under the time of the run. It is no part of the mirror. */
  readonly trash?: { readonly prefix: string; readonly today: Date };
  /** Copies in flight at most, or batches of copies where the destination takes many in one call. Default: found while running, from 16 up to 64; 4 batches. */
  readonly transfers?: number;
  /** Attempts at a copy beside the first, on top of those that layers make at single requests. Default 3; more where a store asks to slow down. */
  readonly retries?: number;
  /** How many bytes of content may pass through this process a second. Default: as many as there may be. */
  readonly bandwidth?: BandwidthOptions;
  /** After which nothing more is begun: what is in flight is finished, the rest is for the next run, and nothing is deleted. Default: neither. */
  readonly limit?: RunLimit;
  /** Bytes a part: larger objects go in several, side by side. Raised so that an object fits into 9,000. Default 8 MiB. */
  readonly partSize?: number;
  /** When the listings are split into ranges of keys that are read side by side. Default: as {@link RangeOptions} has it. */
  readonly ranges?: RangeOptions;
  /** The part of both trees to work on. Default: everything. */
  readonly range?: PlanOptions['range'];
  /**
   * Where to keep what later runs are to know: revisions that were made equal, uploads that were begun, past runs; and the lock that
   * keeps two runs off one pair. Only looked at where nothing is done. Default: none is kept.
   */
  readonly journal?: JournalOptions;
  /** Folder for a file of pending deletions, where they are many; outside of both trees. */
  readonly scratchFolder: string;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Ends work in flight at once. {@link MirrorRun.stop} lets it finish. */
  readonly signal?: AbortSignal;
  readonly observer?: MirrorObserver;
}

/** What a side's listing gave. */
export interface ListingReport {
  readonly objects: number;
  readonly bytes: number;
  /** Things in an object's place that are none: each is a key with an outcome, too. */
  readonly issues: number;
}

export interface MirrorReport {
  readonly mode: MirrorOptions['mode'];
  readonly dryRun: boolean;
  readonly counts: Counts;
  /** How often each `kind:reason` came. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly source: ListingReport;
  readonly destination: ListingReport;
  /** Whether both listings came to their end. */
  readonly complete: boolean;
  /** Keys that either side listed. */
  readonly keys: number;
  /** Whether each of these ended in exactly one outcome. */
  readonly balanced: boolean;
  /** Whether the destination denied every copy that was tried, and none was made. */
  readonly destinationDenied: boolean;
  readonly guard?: TrippedGuard;
  readonly stopped?: StopCause;
  readonly elapsedMs: number;
}

/** A run that goes on. */
export interface MirrorRun {
  /** Settles when the run has ended; rejects with `MirrorRefusal` where nothing was done, and with faults of this program. */
  readonly report: Promise<MirrorReport>;
  progress(): ProgressSnapshot;
  /** Begins nothing new, lets work in flight finish, deletes nothing. */
  stop(): void;
}
