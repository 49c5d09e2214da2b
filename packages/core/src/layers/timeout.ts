import type { BucketDriver, Call, DriverObject, Layer } from '../driver.ts';
import { StorageError } from '../storage-error.ts';
import { type Around, aroundDriver } from './around.ts';

/**
 * Ends calls that take too long with `Timeout`, also where the driver does not heed the signal that it is then given.
 * A listing is timed page by page, a body that is read chunk by chunk: the limit is on silence, not on size.
 *
 * @param defaultMs milliseconds where a call names no `timeoutMs` of its own. Default: no limit.
 */
export function timeoutLayer(defaultMs?: number): Layer {
  const limitOf = (o: Call): number | undefined => o.timeoutMs ?? defaultMs;
  const around: Around = (call, o, run) => {
    const limit = limitOf(o);
    return limit === undefined ? run(o) : within(limit, call.operation, call.key, o.signal, (signal) => run({ ...o, signal }));
  };
  return (inner: BucketDriver) =>
    aroundDriver(inner, {
      around,
      opened(key, o, object) {
        const limit = limitOf(o);
        return limit === undefined ? object : { ...object, close: () => object.close(), body: timedBody(object, limit, key) };
      },
    });
}

/** Runs the work with a signal that aborts at the limit; rejects then, whether the work listens or not. */
async function within<T>(
  limitMs: number,
  operation: string,
  key: string | undefined,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const late = new StorageError('Timeout', `no answer within ${limitMs} ms`, { operation, ...(key === undefined ? {} : { key }) });
    limit.abort(late);
    reject(late);
  }, limitMs);
  try {
    return await Promise.race([work(outer === undefined ? limit.signal : AbortSignal.any([outer, limit.signal])), expired]);
  } finally {
    clearTimeout(timer);
  }
}

async function* timedBody(object: DriverObject, limitMs: number, key: string): AsyncIterable<Uint8Array> {
  const iterator = object.body[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await within(limitMs, 'get', key, undefined, () => iterator.next());
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // A reader that hangs would hang here too: it is closed, not waited for.
    if (!ended) void object.close();
  }
}
