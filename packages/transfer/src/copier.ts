import { type Bucket, type CopyItem, type Revision, StorageError } from '@stowage/core';
import type { CopyAction } from './action.ts';
import { ContentBuffers } from './content-buffers.ts';
import { sourceCondition, writeCondition } from './copy-condition.ts';
import { judgeCopyFailure } from './copy-failure.ts';
import { DeniedDestination } from './denied-destination.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { OutcomeTally } from './outcome.ts';
import type { UnfinishedUploads } from './journal/unfinished-uploads.ts';
import { canGoInParts, copyInParts, type PartCopied } from './parts/part-copy.ts';
import { DEFAULT_PART_BYTES, partSizeFor } from './parts/part-plan.ts';
import type { RunProgress } from './progress.ts';
import { DEFAULT_RETRIES, pause, repeatedCopy, settledWrite, waitBefore } from './repeated-copy.ts';
import { AdaptiveConcurrency } from './scheduling/adaptive-concurrency.ts';
import { BandwidthLimit, type BandwidthOptions } from './scheduling/bandwidth.ts';
import type { Side } from './side.ts';
import type { Stop } from './stop.ts';
import { type StreamCopy, streamCopy } from './stream-copy.ts';
import type { Trash } from './trash.ts';
import { WorkLanes } from './work-lanes.ts';

/** Copies in flight at once at the beginning: enough to hide a network's latency, few enough for a modest server. */
export const DEFAULT_TRANSFERS = 16;
/** Copies in flight at most, where more of them get more done. */
const MOST_TRANSFERS = 256;
/** Where one call carries many copies, that many calls: each keeps a core or a disk queue busy by itself. */
const DEFAULT_BATCHES = 4;
/** A batch is closed at this size, so that large objects spread over the calls in flight. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** Objects that are copied in parts at once: each has several of these in flight. */
const PARTED_AT_ONCE = 4;
/** Content in this process at once. */
const MEMORY_BYTES = 32 * 1024 * 1024;
/** How many key conflicts are kept for a second attempt. The others have it in the next run. */
const RETRY_LIMIT = 10_000;

export interface CopierOptions {
  readonly source: Bucket;
  readonly destination: Bucket;
  readonly transfers: number | undefined;
  /** Attempts at a copy beside the first. */
  readonly retries: number | undefined;
  readonly bandwidth: BandwidthOptions | undefined;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Bytes a part. */
  readonly partSize: number | undefined;
  /** Where what is overwritten is put first. */
  readonly trash: Trash | undefined;
  /** Where uploads in parts are kept for later runs. */
  readonly uploads: UnfinishedUploads | undefined;
  readonly signal: AbortSignal | undefined;
  readonly tally: OutcomeTally;
  readonly progress: RunProgress;
  readonly stop: Stop;
  /** Told once for each thing that copies cannot carry. */
  readonly notice: (text: string) => void;
  /** Told of each copy that was made, with the revision that it has. */
  readonly onCopied: (action: CopyAction, revision: Revision) => void;
  /** Whether copies that meet a key in their way are kept for {@link Copier.retryBlocked}. */
  readonly keepBlocked: boolean;
}

/** Makes copies: on the server's side where the destination can reach the source, else by reading and writing. */
export class Copier {
  readonly #o: CopierOptions;
  readonly #onServer: boolean;
  readonly #batchLimit: number;
  readonly #lanes: WorkLanes;
  readonly #parted: WorkLanes;
  readonly #concurrency: AdaptiveConcurrency;
  readonly #retries: number;
  readonly #memory = new MemoryBudget(MEMORY_BYTES);
  readonly #buffers: ContentBuffers;
  readonly #partSize: number;
  readonly #told = new Set<string>();
  readonly #pass: ((bytes: number) => Promise<void>) | undefined;
  #batch: CopyAction[] = [];
  #batchBytes = 0;
  #blocked: CopyAction[] = [];
  #keepBlocked: boolean;
  readonly #denied = new DeniedDestination();

  constructor(o: CopierOptions) {
    this.#o = o;
    this.#keepBlocked = o.keepBlocked;
    this.#onServer = o.destination.canCopyFrom(o.source);
    this.#batchLimit = this.#onServer ? Math.max(1, o.destination.capabilities.copyBatch) : 1;
    const start = o.transfers ?? (this.#batchLimit > 1 ? DEFAULT_BATCHES : DEFAULT_TRANSFERS);
    const most = o.transfers ?? (this.#batchLimit > 1 ? DEFAULT_BATCHES : MOST_TRANSFERS);
    this.#lanes = new WorkLanes(start);
    this.#concurrency = new AdaptiveConcurrency({ start, most }, o.now, (limit) => this.#lanes.resize(limit));
    const bandwidth = o.bandwidth === undefined ? undefined : new BandwidthLimit(o.bandwidth, o.now);
    this.#pass = bandwidth === undefined ? undefined : (bytes) => bandwidth.pass(bytes, o.signal);
    this.#retries = o.retries ?? DEFAULT_RETRIES;
    this.#parted = new WorkLanes(Math.min(PARTED_AT_ONCE, o.transfers ?? PARTED_AT_ONCE));
    this.#partSize = o.partSize ?? DEFAULT_PART_BYTES;
    this.#buffers = new ContentBuffers(MEMORY_BYTES, o.destination.capabilities.multipart);
  }

  /** Copies that may be in flight now. */
  get concurrency(): number {
    return this.#concurrency.limit;
  }

  /** Whether the destination denied every copy that was tried, and none was made. */
  destinationDenied(): Promise<boolean> {
    const { source, signal } = this.#o;
    return this.#denied.holds(source, signal === undefined ? {} : { signal });
  }

  /** A store has asked to slow down. */
  throttled(): void {
    this.#concurrency.throttled();
  }

  /** Queues a copy; its outcome goes to the tally. */
  add(action: CopyAction): void {
    this.#o.progress.toCopy(action.source.size);
    if (!this.#onServer) {
      const { size } = action.source;
      const partSize = partSizeFor(size, this.#partSize, this.#o.destination.capabilities.multipart);
      if (canGoInParts(size, partSize, action.source, this.#o.destination)) this.#parted.push(() => this.#inParts(action, partSize));
      else this.#lanes.push((leave) => this.#measured(size, (accepted) => this.#stream(action, accepted), leave));
      return;
    }
    this.#batch.push(action);
    this.#batchBytes += action.source.size;
    if (this.#batch.length >= this.#batchLimit || this.#batchBytes >= BATCH_BYTES) this.#closeBatch();
  }

  /** Resolves when more may be queued. */
  async room(): Promise<void> {
    // A few changes among many unchanged objects must not wait for a batch to fill.
    if (this.#lanes.inFlight === 0) this.#closeBatch();
    await this.#lanes.room();
    await this.#parted.room();
  }

  /** Resolves when every copy has its outcome. */
  async idle(): Promise<void> {
    this.#closeBatch();
    // Parts are queued in the lanes until no object is left that has any.
    await this.#parted.idle();
    await this.#lanes.idle();
  }

  /** Tries again the copies that a key at the destination stood in the way of; it may have been deleted. Their outcome was left open. */
  retryBlocked(): void {
    const blocked = this.#blocked;
    this.#blocked = [];
    this.#keepBlocked = false;
    for (const action of blocked) {
      this.#o.progress.dropped(action.source.size);
      this.add(action);
    }
  }

  /**
   * Work whose bytes count for those in memory, and that counts for how many pieces may be in flight until the destination has accepted
   * the content: from then on it may leave its lane.
   */
  async #measured<T>(bytes: number, work: (accepted: () => void) => Promise<T>, leave: () => void = () => undefined): Promise<T> {
    let isOpen = true;
    const ended = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#concurrency.ended(bytes, this.#lanes.inFlight);
      leave();
    };
    try {
      return await this.#memory.hold(bytes, () => work(ended));
    } finally {
      ended();
    }
  }

  #closeBatch(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#lanes.push(() => this.#copyBatch(batch));
  }

  async #copyBatch(batch: readonly CopyAction[], attempt = 1): Promise<void> {
    const { source, destination, progress, signal, stop, tally } = this.#o;
    const again: CopyAction[] = [];
    let wait = 0;
    if (stop.cause !== undefined) {
      for (const action of batch) this.#notAttempted(action);
      tally.flush();
      return;
    }
    progress.began(batch.length);
    try {
      const unkept = await this.#keepOld(batch);
      const kept = batch.filter(({ key }) => !unkept.has(key));
      for (const action of batch) if (unkept.has(action.key)) await this.#failed(action, unkept.get(action.key), 'destination');
      const items = kept.map((action) => this.#item(action));
      const outcomes = items.length === 0 ? [] : await destination.copyMany(items, signal === undefined ? {} : { signal });
      for (const [i, action] of kept.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined) {
          await this.#failed(action, new StorageError('Unknown', `${destination.provider} gave no outcome for the copy`, { key: action.key }), undefined);
        } else if (outcome.ok) this.#done(action, outcome.info.revision);
        else {
          const settled = await settledWrite(source, destination, action, outcome.error, signal);
          const repeatAfter = waitBefore(outcome.error, attempt, this.#retries);
          if (settled instanceof StorageError) await this.#failed(action, settled, 'destination');
          else if (settled !== undefined) this.#done(action, settled);
          else if (repeatAfter === undefined) await this.#failed(action, outcome.error, undefined);
          else {
            again.push(action);
            wait = Math.max(wait, repeatAfter);
          }
        }
      }
    } catch (error) {
      for (const action of batch) await this.#failed(action, error, undefined);
    } finally {
      progress.finished(batch.length);
    }
    tally.flush();
    if (again.length === 0) return;
    await pause(wait, signal, () => stop.cause !== undefined);
    await this.#copyBatch(again, attempt + 1);
  }

  /** Puts what the copies would overwrite into the trash; gives those that could not be. */
  async #keepOld(batch: readonly CopyAction[]): Promise<ReadonlyMap<string, StorageError>> {
    const old = batch.flatMap((action) => (action.kind === 'update' ? [action.destination] : []));
    if (this.#o.trash === undefined || old.length === 0) return new Map();
    return this.#o.trash.keep(old, this.#o.signal);
  }

  /** The failure to put one old object into the trash; undefined where the copy may be made. */
  async #unkept(action: CopyAction): Promise<{ readonly ok: false; readonly error: unknown; readonly side: Side; readonly sent: number } | undefined> {
    try {
      const error = (await this.#keepOld([action])).get(action.key);
      return error === undefined ? undefined : { ok: false, error, side: 'destination', sent: 0 };
    } catch (error) {
      return { ok: false, error, side: 'destination', sent: 0 };
    }
  }

  #item(action: CopyAction): CopyItem {
    const { source, destination } = this.#o;
    const { capabilities } = destination;
    const from = source.driver.copySource(action.key);
    return {
      from,
      to: action.key,
      ...(capabilities.copyIf === false ? {} : writeCondition(action)),
      ...(capabilities.copyIf === false ? {} : sourceCondition(action.source)),
      ...(capabilities.lastModified.set === false ? {} : { lastModified: action.source.lastModified }),
    };
  }

  #stream(action: CopyAction, accepted: () => void): Promise<void> {
    return this.#through(action, () => streamCopy({ ...this.#streamOf(action), onAccepted: accepted }));
  }

  #inParts(action: CopyAction, partSize: number): Promise<void> {
    const { stop, uploads } = this.#o;
    const turn = <T>(bytes: number, work: () => Promise<T>): Promise<T> => this.#lanes.run(() => this.#measured(bytes, work));
    return this.#through(action, () => copyInParts({ ...this.#streamOf(action), stop, uploads, partSize, turn }));
  }

  #streamOf(action: CopyAction): StreamCopy {
    const { source, destination, progress, signal } = this.#o;
    return {
      source,
      destination,
      action,
      signal,
      onBytes: (bytes) => progress.bytesSent(bytes),
      pass: this.#pass,
      onDropped: (kind, text) => this.#tellOnce(kind, text),
      buffers: this.#buffers,
    };
  }

  /** One copy through this process, until it is made or given up. */
  async #through(action: CopyAction, attempt: () => Promise<PartCopied>): Promise<void> {
    const { source, destination, progress, signal, stop, tally } = this.#o;
    if (stop.cause !== undefined) {
      this.#notAttempted(action);
      tally.flush();
      return;
    }
    progress.began(1);
    const again = { source, destination, action, signal, stop, retries: this.#retries, onAgain: (sent: number): void => progress.bytesSent(-sent) };
    const copied = await repeatedCopy(again, this.#o.trash === undefined ? attempt : async () => (await this.#unkept(action)) ?? attempt());
    if (copied.ok) this.#done(action, copied.revision, copied.sent);
    else {
      progress.bytesSent(-copied.sent);
      if ('interrupted' in copied) this.#notAttempted(action, copied.message);
      else await this.#failed(action, copied.error, copied.side);
    }
    progress.finished(1);
    tally.flush();
  }

  #done(action: CopyAction, revision: Revision, sent = 0): void {
    const { size } = action.source;
    this.#denied.made();
    this.#o.onCopied(action, revision);
    this.#o.progress.copied(size - sent);
    this.#o.tally.add(action.kind === 'copy' ? { kind: 'copied', key: action.key, size } : { kind: 'updated', key: action.key, size, reason: action.why });
  }

  async #failed(action: CopyAction, error: unknown, side: Side | undefined): Promise<void> {
    const judged = await judgeCopyFailure(action, error, side, this.#o.source, this.#o.signal);
    if (judged.retryAfterDeletions === true && this.#keepBlocked && this.#blocked.length < RETRY_LIMIT) {
      this.#blocked.push(action);
      return;
    }
    this.#denied.failed(action, judged.outcome, side);
    this.#o.progress.dropped(action.source.size);
    this.#o.tally.add(judged.outcome);
    if (judged.stop !== undefined) this.#o.stop.request(judged.stop);
  }

  #notAttempted(action: CopyAction, message?: string): void {
    this.#o.progress.dropped(action.source.size);
    this.#o.tally.add({ kind: 'skipped', key: action.key, size: action.source.size, reason: 'not-attempted', ...(message === undefined ? {} : { message }) });
  }

  #tellOnce(kind: string, text: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#o.notice(text);
  }
}
