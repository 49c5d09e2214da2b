import { aroundDriver, type BucketDriver, delegate, type Fault, faultLayer, type Layer, memoryDriver } from '@stowage/core';
import type { Harness } from '@stowage/conformance';

/** Puts a driver of the test between the memory driver and everything above it. */
export interface MemoryHarnessOptions {
  /** From the driver outwards. */
  readonly layers?: readonly Layer[];
  readonly patienceMs?: number;
  readonly secrets?: readonly string[];
}

/** The memory driver with every hook of a harness that makes sense there. */
export function memoryHarness({ layers = [], patienceMs = 5000, secrets }: MemoryHarnessOptions = {}): Harness {
  let requests = 0;
  const counted: Layer = (inner) =>
    aroundDriver(inner, {
      around: (_call, o, run) => {
        requests++;
        return run(o);
      },
    });
  const stacked = (driver: BucketDriver): BucketDriver => layers.reduce((inner, layer) => layer(inner), counted(driver));
  const failing = (fault: Fault): BucketDriver => stacked(faultLayer([fault])(memoryDriver()));
  const made = new Map<string, BucketDriver>();
  let names = 0;
  /** The driver underneath, by what was opened over it. */
  const stores = new WeakMap<object, BucketDriver>();
  const open = (store: BucketDriver): BucketDriver => {
    const opened = stacked(store);
    stores.set(opened, store);
    return opened;
  };
  const storeOf = (opened: object): BucketDriver => {
    const store = stores.get(opened);
    if (store === undefined) throw new TypeError('that bucket was not opened by this harness');
    return store;
  };

  return {
    capabilities: stacked(memoryDriver()).capabilities,
    makeBucket: () => open(memoryDriver()),
    makeSecondBucket: () => open(memoryDriver({ bucket: 'second' })),
    openAgain: (opened) => open(storeOf(opened)),
    async seed(opened, key, content, headers): Promise<void> {
      await storeOf(opened).put(key, content, headers);
    },
    requests: () => requests,
    faults: {
      missingBucket: async () => failing({ code: 'BucketNotFound' }),
      denied: async () =>
        stacked(
          delegate(faultLayer([{ code: 'AccessDenied' }])(memoryDriver()), {
            checkAccess: async () => ({ list: 'denied', read: 'denied', write: 'denied', delete: 'denied', 'list-uploads': 'denied' }),
          }),
        ),
      unauthenticated: async () => failing({ code: 'Unauthenticated' }),
      throttled: async (retryAfterMs) => failing({ code: 'RateLimited', details: { retryAfterMs } }),
      unreachable: async () => failing({ code: 'Unavailable' }),
      full: async () => failing({ operation: 'put', code: 'OutOfSpace' }),
      hanging: async () => failing({ hang: true }),
      breakBody: async (opened, { afterBytes, silent }) =>
        stacked(faultLayer([{ operation: 'get', times: 1, breakBodyAfter: afterBytes, silent }])(storeOf(opened))),
    },
    maker: {
      freshName: () => `made-${++names}`,
      async create(name, { signal }) {
        signal?.throwIfAborted();
        if (made.has(name)) return { outcome: 'existed' };
        made.set(name, memoryDriver({ bucket: name }));
        return { outcome: 'created', exposure: 'private', notes: [] };
      },
      open: (name) => open(made.get(name) ?? faultLayer([{ code: 'BucketNotFound' }])(memoryDriver({ bucket: name }))),
    },
    memory: { skip: "the memory driver's objects are in this process" },
    patienceMs,
    ...(secrets === undefined ? {} : { secrets }),
  };
}
