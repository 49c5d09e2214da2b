import type {
  BucketDriver,
  Call,
  CopyItem,
  CopyOutcome,
  DeleteItem,
  DeleteOutcome,
  DriverObject,
  GetOptions,
  Layer,
  ListOptions,
  ListPage,
} from '../driver.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { type Around, aroundDriver, type DriverCall } from './around.ts';
import { delegate } from './delegate.ts';
import { shownKey } from '../wording/shown-key.ts';
import { waitTimer } from './wait-timer.ts';

/** How failures are repeated. */
export interface RetryOptions {
  /** Attempts in all, the first included. Default 4. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt; doubles for each further one, and half of it is left to chance. Default 200. */
  readonly baseDelayMs?: number;
  /** Most milliseconds between two attempts, also where the store's Retry-After asks for more: the failure is then given at once. Default 30,000. */
  readonly maxDelayMs?: number;
  /** Chance, from 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
  /** Waits. Default: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Repeats what failed with a `retryable` error, after the store's own Retry-After or a growing delay with jitter.
 *
 * - A listing goes on behind the last page; a body that breaks off goes on at its byte, pinned to the revision that was opened.
 * - Of `copyMany` and `deleteMany` only the items that failed are asked again.
 * - Content that comes as a stream is sent once: it cannot be read twice.
 * - A conditional write whose failure leaves open if it took effect (`Unavailable`, `Timeout`) is not repeated: its condition would
 *   meet its own effect and report a conflict that is none. Throttled ones (`RateLimited`) are.
 */
export function retryLayer(options: RetryOptions = {}): Layer {
  const policy = new RetryPolicy(options);
  const around: Around = (call, o, run) => policy.run(call, o, run);
  return (inner) => {
    const repeated = aroundDriver(inner, { around, opened: (key, o, object) => resumed(new ResumedBody(inner, policy, key, o, object), object) });
    return delegate(repeated, {
      list: (o) => resumedList(inner, policy, o),
      copyMany: (items, o) => repeatItems(policy, 'copy', items, o, (some, call) => repeated.copyMany(some, call)),
      deleteMany: (items, o) => repeatItems(policy, 'delete', items, o, (some, call) => repeated.deleteMany(some, call)),
    });
  };
}

class RetryPolicy {
  readonly attempts: number;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #random: () => number;
  readonly #wait: (ms: number, signal: AbortSignal | undefined) => Promise<void>;

  constructor({ attempts = 4, baseDelayMs = 200, maxDelayMs = 30_000, random = Math.random, wait = waitTimer }: RetryOptions) {
    if (!Number.isInteger(attempts) || attempts < 1)
      throw new StorageError('InvalidArgument', `expected "attempts" to be a whole number, 1 or more; got ${attempts}`);
    this.attempts = attempts;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#random = random;
    this.#wait = wait;
  }

  async run<T>(call: DriverCall, o: Call, run: (o: Call) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run({ ...o, attempt });
      } catch (error) {
        const open = call.conditional && !isStorageError(error, 'RateLimited');
        if (!call.repeatable || open) throw counted(error, attempt);
        await this.pause(error, attempt, o.signal);
      }
    }
  }

  /** Waits for the next attempt, or throws the error where there is none to come. */
  async pause(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const delay = isStorageError(error) && error.retryable && attempt < this.attempts ? this.#delay(error, attempt) : undefined;
    if (delay === undefined || delay > this.#maxDelayMs || signal?.aborted === true) throw counted(error, attempt);
    await this.#wait(delay, signal);
  }

  #delay(error: StorageError, attempt: number): number {
    const full = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** (attempt - 1));
    return Math.max(error.retryAfterMs ?? 0, full / 2 + (full / 2) * this.#random());
  }
}

function counted(error: unknown, attempts: number): unknown {
  return isStorageError(error) && attempts > 1 ? error.with({ attempts }) : error;
}

async function* resumedList(inner: BucketDriver, policy: RetryPolicy, o: ListOptions): AsyncIterable<ListPage> {
  let cursor = o.cursor;
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const page of inner.list({ ...o, attempt, ...(cursor === undefined ? {} : { cursor }) })) {
        // The page is given on outside the attempt's own failures only in part: an error thrown by the reader ends this generator.
        cursor = page.cursor;
        yield page;
        if (page.cursor === undefined) return;
        attempt = 1;
      }
      return;
    } catch (error) {
      await policy.pause(error, attempt, o.signal);
    }
  }
}

function resumed(body: ResumedBody, object: DriverObject): DriverObject {
  return { ...object, body, close: () => body.close() };
}

/** A body that goes on where it broke off. Written out as an iterator: a generator costs a small object as much as its read. */
class ResumedBody implements AsyncIterableIterator<Uint8Array> {
  readonly #inner: BucketDriver;
  readonly #policy: RetryPolicy;
  readonly #key: string;
  readonly #o: GetOptions;
  readonly #first: DriverObject;
  #current: DriverObject;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #at: number;
  #attempt = 1;
  #ended = false;

  constructor(inner: BucketDriver, policy: RetryPolicy, key: string, o: GetOptions, first: DriverObject) {
    this.#inner = inner;
    this.#policy = policy;
    this.#key = key;
    this.#o = o;
    this.#first = first;
    this.#current = first;
    this.#at = first.range.start;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    while (!this.#ended) {
      try {
        this.#chunks ??= this.#current.body[Symbol.asyncIterator]();
        const step = await this.#chunks.next();
        if (step.done !== true) {
          this.#at += step.value.byteLength;
          this.#attempt = 1;
          return step;
        }
        if (this.#at < this.#first.range.end) throw this.#brokenOff();
        this.#ended = true;
      } catch (error) {
        await this.#reopen(error);
      }
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#ended = true;
    await this.#chunks?.return?.();
    return { done: true, value: undefined };
  }

  close(): Promise<void> {
    return this.#current.close();
  }

  /** Opens what is left, when its time has come; throws where there is to be no further attempt. */
  async #reopen(error: unknown): Promise<void> {
    try {
      await this.#current.close();
      await this.#policy.pause(error, this.#attempt++, this.#o.signal);
      const { revision } = this.#first.info;
      const { start, end } = this.#first.range;
      const range = { start: this.#at, end };
      const into = this.#o.into === undefined ? {} : { into: this.#o.into.subarray(this.#at - start) };
      this.#chunks = undefined;
      this.#current = await this.#policy.run({ operation: 'get', key: this.#key, repeatable: true, conditional: false }, this.#o, (call) =>
        this.#inner.get(this.#key, { ...this.#o, ...call, ...into, ifMatch: revision, range }),
      );
    } catch (failure) {
      this.#ended = true;
      throw failure;
    }
  }

  #brokenOff(): StorageError {
    const { end } = this.#first.range;
    return new StorageError('Unavailable', `the content of ${JSON.stringify(shownKey(this.#key))} broke off at byte ${this.#at} of ${end}`, {
      operation: 'get',
      key: this.#key,
    });
  }
}

/** Asks again for the items that failed in a way that may pass, and gives one outcome for each, in order. */
async function repeatItems<I extends CopyItem | DeleteItem, R extends CopyOutcome | DeleteOutcome>(
  policy: RetryPolicy,
  operation: string,
  items: readonly I[],
  o: Call,
  run: (items: readonly I[], o: Call) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const outcomes: R[] = [];
  let open = items.map((item, index) => ({ item, index }));
  for (let attempt = 1; ; attempt++) {
    const results = await run(
      open.map(({ item }) => item),
      { ...o, attempt },
    );
    const failed: typeof open = [];
    let worst: StorageError | undefined;
    for (const [i, result] of results.entries()) {
      const { item, index } = open[i] as (typeof open)[number];
      outcomes[index] = result;
      if (result.ok || !result.error.retryable || (item.if !== undefined && result.error.code !== 'RateLimited')) continue;
      failed.push({ item, index });
      if (worst === undefined || (result.error.retryAfterMs ?? 0) > (worst.retryAfterMs ?? 0)) worst = result.error;
    }
    if (worst === undefined || attempt >= policy.attempts) return outcomes;
    try {
      await policy.pause(worst.with({ operation }), attempt, o.signal);
    } catch (error) {
      // Too long a wait, or an abort: what is known of each item stands.
      if (isStorageError(error)) return outcomes;
      throw error;
    }
    open = failed;
  }
}
