import type { Bucket, BucketCreation, BucketDriver, Call, Capabilities, ObjectHeaders, PresignedRequest } from '@stowage/core';

/** What a harness may give as a bucket: a driver on its own (the suite opens it), or a bucket with the layers that are to be tested. */
export type Opened = Bucket | BucketDriver;

/** How an opened object's body goes wrong. */
export interface BodyBreak {
  /** Bytes that still come through. */
  readonly afterBytes: number;
  /** True: the body then ends as if it were whole. False: the connection is reset. */
  readonly silent: boolean;
}

/** Ways to make the store misbehave. Each is optional; the cases that need a missing one are skipped, and say so. */
export interface StoreFaults {
  /** A bucket that does not exist. */
  missingBucket?(): Promise<Opened>;
  /** A bucket whose credentials are known and may do nothing. */
  denied?(): Promise<Opened>;
  /** A bucket whose credentials are wrong or expired. */
  unauthenticated?(): Promise<Opened>;
  /** A bucket whose store answers every request with "slow down", and asks to wait that long. No retry layer may hide it. */
  throttled?(retryAfterMs: number): Promise<Opened>;
  /** A bucket whose store cannot be reached: nobody listens at its address. */
  unreachable?(): Promise<Opened>;
  /** A bucket whose disk or quota is full: reads work, writes of more than a few bytes do not. */
  full?(): Promise<Opened>;
  /** A bucket whose store takes requests and never answers. */
  hanging?(): Promise<Opened>;
  /** The same bucket once more, seen through a connection that breaks off the first body that is read there. */
  breakBody?(opened: Opened, how: BodyBreak): Promise<Opened>;
}

/** Buckets as the provider's `createBucket` makes them. */
export interface BucketMaker {
  /** A name that the store takes, and that no bucket has. */
  freshName(): string;
  /** `Provider.createBucket`, on the harness's own store. */
  create(name: string, call: Call): Promise<BucketCreation>;
  /** The bucket of that name, whether it is there or not. It is disposed as those of `makeBucket` are. */
  open(name: string): Opened | Promise<Opened>;
}

/** How much the cases of the memory group move, or why they cannot run. */
export type MemoryLimits =
  | {
      /** Bytes up, and down again. Default 256 MiB; the full measure is 1 GiB. */
      readonly bytes?: number;
      /** How much memory may grow meanwhile: the resident set, and what JavaScript accounts for. Default 150,000,000 bytes. */
      readonly growthBytes?: number;
    }
  | { readonly skip: string };

/**
 * What a driver's author provides. Only `capabilities` and `makeBucket` are required; every other member lets more cases run.
 * Cases run one after the other: a harness may keep state between calls.
 */
export interface Harness {
  /** The driver's capabilities: cases are chosen by these before any bucket is opened. */
  readonly capabilities: Capabilities;
  /** Opens a new, empty bucket (or an empty prefix of one, through `prefixLayer`). Called once a case. */
  makeBucket(): Opened | Promise<Opened>;
  /** Opens another empty bucket of the same store and account, for copies across buckets. */
  makeSecondBucket?(): Opened | Promise<Opened>;
  /** Opens a bucket of this case a second time, as another process would. Without it, cases with several writers use one instance. */
  openAgain?(opened: Opened): Opened | Promise<Opened>;
  /** Ends what `makeBucket` and its kin began. Called at the end of each case for everything that they returned, after it was closed. */
  dispose?(opened: Opened): void | Promise<void>;
  /** Puts an object there past the bucket; required for the reading groups where the bucket is read-only. */
  seed?(opened: Opened, key: string, content: Uint8Array, headers: ObjectHeaders): Promise<void>;
  /** How many requests the store has been sent until now. With it, "refused before any request" is checked. */
  requests?(): number;
  readonly faults?: StoreFaults;
  /** Makes buckets, where the provider can. Without it, the creation group is skipped. */
  readonly maker?: BucketMaker;
  /** Words that no error may hold, in any corner: the keys, tokens and signatures that the buckets were opened with. */
  readonly secrets?: readonly string[];
  /** Sends a presigned request, with more or other headers where these are given, and follows no redirect: usually by `fetch`. Presigned requests are sent by nothing else. */
  presignFetch?(request: PresignedRequest, content?: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** When the credentials end: no presigned request may outlive it. */
  readonly credentialsExpireAt?: Date;
  readonly memory?: MemoryLimits;
  /** Milliseconds after which a call that does not end is a failure; nothing is measured with it. Default 10,000. */
  readonly patienceMs?: number;
}
