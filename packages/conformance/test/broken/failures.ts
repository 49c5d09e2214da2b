import {
  aroundDriver,
  type BucketDriver,
  type Call,
  type DriverObject,
  type ErrorCode,
  isStorageError,
  type Layer,
  type ListPage,
  type ObjectInfo,
  StorageError,
} from '@stowage/core';
import { broken, type BrokenDriver } from './broken-driver.ts';

/** A word that stands for a secret in these tests. */
export const CANARY = 'canary-5d1f/x+';

/** Every failure becomes another. */
function failing(fault: string, fails: string, change: (error: StorageError) => StorageError): BrokenDriver {
  const layer: Layer = (inner) =>
    aroundDriver(inner, {
      async around(_call, o, run) {
        try {
          return await run(o);
        } catch (error) {
          throw isStorageError(error) ? change(error) : error;
        }
      },
    });
  return { fault, fails, layer };
}

function recoded(error: StorageError, from: ErrorCode, to: ErrorCode): StorageError {
  return error.code === from ? new StorageError(to, error.message) : error;
}

/** The driver never sees the signal. */
function deaf(inner: BucketDriver): Partial<BucketDriver> {
  const without = <O extends Call>({ signal: _, ...o }: O): Omit<O, 'signal'> => o;
  return { list: (o) => inner.list(without(o)), get: (key, o) => inner.get(key, without(o)), head: (key, o) => inner.head(key, without(o)) };
}

/** Ways to fail wrongly, and to take an abort wrongly. */
export const BROKEN_FAILURES: readonly BrokenDriver[] = [
  failing('denied looks like missing', 'denied is AccessDenied for every operation, and not retryable', (error) => recoded(error, 'AccessDenied', 'NotFound')),
  failing('a missing bucket looks like a missing key', 'the key is NotFound and the bucket is BucketNotFound: they are told apart', (error) =>
    recoded(error, 'BucketNotFound', 'NotFound'),
  ),
  failing(
    'a missing object looks worth a retry',
    'a missing object is NotFound with operation, provider, bucket and key, and not retryable',
    (error) => new StorageError(error.code, error.message, { retryable: true }),
  ),
  failing(
    'Retry-After is lost',
    'a throttling store is RateLimited, retryable, with the wait that it asked for',
    (error) => new StorageError(error.code, error.message, { retryable: error.retryable }),
  ),
  failing(
    'an unreachable store looks hopeless',
    'an unreachable store is Unavailable or Timeout, and retryable',
    (error) => new StorageError(error.code, error.message, { retryable: false }),
  ),
  failing(
    'the message has the signed URL',
    'no error holds a secret of the harness',
    (error) => new StorageError(error.code, `${error.message}: https://store.test/?sig=${encodeURIComponent(CANARY)}`),
  ),
  failing('the cause has the request with its key', 'no error holds a secret of the harness', (error) => {
    const cause = new Error('HTTP 404');
    Object.defineProperty(cause, '$response', { enumerable: false, value: { headers: { authorization: CANARY } } });
    return new StorageError(error.code, error.message, { cause });
  }),
  failing(
    'the message has a line break',
    'refusals name the kind of failure in one line, as plain data, and hold no secret',
    (error) => new StorageError(error.code, `failed:\n${error.message}`),
  ),
  broken('an abort is ignored by listings', 'an abort between pages ends a listing with the reason', deaf),
  broken('an abort is ignored by bodies', 'an abort during the reading of a body ends it with the reason', deaf),
  broken('the reason of an abort is wrapped', 'an abort between pages ends a listing with the reason', (inner) => ({
    async *list(o): AsyncIterable<ListPage> {
      try {
        yield* inner.list(o);
      } catch (error) {
        throw new StorageError('Unavailable', 'the listing was aborted', { cause: error });
      }
    },
  })),
  broken('an abort is told as an AbortError of its own', 'an abort during a put ends it with the reason, and nothing is written', (inner) => ({
    async put(key, body, o): Promise<ObjectInfo> {
      try {
        return await inner.put(key, body, o);
      } catch (error) {
        throw o.signal?.aborted === true ? new DOMException('This operation was aborted', 'AbortError') : error;
      }
    },
  })),
  broken('an aborted put is written all the same', 'an aborted write leaves the old object, or none', (inner) => ({
    async put(key, body, o): Promise<ObjectInfo> {
      if (body instanceof Uint8Array) return inner.put(key, body, o);
      const chunks: Uint8Array[] = [];
      try {
        for await (const chunk of body) chunks.push(chunk.slice());
      } catch (error) {
        await inner.put(key, Buffer.concat(chunks), {});
        throw error;
      }
      return inner.put(key, Buffer.concat(chunks), o);
    },
  })),
  broken('a listener stays on the signal', 'operations leave no listener on a signal that lives on', (inner) => ({
    head(key, o): Promise<ObjectInfo> {
      o.signal?.addEventListener('abort', () => undefined);
      return inner.head(key, o);
    },
  })),
  broken('an abort leaves a rejection that nobody handles', 'aborts leave no unhandled rejection behind', (inner) => ({
    async head(key, o): Promise<ObjectInfo> {
      const { promise, reject } = Promise.withResolvers<never>();
      o.signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      void promise;
      return inner.head(key, o);
    },
  })),
  broken('closing a read body twice fails', 'closing an object that was opened is idempotent and never fails', (inner) => ({
    async get(key, o): Promise<DriverObject> {
      const object = await inner.get(key, o);
      let closed = false;
      return {
        ...object,
        close(): Promise<void> {
          if (closed) return Promise.reject(new Error('EBADF: closed already'));
          closed = true;
          return object.close();
        },
      };
    },
  })),
];
