import { abortableStream } from '../abortable-stream.ts';
import type { BucketDriver, Call, DriverObject, Upload } from '../driver.ts';
import { delegate } from './delegate.ts';

/** What a layer is told of a call. */
export interface DriverCall {
  /** As in `StorageError.operation`: the driver's method; `part`, `parts`, `complete` and `abort` for uploads. */
  readonly operation: string;
  readonly key?: string;
  /** Whether the driver can be asked again with the same arguments: a stream of content cannot be read twice. */
  readonly repeatable: boolean;
  /** Whether a failure that leaves open if the write took effect forbids a blind repetition: a condition would then meet its own effect. */
  readonly conditional: boolean;
}

/** Does something before, after or instead of a call. `run` may be called again where the call is repeatable. */
export type Around = <T>(call: DriverCall, o: Call, run: (o: Call) => Promise<T>) => Promise<T>;

export interface AroundHooks {
  readonly around: Around;
  /** Sees each opened object, to watch over the reading of its body. */
  readonly opened?: (key: string, o: Parameters<BucketDriver['get']>[1], object: DriverObject) => DriverObject;
}

/** Wraps every call of a driver, and of the uploads that it opens, in one function. Each page of a listing is a call. */
export function aroundDriver(inner: BucketDriver, { around, opened }: AroundHooks): BucketDriver {
  const read = (operation: string, key?: string): DriverCall => ({ operation, ...(key === undefined ? {} : { key }), repeatable: true, conditional: false });
  const write = (operation: string, key: string, conditional: boolean, repeatable = true): DriverCall => ({ operation, key, repeatable, conditional });
  return delegate(inner, {
    head: (key, o) => around(read('head', key), o, (call) => inner.head(key, merged(o, call))),
    get: async (key, o) => {
      const object = await around(read('get', key), o, (call) => inner.get(key, merged(o, call)));
      return opened === undefined ? object : opened(key, o, object);
    },
    put: (key, body, o) =>
      around(write('put', key, o.if !== undefined, body instanceof Uint8Array), o, (call) =>
        // A layer that gives up on the call gives up on its source, too: a driver that waits for the next chunk hears of it.
        inner.put(key, call.signal === o.signal || body instanceof Uint8Array ? body : abortableStream(body, call.signal), merged(o, call)),
      ),
    startUpload: async (key, o) => aroundUpload(await around(write('startUpload', key, true), o, (call) => inner.startUpload(key, { ...o, ...call })), around),
    resumeUpload: async (ref, o) => aroundUpload(await around(read('resumeUpload', ref.key), o, (call) => inner.resumeUpload(ref, { ...o, ...call })), around),
    listUploads: (o) => aroundEach((each) => inner.listUploads(each), { ...read('listUploads'), repeatable: false }, o, around),
    deleteMany: (items, o) =>
      around({ ...read('delete', items[0]?.key), conditional: items.some((item) => item.if !== undefined) }, o, (call) =>
        inner.deleteMany(items, { ...o, ...call }),
      ),
    list: (o) => aroundEach((each) => inner.list(each), { ...read('list', o.prefix), repeatable: false }, o, around),
    copyMany: (items, o) =>
      around({ ...read('copy', items[0]?.to), conditional: items.some((item) => item.if !== undefined) }, o, (call) =>
        inner.copyMany(items, { ...o, ...call }),
      ),
    setHeaders: (key, headers, o) => around(write('setHeaders', key, o.if !== undefined), o, (call) => inner.setHeaders(key, headers, { ...o, ...call })),
    presign: (key, o) => around(read('presign', key), o, (call) => inner.presign(key, { ...o, ...call })),
    checkAccess: (o) => around(read('checkAccess'), o, (call) => inner.checkAccess({ ...o, ...call })),
  });
}

function aroundUpload(upload: Upload, around: Around): Upload {
  const { key } = upload.ref;
  const call = (operation: string, conditional: boolean): DriverCall => ({ operation, key, repeatable: true, conditional });
  return {
    ref: upload.ref,
    part: (index, bytes, o = {}) => around(call('part', false), o, (c) => upload.part(index, bytes, { ...o, ...c })),
    parts: (o = {}) => around(call('parts', false), o, (c) => upload.parts({ ...o, ...c })),
    // A completion that took effect unseen would be NotFound the second time.
    complete: (parts, o = {}) => around(call('complete', true), o, (c) => upload.complete(parts, { ...o, ...c })),
    abort: (o = {}) => around(call('abort', false), o, (c) => upload.abort({ ...o, ...c })),
    detach: () => upload.detach(),
    [Symbol.asyncDispose]: () => upload[Symbol.asyncDispose](),
  };
}

/** The call's options, changed by a layer where it did. */
function merged<O extends Call>(o: O, call: Call): O {
  return call === o ? o : { ...o, ...call };
}

/** Each step of an iteration as a call, which cannot be repeated: an iterator that threw has ended. */
async function* aroundEach<T, O extends Call>(open: (o: O) => AsyncIterable<T>, call: DriverCall, o: O, around: Around): AsyncIterable<T> {
  const given = new AbortController();
  const iterator = open({ ...o, signal: o.signal === undefined ? given.signal : AbortSignal.any([o.signal, given.signal]) })[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await around(call, o, () => iterator.next());
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    // Perhaps a layer gave up on an iterator that never answers: it is told, and not waited for.
    ended = true;
    given.abort(error);
    throw error;
  } finally {
    if (!ended) await iterator.return?.();
  }
}
