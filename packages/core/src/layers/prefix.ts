import type { BucketDriver, CopyOutcome, DeleteOutcome, DriverObject, Layer, ListPage, Upload, UploadRef } from '../driver.ts';
import { keyFault } from '../keys.ts';
import type { ObjectInfo } from '../object-info.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { delegate } from './delegate.ts';

/**
 * Shows the part of a bucket under a prefix as a bucket of its own: keys lose the prefix on the way out and get it on the way in.
 *
 * @param prefix put before every key as it stands; usually it ends with a slash. Throws `InvalidArgument` where no key could begin so.
 */
export function prefixLayer(prefix: string): Layer {
  const fault = keyFault(`${prefix}x`);
  if (fault !== undefined) throw new StorageError('InvalidArgument', `${JSON.stringify(prefix)} cannot be a prefix: ${fault}`);
  return (inner) => (prefix === '' ? inner : prefixed(inner, prefix));
}

function prefixed(inner: BucketDriver, prefix: string): BucketDriver {
  const full = (key: string): string => prefix + key;
  const short = (key: string): string => (key.startsWith(prefix) ? key.slice(prefix.length) : key);
  const info = (outer: ObjectInfo): ObjectInfo => ({ ...outer, key: short(outer.key) });
  const outcome = <R extends CopyOutcome | DeleteOutcome>(result: R): R => {
    const key = short(result.key);
    if (!result.ok) return { ...result, key, error: shortError(result.error, short) };
    return 'info' in result ? { ...result, key, info: info(result.info) } : { ...result, key };
  };
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw isStorageError(error) ? shortError(error, short) : error;
    }
  };
  const upload = (outer: Upload): Upload => ({
    ref: ref(outer.ref),
    part: (index, bytes, o) => told(outer.part(index, bytes, o)),
    parts: (o) => told(outer.parts(o)),
    complete: async (parts, o) => info(await told(outer.complete(parts, o))),
    abort: (o) => told(outer.abort(o)),
    detach: () => ref(outer.detach()),
    [Symbol.asyncDispose]: () => outer[Symbol.asyncDispose](),
  });
  const ref = (outer: UploadRef): UploadRef => ({ ...outer, key: short(outer.key) });

  const { keys } = inner.capabilities;

  return delegate(inner, {
    // What the prefix takes of a key's length is not the user's.
    capabilities: { ...inner.capabilities, keys: { ...keys, maxBytes: keys.maxBytes - Buffer.byteLength(prefix) } },
    checkKey: (key) => inner.checkKey(full(key)),
    head: async (key, o) => info(await told(inner.head(full(key), o))),
    async get(key, o): Promise<DriverObject> {
      const object = await told(inner.get(full(key), o));
      return { ...object, info: info(object.info), close: () => object.close() };
    },
    put: async (key, body, o) => info(await told(inner.put(full(key), body, o))),
    startUpload: async (key, o) => upload(await told(inner.startUpload(full(key), o))),
    resumeUpload: async (outer, o) => upload(await told(inner.resumeUpload({ ...outer, key: full(outer.key) }, o))),
    async *listUploads(o): AsyncIterable<UploadRef> {
      for await (const outer of inner.listUploads({ ...o, prefix: full(o.prefix ?? '') })) yield ref(outer);
    },
    deleteMany: async (items, o) =>
      (
        await told(
          inner.deleteMany(
            items.map((item) => ({ ...item, key: full(item.key) })),
            o,
          ),
        )
      ).map(outcome),
    async *list(o): AsyncIterable<ListPage> {
      const outer = {
        ...o,
        prefix: full(o.prefix ?? ''),
        ...(o.startAfter === undefined ? {} : { startAfter: full(o.startAfter) }),
        ...(o.until === undefined ? {} : { until: full(o.until) }),
      };
      for await (const page of inner.list(outer)) {
        yield {
          ...page,
          objects: page.objects.map(info),
          prefixes: page.prefixes.map(short),
          issues: page.issues.map((issue) => ({ ...issue, key: short(issue.key) })),
        };
      }
    },
    copyMany: async (items, o) =>
      (
        await told(
          inner.copyMany(
            items.map((item) => ({ ...item, to: full(item.to) })),
            o,
          ),
        )
      ).map(outcome),
    copySource: (key) => inner.copySource(full(key)),
    setHeaders: async (key, headers, o) => info(await told(inner.setHeaders(full(key), headers, o))),
    presign: (key, o) => told(inner.presign(full(key), o)),
  });
}

function shortError(error: StorageError, short: (key: string) => string): StorageError {
  return error.key === undefined ? error : error.withKey(short(error.key));
}
