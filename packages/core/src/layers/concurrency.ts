import type { DriverObject, Layer } from '../driver.ts';
import { StorageError } from '../storage-error.ts';
import { type Around, aroundDriver } from './around.ts';

/**
 * At most `limit` calls in flight at once; the others wait in order. A body that is read keeps its place until it is closed or
 * read to its end. Share one layer between buckets to share its limit.
 */
export function concurrencyLayer(limit: number): Layer {
  if (!Number.isInteger(limit) || limit < 1) throw new StorageError('InvalidArgument', `expected the limit to be a whole number, 1 or more; got ${limit}`);
  return occupancyLayer(new Places(limit));
}

/** Where calls come in, and leave when they have ended; both are told of each. */
export interface Occupancy {
  /** Before a call begins, which waits for it. A rejection ends the call. */
  take(signal: AbortSignal | undefined): void | Promise<void>;
  /** A call has ended: one that opened a body, when that was closed or read to its end. */
  leave(): void;
}

/** Lets every call in and out by `occupancy`: to count those in flight, or to bound them. */
export function occupancyLayer(occupancy: Occupancy): Layer {
  const around: Around = async (call, o, run) => {
    const taken = occupancy.take(o.signal);
    if (taken !== undefined) await taken;
    let opened = false;
    try {
      const result = await run(o);
      opened = call.operation === 'get';
      return result;
    } finally {
      if (!opened) occupancy.leave();
    }
  };
  return (inner) => aroundDriver(inner, { around, opened: (_key, _o, object) => leavingAtClose(object, occupancy) });
}

function leavingAtClose(object: DriverObject, occupancy: Occupancy): DriverObject {
  let left = false;
  const leave = (): void => {
    if (!left) occupancy.leave();
    left = true;
  };
  async function* body(): AsyncIterable<Uint8Array> {
    try {
      yield* object.body;
    } finally {
      leave();
    }
  }
  return {
    ...object,
    body: body(),
    async close(): Promise<void> {
      await object.close();
      leave();
    },
  };
}

/** A counting semaphore, first come first served. */
class Places implements Occupancy {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#free = limit;
  }

  async take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => {
      this.#waiting.delete(resolve);
      reject(signal?.reason as Error);
    };
    this.#waiting.add(resolve);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
