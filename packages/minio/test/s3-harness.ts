import { subscribe } from 'node:diagnostics_channel';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Harness, Opened } from '@stowage/conformance';
import type { BucketDriver } from '@stowage/core';
import { breakFirstBody, drained, faultServer, type S3Server } from '@stowage/test-servers';
import { REQUEST_CHANNEL } from '@stowage/wire';
import { createBucket } from '../src/create-bucket.ts';
import { minioDriver } from '../src/minio-driver.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { xmlError } from './xml-error.ts';

export interface S3HarnessOptions extends Pick<MinioOptions, 'store' | 'transport' | 'partSize' | 'etagIsMd5'> {
  /** Keys that are known to the server and may do nothing. */
  readonly denied?: () => Promise<MinioOptions['credentials']>;
}

/** Requests of this process by either client: our own, and Node's under the SDK. */
let sent = 0;
subscribe(REQUEST_CHANNEL, () => sent++);
subscribe('http.client.request.start', () => sent++);

let buckets = 0;

/** A real server, with every hook that it or a misbehaving server before it can serve. */
export function s3Harness(server: S3Server, options: S3HarnessOptions): Harness {
  const { denied, ...driverOptions } = options;
  const keys = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  const base: MinioOptions = {
    endpoint: server.endpoint,
    region: server.region,
    credentials: keys,
    ...(server.ca === undefined ? {} : { ca: server.ca }),
    ...driverOptions,
  };
  const open = (bucket: string, more: Partial<MinioOptions> = {}): BucketDriver => minioDriver({ ...base, ...more }, bucket);
  const makers = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials: keys, maxAttempts: 1 });
  const make = async (): Promise<BucketDriver> => {
    const bucket = `conformance-${process.pid}-${++buckets}`;
    await makers.send(new CreateBucketCommand({ Bucket: bucket }));
    return open(bucket);
  };
  const bucketOf = (opened: Opened): string => ('bucket' in opened ? opened.bucket : opened.name);
  const ends = new WeakMap<object, AsyncDisposable>();
  const behindFaults = async (misbehave: Parameters<typeof faultServer>[0], bucket = 'any', behind?: string): Promise<BucketDriver> => {
    const faults = await faultServer(misbehave, behind);
    const opened = open(bucket, { endpoint: faults.endpoint });
    ends.set(opened, faults);
    return opened;
  };
  return {
    capabilities: open('any').capabilities,
    makeBucket: make,
    makeSecondBucket: make,
    openAgain: (opened) => open(bucketOf(opened)),
    async dispose(opened): Promise<void> {
      await ends.get(opened)?.[Symbol.asyncDispose]();
    },
    requests: () => sent,
    secrets: [server.secretAccessKey],
    presignFetch: ({ url, method, headers }, content, more) =>
      fetch(url, { method, headers: { ...headers, ...more }, ...(content === undefined ? {} : { body: Buffer.from(content) }) }),
    maker: {
      freshName: () => `made-${process.pid}-${++buckets}`,
      create: (name, call) => createBucket(base, name, call),
      open,
    },
    faults: {
      missingBucket: async () => open('there-is-no-such-bucket'),
      ...(denied === undefined ? {} : { denied: async (): Promise<Opened> => open(bucketOf(await make()), { credentials: await denied() }) }),
      unauthenticated: async () => open(bucketOf(await make()), { credentials: { ...keys, secretAccessKey: 'a-secret-that-is-wrong' } }),
      throttled: (retryAfterMs) => behindFaults((_incoming, answer) => xmlError(answer, 503, 'SlowDown', { 'retry-after': String(retryAfterMs / 1000) })),
      unreachable: async () => open('any', { endpoint: 'http://127.0.0.1:1' }),
      full: () =>
        behindFaults((incoming, answer) =>
          incoming.method === 'PUT' ? drained(incoming, () => xmlError(answer, 507, 'XMinioStorageFull')) : xmlError(answer, 404, 'NoSuchKey'),
        ),
      hanging: () => behindFaults(() => true),
      breakBody: (opened, how) =>
        behindFaults(
          breakFirstBody(server.endpoint, how, ({ url }) => url?.includes('list-type') !== true),
          bucketOf(opened),
          server.endpoint,
        ),
    },
    patienceMs: 10_000,
  };
}
