import { type Bucket, formatDuration, formatSize, isStorageError, type Revision } from '@stowage/core';
import type { Action, CompareAction } from './action.ts';
import { sameContent } from './content-comparison.ts';
import { Copier, DEFAULT_TRANSFERS } from './copier.ts';
import { judgeComparisonFailure } from './copy-failure.ts';
import { EMPTY_SOURCE, judgeDeletions, type TrippedGuard } from './delete-guard.ts';
import { DeleteLedger } from './delete-ledger.ts';
import { Deleter } from './deleter.ts';
import { hidesChanges } from './delta.ts';
import { KeyFilter } from './filters/key-filter.ts';
import { Journal } from './journal/journal.ts';
import type { SyncedTable } from './journal/synced-revisions.ts';
import { isKnown } from './copy-condition.ts';
import { ListingFailure } from './listing-cursor.ts';
import type { MirrorOptions, MirrorReport, MirrorRun } from './mirror-options.ts';
import { listingRefusal, MirrorRefusal } from './mirror-refusal.ts';
import { OutcomeTally } from './outcome.ts';
import { refuseOverlap } from './overlap.ts';
import { sweepUploads } from './parts/upload-sweep.ts';
import type { PlanOptions } from './planner.ts';
import type { Side } from './side.ts';
import { RangePlanner } from './range-planner.ts';
import { type ProgressSnapshot, RunProgress } from './progress.ts';
import { watchThrottles } from './scheduling/throttle-watch.ts';
import { Stop } from './stop.ts';
import { Trash } from './trash.ts';
import { WorkLanes } from './work-lanes.ts';

/** Makes, or compares, or plans to make, the destination's tree equal to the source's. Begins at once. */
export function mirror(source: Bucket, destination: Bucket, options: MirrorOptions): MirrorRun {
  const run = new Run(source, destination, options);
  return {
    report: run.run(),
    progress: () => run.snapshot(),
    stop: () => run.stop.request({ by: 'caller' }),
  };
}

/** Timers of Node count milliseconds in 31 bits: 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class Run {
  readonly stop: Stop = new Stop();
  readonly #source: Bucket;
  readonly #destination: Bucket;
  readonly #o: MirrorOptions;
  readonly #began: number;
  readonly #acts: boolean;
  readonly #tally: OutcomeTally;
  readonly #progress: RunProgress;
  readonly #filter: KeyFilter | undefined;
  readonly #trash: Trash | undefined;
  readonly #journal: Journal | undefined;
  /** The journal, where it keeps revisions: listings that tell every change need none. */
  readonly #synced: SyncedTable | undefined;
  readonly #planner: RangePlanner;
  readonly #copier: Copier;
  readonly #comparing: WorkLanes;

  constructor(source: Bucket, destination: Bucket, o: MirrorOptions) {
    this.#source = source;
    this.#destination = destination;
    this.#o = o;
    this.#began = o.now();
    this.#acts = o.mode !== 'check' && o.dryRun !== true;
    this.#tally = new OutcomeTally(o.observer?.outcomes);
    const most = o.limit?.bytes ?? Infinity;
    this.#progress = new RunProgress((bytes) => {
      if (bytes > most) this.#limitReached(`it has sent more than ${formatSize(most)}`);
    });
    this.#filter = o.filter === undefined ? undefined : new KeyFilter(o.filter);
    this.#trash = o.trash === undefined ? undefined : new Trash(destination, o.trash.prefix, o.trash.today);
    this.#journal = this.#openJournal();
    this.#synced = hidesChanges(source.capabilities, destination.capabilities) ? this.#journal?.synced : undefined;
    const synced = this.#synced;
    const plan: PlanOptions = {
      comparison: o.comparison ?? 'auto',
      // To a check, what only the destination has is a difference like any other.
      delete: o.mode === 'check' || o.delete === true,
      sort: this.#unordered(),
      ...(o.existing === undefined ? {} : { existing: o.existing }),
      ...(this.#filter === undefined ? {} : { filter: this.#filter }),
      deleteExcluded: o.deleteExcluded === true,
      ...(this.#trash === undefined ? {} : { trash: this.#trash.prefix }),
      ...(o.range === undefined ? {} : { range: o.range }),
      ...(synced === undefined ? {} : { synced: (range) => synced.cursor(range) }),
      ...(o.signal === undefined ? {} : { signal: o.signal }),
    };
    this.#planner = new RangePlanner(source, destination, plan, o.now, o.ranges);
    this.#copier = new Copier({
      source,
      destination,
      transfers: o.transfers,
      retries: o.retries,
      bandwidth: o.bandwidth,
      now: o.now,
      partSize: o.partSize,
      trash: this.#trash,
      uploads: this.#acts ? this.#journal?.uploads : undefined,
      signal: o.signal,
      tally: this.#tally,
      progress: this.#progress,
      stop: this.stop,
      notice: (text) => o.observer?.notice?.(text),
      onCopied: ({ key, source: { revision } }, copy) => this.#remember(key, revision, copy),
      keepBlocked: o.delete === true,
    });
    this.#comparing = new WorkLanes(o.transfers ?? DEFAULT_TRANSFERS);
  }

  snapshot(): ProgressSnapshot {
    this.#progress.concurrency = this.#copier.concurrency;
    return this.#progress.snapshot(this.#o.now() - this.#began, this.#tally.of('failed').objects, this.#tally.of('conflict').objects);
  }

  async run(): Promise<MirrorReport> {
    const abort = (): void => this.stop.request({ by: 'caller' });
    this.#o.signal?.addEventListener('abort', abort, { once: true });
    const { durationMs } = this.#o.limit ?? {};
    const timer =
      durationMs === undefined
        ? undefined
        : setTimeout(() => this.#limitReached(`it has had its ${formatDuration(durationMs)}`), Math.min(durationMs, LONGEST_TIMER_MS));
    const unwatch = watchThrottles([this.#source, this.#destination], () => {
      this.#progress.throttled++;
      this.#copier.throttled();
    });
    const ledger = new DeleteLedger(this.#o.scratchFolder);
    try {
      this.#refuse();
      this.#lock();
      const run = this.#acts ? this.#journal?.history.began(this.#o.mode) : undefined;
      await this.#open();
      const complete = await this.#carryOut(ledger);
      if (complete) this.#tellMissing();
      if (complete && this.#acts) for (const side of this.#planner.sums.inOrder) this.#journal?.noteOrder(side, true);
      const guard = this.#o.mode === 'check' ? undefined : await this.#confirmed(this.#judge(ledger, complete));
      await this.#deleteAll(ledger, guard);
      await this.#sweepUploads(complete);
      this.#tally.flush();
      await this.#tally.received();
      this.#progress.phase = 'finished';
      const report = this.#report(complete, guard, await this.#copier.destinationDenied());
      if (this.#acts) this.#journal?.history.ended(run, report);
      return report;
    } finally {
      clearTimeout(timer);
      unwatch();
      ledger.close();
      this.#o.signal?.removeEventListener('abort', abort);
      await this.#planner.close();
      this.#journal?.close();
    }
  }

  #limitReached(why: string): void {
    this.stop.request({ by: 'limit', error: new Error(`the limit of this run is reached: ${why}; what was copied stays, run again to go on`) });
  }

  /** Where nothing is done, nothing is written down either. */
  #openJournal(): Journal | undefined {
    const { journal, observer } = this.#o;
    if (journal === undefined) return undefined;
    const notice = (text: string): void => observer?.notice?.(text);
    if (!this.#acts) return Journal.peek(journal, notice);
    try {
      return Journal.open(journal, notice);
    } catch (error) {
      if (!isStorageError(error)) throw error;
      notice(`${error.message}; this run goes on without one, and nothing keeps another run off the same two places`);
      return undefined;
    }
  }

  /** Sides that are sorted first: their stores promise no order, or have broken their promise to an earlier run. */
  #unordered(): Side[] {
    const broken = this.#journal?.outOfOrder() ?? [];
    const promised = { source: this.#source, destination: this.#destination };
    return (['source', 'destination'] as const).filter((side) => promised[side].capabilities.list.order !== 'utf8' || broken.includes(side));
  }

  #lock(): void {
    if (!this.#acts) return;
    const holder = this.#journal?.lock(() =>
      this.stop.request({ by: 'lock', error: new Error('another run has taken over, for this one was not heard of for a minute; let that one end') }),
    );
    if (holder === undefined) return;
    throw new MirrorRefusal(
      'locked',
      `another run is at work on these two places: process ${holder.pid} on ${holder.hostName}, since ${holder.since}; wait for it to end, or end it`,
    );
  }

  /** An upload that nothing was copied with, though everything was, is of no use to anybody. */
  async #sweepUploads(complete: boolean): Promise<void> {
    const { observer, range, signal } = this.#o;
    if (!this.#acts || this.#journal === undefined || signal?.aborted === true) return;
    const all = complete && range === undefined && this.stop.cause === undefined && this.#tally.of('failed').objects + this.#tally.of('conflict').objects === 0;
    await sweepUploads(this.#destination, this.#journal.uploads, all, (text) => observer?.notice?.(text));
  }

  #remember(key: string, source: Revision, destination: Revision): void {
    if (isKnown(source) && isKnown(destination)) this.#synced?.remember(key, source, destination);
  }

  /** What can be told to be wrong without asking either store. */
  #refuse(): void {
    const { mode, delete: deletes } = this.#o;
    if (deletes === true && mode !== 'sync') throw new MirrorRefusal('usage', `"${mode}" never deletes; use "sync" to delete what only the destination has`);
    try {
      refuseOverlap(this.#source, this.#destination);
    } catch (error) {
      if (isStorageError(error)) throw new MirrorRefusal('overlap', error.message);
      throw error;
    }
    if (this.#trash !== undefined && !this.#destination.canCopyFrom(this.#destination))
      throw new MirrorRefusal(
        'usage',
        `the destination (${this.#destination.provider}) cannot copy within itself, so that it can have no trash; leave --trash out`,
      );
    if (this.#acts && this.#destination.capabilities.readOnly)
      throw new MirrorRefusal(
        'destination',
        `the destination (${this.#destination.provider} ${JSON.stringify(this.#destination.name)}) is read-only; open it for writing, or use "check"`,
      );
  }

  async #open(): Promise<void> {
    try {
      const any = await this.#planner.open();
      if (!any && this.#o.mode === 'sync') throw new MirrorRefusal('empty-source', EMPTY_SOURCE);
    } catch (error) {
      if (!(error instanceof ListingFailure)) throw error;
      if (this.#o.signal?.aborted === true) return;
      throw listingRefusal(error.side, error.error);
    }
  }

  /** Compares, and copies what the comparison asks for. Resolves when all that is done; true where both listings came to their end. */
  async #carryOut(ledger: DeleteLedger): Promise<boolean> {
    let complete = false;
    try {
      for await (const actions of this.#planner.actions()) {
        for (const action of actions) this.#dispatch(action, ledger);
        this.#progress.compared = this.#planner.sums.keys;
        this.#tally.flush();
        await this.#tally.received();
        await this.#comparing.room();
        await this.#copier.room();
        if (this.stop.cause !== undefined) break;
      }
      complete = this.stop.cause === undefined;
    } catch (error) {
      if (!(error instanceof ListingFailure)) throw error;
      if (error.outOfOrder && this.#acts) this.#journal?.noteOrder(error.side, false);
      this.stop.request({ by: 'listing', side: error.side, error: error.error });
    }
    this.#progress.listed = complete;
    this.#progress.phase = 'copying';
    await this.#comparing.idle();
    await this.#copier.idle();
    return complete;
  }

  #dispatch(action: Action, ledger: DeleteLedger): void {
    const { key } = action;
    switch (action.kind) {
      case 'same':
        this.#tally.add({ kind: 'same', key, size: action.source.size });
        // That sizes are equal says nothing of the content.
        if (!action.noted && this.#o.comparison !== 'size') this.#remember(key, action.source.revision, action.destination.revision);
        return;
      case 'compare':
        this.#comparing.push(() => this.#compare(action));
        return;
      case 'copy':
      case 'update':
        if (this.#acts) this.#copier.add(action);
        else if (action.kind === 'copy') this.#tally.add({ kind: 'copied', key, size: action.source.size });
        else this.#tally.add({ kind: 'updated', key, size: action.source.size, reason: action.why });
        return;
      case 'delete':
        ledger.add({ key, size: action.destination.size, revision: action.destination.revision });
        return;
      default: {
        const { size, reason, message } = action;
        const kind = action.kind === 'skip' ? 'skipped' : action.kind === 'fail' ? 'failed' : 'conflict';
        this.#tally.add({ kind, key, size, reason, ...(message === undefined ? {} : { message }) });
      }
    }
  }

  async #compare(action: CompareAction): Promise<void> {
    const { key, source, destination } = action;
    const { signal } = this.#o;
    if (this.stop.cause !== undefined) {
      this.#tally.add({ kind: 'skipped', key, size: source.size, reason: 'not-attempted' });
      return;
    }
    try {
      const { equal } = await sameContent(
        this.#source,
        this.#destination,
        source,
        destination,
        signal === undefined ? {} : { signal },
        this.#o.comparison !== 'bytes',
      );
      if (equal) {
        this.#tally.add({ kind: 'same', key, size: source.size });
        this.#remember(key, source.revision, destination.revision);
      } else if (this.#acts) this.#copier.add({ kind: 'update', key, source, destination, why: 'content' });
      else this.#tally.add({ kind: 'updated', key, size: source.size, reason: 'content' });
    } catch (error) {
      const judged = judgeComparisonFailure(action, error, signal);
      this.#tally.add(judged.outcome);
      if (judged.stop !== undefined) this.stop.request(judged.stop);
    }
    this.#tally.flush();
  }

  #judge(ledger: DeleteLedger, complete: boolean): TrippedGuard | undefined {
    const { maxDelete } = this.#o;
    const { cause } = this.stop;
    const { doubts, doubtful, source, destination } = this.#planner.sums;
    const broken = (this.#journal?.outOfOrder() ?? [])
      .filter((side) => !this.#planner.sums.inOrder.has(side))
      .map((side) => `the store of the ${side} breaks the order of listings that it promises, and may leave out objects`);
    const listing = cause?.by === 'listing' ? [`the listing of the ${cause.side} failed: ${cause.error.message}`] : [];
    return judgeDeletions({
      deletions: ledger.objects,
      sourceObjects: source.objects,
      destinationObjects: destination.objects,
      doubts: [...listing, ...broken, ...doubts],
      doubtful: doubtful + listing.length + broken.length,
      failures: this.#tally.of('failed').objects,
      interrupted: !complete && listing.length === 0,
      limit: maxDelete,
    });
  }

  /** A limit may be passed by whoever is asked; nothing else may. */
  async #confirmed(guard: TrippedGuard | undefined): Promise<TrippedGuard | undefined> {
    const { confirmDeletions } = this.#o;
    if (guard?.guard !== 'max-delete' || !this.#acts || confirmDeletions === undefined) return guard;
    return (await confirmDeletions(guard)) && this.stop.cause === undefined ? undefined : guard;
  }

  /** Keys that were asked for by name, and are on neither side. */
  #tellMissing(): void {
    const missing = this.#filter?.missing ?? [];
    if (missing.length === 0) return;
    const shown = missing.slice(0, 5).map((key) => JSON.stringify(key));
    this.#o.observer?.notice?.(
      `${missing.length} of the keys that were asked for ${missing.length === 1 ? 'is' : 'are'} on neither side: ${shown.join(', ')}${missing.length > shown.length ? ', …' : ''}`,
    );
  }

  async #deleteAll(ledger: DeleteLedger, guard: TrippedGuard | undefined): Promise<void> {
    const deleter = new Deleter({
      destination: this.#destination,
      ledger,
      tally: this.#tally,
      progress: this.#progress,
      stop: this.stop,
      signal: this.#o.signal,
      trash: this.#trash,
      retries: this.#o.retries,
    });
    if (guard !== undefined) deleter.keepAll(guard);
    else if (this.#acts) await deleter.deleteAll();
    else deleter.planAll();
    await this.#tally.received();
    // A key that was in the way of a copy may be gone now.
    this.#copier.retryBlocked();
    await this.#copier.idle();
  }

  #report(complete: boolean, guard: TrippedGuard | undefined, destinationDenied: boolean): MirrorReport {
    const { keys, source, destination } = this.#planner.sums;
    return {
      mode: this.#o.mode,
      dryRun: this.#o.dryRun === true,
      counts: this.#tally.counts,
      reasons: this.#tally.reasons,
      source: { ...source },
      destination: { ...destination },
      complete,
      keys,
      balanced: this.#tally.total === keys,
      destinationDenied,
      ...(guard === undefined ? {} : { guard }),
      ...(this.stop.cause === undefined ? {} : { stopped: this.stop.cause }),
      elapsedMs: this.#o.now() - this.#began,
    };
  }
}
