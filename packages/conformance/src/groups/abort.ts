import { getEventListeners } from 'node:events';
import { type Bucket, type Call, isStorageError } from '@stowage/core';
import { expectContent, expectNothing, listedKeys, unfinishedUploads } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { type CaseDefinition, casesOf, type ConformanceCase } from '../conformance-case.ts';
import { contentOf, HaltingSource } from '../content.ts';
import { expectBytes, expectCode, expectNames, expectReason, expectReasonOf, fail, settled, told } from '../expectations.ts';
import { copies, fault, listable, multipart, seedable, supports, writable } from '../needs.ts';
import { withoutUnhandledRejection } from '../unhandled-rejection.ts';

const KEY = 'abort/object.bin';

/** Every operation that takes a signal, as a call that succeeds where nothing is aborted. */
function operations(bucket: Bucket): Record<string, (o: Call) => Promise<unknown>> {
  const { capabilities } = bucket;
  const [presigned] = capabilities.presign;
  return {
    head: (o) => bucket.head(KEY, o),
    exists: (o) => bucket.exists(KEY, o),
    get: async (o) => (await bucket.get(KEY, o)).bytes(),
    getRanges: (o) => bucket.getRanges(KEY, [{ start: 0, end: 1 }], o),
    ...(capabilities.list.unsupported === true ? {} : listings(bucket)),
    checkAccess: (o) => bucket.checkAccess(o),
    ...(presigned === undefined ? {} : { presign: (o: Call) => bucket.presign(KEY, { ...o, method: presigned, expiresInSeconds: 60 }) }),
    ...(capabilities.readOnly ? {} : writes(bucket)),
  };
}

function listings(bucket: Bucket): Record<string, (o: Call) => Promise<unknown>> {
  return {
    listPage: (o) => bucket.listPage(o),
    listPages: (o) => drained(bucket.listPages(o)),
    list: (o) => drained(bucket.list(o)),
  };
}

function writes(bucket: Bucket): Record<string, (o: Call) => Promise<unknown>> {
  const { capabilities } = bucket;
  return {
    put: (o) => bucket.put(`${KEY}.put`, 'x', o),
    'put of a stream': (o) => bucket.put(`${KEY}.stream`, [Buffer.from('x')], o),
    delete: (o) => bucket.delete(`${KEY}.none`, o),
    deleteMany: (o) => drained(bucket.deleteMany([`${KEY}.none`], o)),
    ...(capabilities.copy === 'none'
      ? {}
      : {
          copy: (o: Call) => bucket.copy(KEY, `${KEY}.copy`, o),
          copyMany: (o: Call) => bucket.copyMany([{ from: bucket.driver.copySource(KEY), to: `${KEY}.copies` }], o),
        }),
    ...(capabilities.setHeaders === false ? {} : { setHeaders: (o: Call) => bucket.setHeaders(KEY, { contentType: 'text/x-abort' }, o) }),
    ...(capabilities.multipart.maxParts < 2
      ? {}
      : { listUploads: (o: Call) => drained(bucket.listUploads(o)), upload: (o: Call) => uploadAndAbort(bucket, o) }),
  };
}

async function drained(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count++;
  return count;
}

async function uploadAndAbort(bucket: Bucket, o: Call): Promise<void> {
  await using upload = await bucket.upload(`${KEY}.upload`, o);
  await upload.part(0, contentOf(10), o);
}

/** Reasons of every kind: an abort gives back the very value. */
const REASONS: readonly unknown[] = [
  new Error('no longer wanted'),
  'a word',
  { cancelled: true },
  new DOMException('stopped', 'AbortError'),
  Object.assign(new TypeError('fetch failed'), { code: 'ECONNRESET' }),
];

async function readAborted(c: CaseContext): Promise<void> {
  const content = contentOf(8 * 1024 * 1024);
  await c.seed(KEY, content);
  for (const reason of REASONS) {
    const abort = new AbortController();
    const object = await c.bucket.get(KEY, { signal: abort.signal, verify: false });
    const chunks: Uint8Array[] = [];
    const reading = (async (): Promise<void> => {
      for await (const chunk of object) {
        if (chunks.length === 0) abort.abort(reason);
        chunks.push(chunk);
      }
    })();
    const outcome = await settled(c.within(reading, 'reading on after the abort'));
    // Where the first chunk was all of it, nothing was left to abort.
    if (!outcome.ok) expectReasonOf(outcome.error, reason, 'reading on after the abort');
    else if (chunks.length > 1) fail(`reading on after the abort: expected signal.reason; the body went on for ${chunks.length - 1} chunks, to its end`);
    else expectBytes(Buffer.concat(chunks), content, 'a body of one chunk');
  }
}

const duringHang: readonly string[] = ['head', 'get', 'listPage', 'put', 'delete'];

export const abortCases: readonly ConformanceCase[] = casesOf(
  'abort',
  [seedable],
  [
    {
      name: 'a signal that is aborted already ends every operation with its reason, before any request',
      async run(c) {
        await c.seed(KEY, contentOf(100));
        for (const [operation, call] of Object.entries(operations(c.bucket))) {
          for (const reason of REASONS)
            await c.withoutRequest(
              () => expectReason(c.within(call({ signal: AbortSignal.abort(reason) }), operation), reason, operation),
              `${operation} with an aborted signal`,
            );
        }
        if (c.capabilities.list.unsupported !== true)
          expectNames(await listedKeys(c.bucket), [KEY], 'the bucket after operations that were aborted before they began');
      },
    },
    {
      name: 'an abort without a reason is an AbortError',
      async run(c) {
        await c.seed(KEY, contentOf(100));
        const outcome = await settled(c.bucket.head(KEY, { signal: AbortSignal.abort() }));
        if (outcome.ok) fail('expected head with an aborted signal to reject');
        if (!(outcome.error instanceof DOMException) || outcome.error.name !== 'AbortError')
          fail(`expected the DOMException AbortError of the signal; got ${told(outcome.error)}`);
      },
    },
    {
      name: 'an abort is no StorageError: its reason is neither wrapped nor changed',
      async run(c) {
        await c.seed(KEY, contentOf(100));
        const reason = Object.freeze(new Error('frozen'));
        const { message, stack } = reason;
        for (const [operation, call] of Object.entries(operations(c.bucket))) {
          const outcome = await settled(call({ signal: AbortSignal.abort(reason) }));
          if (outcome.ok) fail(`${operation}: expected it to reject`);
          if (isStorageError(outcome.error)) fail(`${operation}: expected the reason itself; got the StorageError ${told(outcome.error)}`);
          if (outcome.error !== reason || reason.message !== message || reason.stack !== stack)
            fail(`${operation}: expected the reason itself, as it was; got ${told(outcome.error)}`);
        }
      },
    },
    {
      name: 'an abort during a put ends it with the reason, and nothing is written',
      needs: [writable],
      async run(c) {
        for (const reason of REASONS) {
          const source = new HaltingSource(contentOf(1_000_000));
          const abort = new AbortController();
          const put = c.bucket.put(KEY, source, { signal: abort.signal });
          await c.within(Promise.race([source.halted, put]), 'the source being read');
          abort.abort(reason);
          source.release();
          await expectReason(c.within(put, 'the aborted put'), reason, 'a put aborted half-way');
          await expectNothing(c.bucket, KEY, 'an aborted put');
        }
      },
    },
    {
      name: 'an abort ends a put whose source has stalled for ever',
      needs: [writable],
      async run(c) {
        for (const size of [undefined, 1_000_000]) {
          const source = new HaltingSource(contentOf(1_000_000));
          const abort = new AbortController();
          const reason = new Error('no longer wanted');
          const put = c.bucket.put(KEY, source, { signal: abort.signal, ...(size === undefined ? {} : { size }) });
          await c.within(Promise.race([source.halted, put]), 'the source being read');
          abort.abort(reason);
          await expectReason(c.within(put, 'the aborted put, whose source gives nothing more'), reason, 'a put aborted while its source stalls');
          await expectNothing(c.bucket, KEY, 'an aborted put');
          source.release();
        }
      },
    },
    {
      name: 'an abort during the reading of a body ends it with the reason',
      run: readAborted,
    },
    {
      name: 'a read that was aborted leaves room for the next',
      async run(c) {
        const content = contentOf(500_000);
        await c.seed(KEY, content);
        for (let i = 0; i < 200; i++) {
          const abort = new AbortController();
          const object = await c.within(c.bucket.get(KEY, { signal: abort.signal, verify: false }), `aborted read ${i + 1} of 200`);
          const iterator = object[Symbol.asyncIterator]();
          await c.within(iterator.next(), `the first chunk of aborted read ${i + 1}`);
          abort.abort(new Error('enough'));
          await settled(c.within(iterator.next(), `the end of aborted read ${i + 1}`));
          await c.within(object[Symbol.asyncDispose](), `closing aborted read ${i + 1}`);
        }
        await expectContent(c.bucket, KEY, content, 'the object after 200 aborted reads');
      },
    },
    {
      name: 'an abort between pages ends a listing with the reason',
      needs: [listable],
      async run(c) {
        await c.seedAll(Array.from({ length: 12 }, (_, i) => `abort/${10 + i}`));
        for (const reason of REASONS) {
          const abort = new AbortController();
          let pages = 0;
          const listing = (async (): Promise<void> => {
            for await (const page of c.bucket.listPages({ limit: 2, signal: abort.signal })) {
              pages += page.objects.length > 0 ? 1 : 0;
              if (pages === 2) abort.abort(reason);
            }
          })();
          await expectReason(c.within(listing, 'the aborted listing'), reason, 'a listing aborted behind its second page');
          if (pages !== 2) fail(`expected no page behind the abort; got ${pages - 2}`, pages, 2);
        }
      },
    },
    {
      name: 'an abort between batches ends deleteMany with the reason, and what is told deleted is',
      needs: [writable],
      async run(c) {
        const batch = c.capabilities.deleteBatch;
        const count = Math.min(2 * batch + 1, 2001);
        if (count <= batch) return;
        const keys = Array.from({ length: count }, (_, i) => `abort/${String(i).padStart(5, '0')}`);
        await c.seedAll(keys, () => new Uint8Array());
        const abort = new AbortController();
        const reason = new Error('no longer wanted');
        const gone: string[] = [];
        const deleting = (async (): Promise<void> => {
          for await (const outcome of c.bucket.deleteMany(keys, { signal: abort.signal })) {
            if (outcome.ok) gone.push(outcome.key);
            abort.abort(reason);
          }
        })();
        await expectReason(c.within(deleting, 'the aborted deleteMany'), reason, 'deleteMany aborted behind its first outcome');
        const left = new Set(await listedKeys(c.bucket));
        for (const key of gone) if (left.has(key)) fail(`expected ${key} to be gone, as its outcome said`);
        if (!left.has(keys.at(-1) as string)) fail('expected the last key to be left: it lies behind the abort');
      },
    },
    {
      name: 'an abort of a part leaves the upload usable',
      needs: [writable, multipart],
      async run(c) {
        await using upload = await c.bucket.upload(KEY);
        const reason = new Error('no longer wanted');
        await expectReason(upload.part(0, contentOf(1000, 2), { signal: AbortSignal.abort(reason) }), reason, 'an aborted part');
        await expectReason(upload.parts({ signal: AbortSignal.abort(reason) }), reason, 'aborted parts()');
        const part = await upload.part(0, contentOf(1000));
        await expectReason(upload.complete([part], { signal: AbortSignal.abort(reason) }), reason, 'an aborted completion');
        await expectNothing(c.bucket, KEY, 'an aborted completion');
        await upload.complete([part]);
        await expectContent(c.bucket, KEY, contentOf(1000), 'the object completed after aborted calls');
      },
    },
    {
      name: 'an abort after an operation has ended changes nothing',
      async run(c) {
        await c.seed(KEY, contentOf(1000));
        for (const [operation, call] of Object.entries(operations(c.bucket))) {
          const abort = new AbortController();
          await withoutUnhandledRejection(async () => {
            await call({ signal: abort.signal });
            abort.abort(new Error('too late'));
          }, `an abort after ${operation}`);
        }
        await expectContent(c.bucket, KEY, contentOf(1000), 'the object');
      },
    },
    {
      name: 'an upload that was begun with a signal outlives it',
      needs: [writable, multipart],
      async run(c) {
        const abort = new AbortController();
        await using upload = await c.bucket.upload(KEY, { signal: abort.signal });
        abort.abort(new Error('too late'));
        await upload.complete([await upload.part(0, contentOf(10))]);
        await expectContent(c.bucket, KEY, contentOf(10), 'the upload');
      },
    },
    {
      name: 'operations leave no listener on a signal that lives on',
      async run(c) {
        await c.seed(KEY, contentOf(100_000));
        const { signal } = new AbortController();
        for (const [operation, call] of Object.entries(operations(c.bucket))) {
          for (let i = 0; i < 3; i++) await call({ signal });
          const left = getEventListeners(signal, 'abort').length;
          if (left > 0) fail(`${operation}: expected no listener to stay on the signal; got ${left}`, left, 0);
        }
      },
    },
    {
      name: 'aborts leave no unhandled rejection behind',
      needs: [writable],
      async run(c) {
        await c.seed(KEY, contentOf(300_000));
        await withoutUnhandledRejection(async () => {
          for (const call of Object.values(operations(c.bucket))) {
            const abort = new AbortController();
            const work = settled(call({ signal: abort.signal }));
            await Promise.resolve();
            abort.abort(new Error('at once'));
            await c.within(work, 'an operation aborted at once');
          }
        }, 'operations aborted at once');
        if (c.capabilities.multipart.abort === 'explicit')
          expectNames(
            (await unfinishedUploads(c.bucket)).map(({ key }) => key),
            [],
            'unfinished uploads',
          );
      },
    },
    {
      name: 'a call that outlasts its timeoutMs is Timeout, and retryable',
      needs: [writable],
      async run(c) {
        const source = new HaltingSource(contentOf(1000), 500);
        const error = await expectCode(
          c.within(c.bucket.put(KEY, source, { timeoutMs: 30 }), 'the put with a timeout'),
          'Timeout',
          'a put whose source stalls, with timeoutMs 30',
        );
        source.release();
        if (!error.retryable) fail('expected Timeout to be retryable', false, true);
        await expectNothing(c.bucket, KEY, 'a put that timed out');
      },
    },
    {
      name: 'a timeoutMs that is not reached changes nothing',
      async run(c) {
        await c.seed(KEY, contentOf(100_000));
        for (const [operation, call] of Object.entries(operations(c.bucket))) {
          const outcome = await settled(call({ timeoutMs: 60_000 }));
          if (!outcome.ok) fail(`${operation} with timeoutMs 60000: expected it to succeed; got ${told(outcome.error)}`);
        }
        await expectContent(c.bucket, KEY, contentOf(100_000), 'the object');
      },
    },
    ...duringHang.map((operation): CaseDefinition => ({
      name: `a store that never answers: ${operation} ends with the reason of an abort, and with Timeout`,
      needs: [fault('hanging'), ...(operation === 'put' || operation === 'delete' ? [writable] : operation === 'listPage' ? [listable] : [])],
      async run(c) {
        const bucket = await c.faulty('hanging');
        const call = operations(bucket)[operation];
        if (call === undefined) fail(`expected the suite to know the operation ${operation}`);
        await withoutUnhandledRejection(async () => {
          const abort = new AbortController();
          const reason = new Error('no longer wanted');
          const work = call({ signal: abort.signal });
          // Awaited below: one that fails too early is told by then, not as a rejection that nobody looked at.
          work.catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 20));
          abort.abort(reason);
          await expectReason(c.within(work, operation), reason, operation);
          await expectCode(c.within(call({ timeoutMs: 20 }), operation), 'Timeout', operation);
        }, operation);
      },
    })),
    {
      name: 'a copy and new headers are not made once aborted',
      needs: [writable, copies, supports('setHeaders', ({ setHeaders }) => setHeaders)],
      async run(c) {
        await c.bucket.put(KEY, 'x', { contentType: 'text/x-before' });
        const reason = new Error('no longer wanted');
        await expectReason(c.bucket.copy(KEY, `${KEY}.copy`, { signal: AbortSignal.abort(reason) }), reason, 'an aborted copy');
        await expectReason(c.bucket.setHeaders(KEY, { contentType: 'text/x-after' }, { signal: AbortSignal.abort(reason) }), reason, 'aborted setHeaders');
        await expectNothing(c.bucket, `${KEY}.copy`, 'an aborted copy');
        if ((await c.bucket.head(KEY)).headers?.contentType !== 'text/x-before') fail('expected the headers to be as they were');
      },
    },
    {
      name: 'closing a bucket twice succeeds',
      async run(c) {
        for (let turn = 0; turn < 2; turn++) {
          const outcome = await settled(c.within(c.bucket.close(), 'closing the bucket'));
          if (!outcome.ok) fail(`expected close() to succeed; got ${told(outcome.error)}`);
        }
      },
    },
  ],
);
