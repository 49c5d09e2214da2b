import { type Bucket, type BucketDriver, type Capabilities, type ObjectHeaders, openBucket } from '@stowage/core';
import { fail } from './expectations.ts';
import type { BodyBreak, BucketMaker, Harness, Opened, StoreFaults } from './harness.ts';

const DEFAULT_PATIENCE_MS = 10_000;

/** What a case works with: a bucket of its own, and ways to get more. Everything it opened is closed and disposed at its end. */
export class CaseContext implements AsyncDisposable {
  readonly bucket: Bucket;
  readonly capabilities: Capabilities;
  readonly harness: Harness;
  readonly patienceMs: number;
  readonly #opened: Opened;
  readonly #atEnd: (() => void | Promise<void>)[] = [];

  private constructor(harness: Harness, opened: Opened) {
    this.harness = harness;
    this.capabilities = harness.capabilities;
    this.patienceMs = harness.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#opened = opened;
    this.bucket = this.#adopt(opened);
  }

  static async open(harness: Harness): Promise<CaseContext> {
    return new CaseContext(harness, await harness.makeBucket());
  }

  /** Puts an object there, past the bucket where that is read-only. */
  async seed(key: string, content: Uint8Array, headers: ObjectHeaders = {}): Promise<void> {
    if (this.harness.seed !== undefined && this.capabilities.readOnly) await this.harness.seed(this.#opened, key, content, headers);
    else await this.bucket.put(key, content, headers);
  }

  /** Puts many objects there, some at a time. */
  async seedAll(keys: Iterable<string>, content: (key: string) => Uint8Array = (key) => Buffer.from(key)): Promise<void> {
    const queue = Array.from(keys).values();
    const lane = async (): Promise<void> => {
      for (const key of queue) await this.seed(key, content(key));
    };
    await Promise.all(Array.from({ length: 16 }, lane));
  }

  /** The case's bucket as another process holds it; the one at hand where the harness cannot open it again. */
  async openAgain(): Promise<Bucket> {
    if (this.harness.openAgain === undefined) return this.bucket;
    return this.#adopt(await this.harness.openAgain(this.#opened));
  }

  /** Needs the hook `makeSecondBucket`. */
  async secondBucket(): Promise<Bucket> {
    return this.#adopt((await this.harness.makeSecondBucket?.()) ?? missing('makeSecondBucket'));
  }

  /** Needs the hook `maker`. */
  get maker(): BucketMaker {
    return this.harness.maker ?? missing('maker');
  }

  /** The bucket of that name, whether it was made or not. Needs the hook `maker`. */
  async made(name: string): Promise<Bucket> {
    return this.#adopt(await this.maker.open(name));
  }

  /** A bucket whose store misbehaves. Needs the fault's hook. */
  async faulty(name: Exclude<keyof StoreFaults, 'breakBody' | 'throttled'>): Promise<Bucket> {
    return this.#adopt((await this.harness.faults?.[name]?.()) ?? missing(`faults.${name}`));
  }

  async throttled(retryAfterMs: number): Promise<Bucket> {
    return this.#adopt((await this.harness.faults?.throttled?.(retryAfterMs)) ?? missing('faults.throttled'));
  }

  /** The case's bucket behind a connection that breaks. */
  async breakingBody(how: BodyBreak): Promise<Bucket> {
    return this.#adopt((await this.harness.faults?.breakBody?.(this.#opened, how)) ?? missing('faults.breakBody'));
  }

  /** The work's result; fails the case where it does not end in time, so that a leak or a dead lock has a name. */
  async within<T>(work: PromiseLike<T>, what: string): Promise<T> {
    const { promise: late, resolve } = Promise.withResolvers<typeof LATE>();
    const timer = setTimeout(resolve, this.patienceMs, LATE);
    try {
      const first = await Promise.race([work, late]);
      return first === LATE ? fail(`${what}: it did not end within ${this.patienceMs} ms`) : first;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs the work and fails where it sent a request. Says nothing where the harness does not count. */
  async withoutRequest<T>(work: () => Promise<T>, what: string): Promise<T> {
    const before = this.harness.requests?.();
    const result = await work();
    const sent = (this.harness.requests?.() ?? 0) - (before ?? 0);
    if (sent > 0) fail(`${what}: expected no request to the store; ${sent} were sent`, sent, 0);
    return result;
  }

  /** Something to do when the case ends, however it ends; the last one first. */
  atEnd(work: () => void | Promise<void>): void {
    this.#atEnd.push(work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const work of this.#atEnd.reverse()) await work();
  }

  #adopt(opened: Opened): Bucket {
    const bucket = isBucket(opened) ? opened : openBucket(opened);
    this.atEnd(async () => {
      await bucket.close();
      await this.harness.dispose?.(opened);
    });
    return bucket;
  }
}

const LATE = Symbol('late');

function missing(name: string): never {
  throw new TypeError(`the harness has no "${name}": the case should name it among its needs`);
}

function isBucket(opened: Opened): opened is Bucket {
  return 'driver' in opened && typeof (opened as { driver?: BucketDriver }).driver === 'object';
}
