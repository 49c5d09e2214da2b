import { subscribe } from 'node:diagnostics_channel';
import type { Harness, Opened } from '@stowage/conformance';
import type { BucketDriver, Call } from '@stowage/core';
import { breakFirstBody, faultServer } from '@stowage/test-servers';
import { REQUEST_CHANNEL } from '@stowage/wire';
import { createBucket } from '../src/create-bucket.ts';
import { googleDriver } from '../src/google-driver.ts';
import type { GoogleOptions } from '../src/google-options.ts';
import { jsonError } from './json-error.ts';

export interface GoogleHarnessOptions {
  readonly endpoint: string;
  readonly credentials: GoogleOptions['credentials'];
  /** For the making of buckets. */
  readonly makeBucket: (name: string) => Promise<void>;
  /** Known to the server, and may do nothing. */
  readonly denied?: GoogleOptions['credentials'];
  /** Not known to the server. */
  readonly unauthenticated?: GoogleOptions['credentials'];
  readonly secrets?: readonly string[];
  /** Whether the server tells a missing bucket from a missing object. */
  readonly tellsMissingBucket: boolean;
  readonly chunkSize?: number;
  /** The server knows itself by one name. */
  readonly ownHost?: boolean;
  readonly memory?: Harness['memory'];
}

/** Requests of this process, of our own client and of Node's. */
let sent = 0;
subscribe(REQUEST_CHANNEL, () => sent++);
subscribe('http.client.request.start', () => sent++);

let buckets = 0;

/** A server, with every hook that it or a misbehaving server before it can serve. */
export function googleHarness(o: GoogleHarnessOptions): Harness {
  const base: GoogleOptions = { endpoint: o.endpoint, credentials: o.credentials, ...(o.chunkSize === undefined ? {} : { chunkSize: o.chunkSize }) };
  const open = (bucket: string, more: Partial<GoogleOptions> = {}): BucketDriver => googleDriver({ ...base, ...more }, bucket);
  const make = async (): Promise<BucketDriver> => {
    const bucket = `conformance-${process.pid}-${++buckets}`;
    await o.makeBucket(bucket);
    return open(bucket);
  };
  const bucketOf = (opened: Opened): string => ('bucket' in opened ? opened.bucket : opened.name);
  const ends = new WeakMap<object, AsyncDisposable>();
  const behindFaults = async (misbehave: Parameters<typeof faultServer>[0], bucket = 'any', behind?: string): Promise<BucketDriver> => {
    const faults = await faultServer(misbehave, behind, o.ownHost);
    const opened = open(bucket, { endpoint: faults.endpoint });
    ends.set(opened, faults);
    return opened;
  };
  const { denied, unauthenticated } = o;
  return {
    capabilities: open('any').capabilities,
    makeBucket: make,
    makeSecondBucket: make,
    openAgain: (opened) => open(bucketOf(opened)),
    async dispose(opened): Promise<void> {
      await ends.get(opened)?.[Symbol.asyncDispose]();
    },
    requests: () => sent,
    secrets: o.secrets ?? [],
    presignFetch: ({ url, method, headers }, content, more) =>
      fetch(url, { method, headers: { ...headers, ...more }, ...(content === undefined ? {} : { body: Buffer.from(content) }) }),
    ...(o.tellsMissingBucket
      ? {
          maker: {
            freshName: () => `made-${process.pid}-${++buckets}`,
            create: (name: string, call: Call) => createBucket({ project: 'stowage-test', ...base }, name, call),
            open,
          },
        }
      : {}),
    faults: {
      ...(o.tellsMissingBucket ? { missingBucket: async (): Promise<Opened> => open('there-is-no-such-bucket') } : {}),
      ...(denied === undefined ? {} : { denied: async (): Promise<Opened> => open(bucketOf(await make()), { credentials: denied }) }),
      ...(unauthenticated === undefined
        ? {}
        : { unauthenticated: async (): Promise<Opened> => open(bucketOf(await make()), { credentials: unauthenticated }) }),
      throttled: (retryAfterMs) =>
        behindFaults((_incoming, answer) => jsonError(answer, 429, 'rateLimitExceeded', { 'retry-after': String(retryAfterMs / 1000) })),
      unreachable: async () => open('any', { endpoint: 'http://127.0.0.1:1' }),
      hanging: () => behindFaults(() => true),
      breakBody: (opened, how) =>
        behindFaults(
          breakFirstBody(o.endpoint, how, ({ url }) => url?.startsWith('/storage/') !== true),
          bucketOf(opened),
          o.endpoint,
        ),
    },
    ...(o.memory === undefined ? {} : { memory: o.memory }),
    patienceMs: 10_000,
  };
}
