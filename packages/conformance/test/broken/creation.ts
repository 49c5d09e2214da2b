import type { BucketMaker } from '@stowage/conformance';
import { openBucket } from '@stowage/core';

/** A fault of a provider that makes buckets, and the case that must find it. */
export interface BrokenMaker {
  readonly fault: string;
  readonly fails: string;
  /** The fault, laid over one that is right. */
  readonly broken: (inner: BucketMaker) => BucketMaker;
}

const CREATED = { outcome: 'created', exposure: 'private', notes: [] } as const;
const NEW = 'a new bucket is there, empty, and not open to the public';
const OLD = 'a bucket that exists is told as that, and stays as it is';

export const BROKEN_CREATION: readonly BrokenMaker[] = [
  { fault: 'says that it made a bucket, and did not', fails: NEW, broken: (inner) => ({ ...inner, create: async () => CREATED }) },
  {
    fault: 'leaves a bucket open to the public',
    fails: NEW,
    broken: (inner) => ({ ...inner, create: async (name, call) => ({ ...CREATED, ...(await inner.create(name, call)), exposure: 'public' }) }),
  },
  {
    fault: 'does not know whether it is open, and does not say why',
    fails: NEW,
    broken: (inner) => ({ ...inner, create: async (name, call) => ({ ...CREATED, ...(await inner.create(name, call)), exposure: 'unknown' }) }),
  },
  {
    fault: 'tells a bucket that exists as a new one',
    fails: OLD,
    broken: (inner) => ({ ...inner, create: async (name, call) => ({ ...(await inner.create(name, call)), ...CREATED }) }),
  },
  {
    fault: 'empties a bucket that exists',
    fails: OLD,
    broken: (inner) => ({
      ...inner,
      async create(name, call) {
        const creation = await inner.create(name, call);
        const opened = await inner.open(name);
        const bucket = 'bucket' in opened ? openBucket(opened) : opened;
        for await (const { key } of bucket.list()) await bucket.delete(key);
        return creation;
      },
    }),
  },
  {
    fault: 'does not heed its signal',
    fails: 'an aborted creation rejects with its reason, and makes nothing',
    broken: (inner) => ({ ...inner, create: (name) => inner.create(name, {}) }),
  },
];
