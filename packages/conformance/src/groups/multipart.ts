import type { Bucket, ObjectHeaders, UploadedPart, UploadRef } from '@stowage/core';
import { expectContent, expectHeaders, expectNothing, listedKeys, unfinishedUploads } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { contentOf } from '../content.ts';
import { expectCode, expectCodeOf, expectNames, fail, settled } from '../expectations.ts';
import { explicitAbort, multipart, supports, writable } from '../needs.ts';

const KEY = 'multipart/object.bin';

/** The size of a whole part: what the store demands, and no less than a few reads of it. */
function partBytes({ capabilities }: CaseContext): number {
  return Math.max(capabilities.multipart.minPart, 64 * 1024);
}

/** Content that is told apart part by part; the last one is short. */
function partsOf(c: CaseContext, count: number, seed: number = 1): Uint8Array[] {
  const size = partBytes(c);
  return Array.from({ length: count }, (_, i) => contentOf(i === count - 1 ? 1000 : size, seed * 100 + i));
}

function uploadIds(refs: readonly UploadRef[]): string[] {
  return refs.map(({ id }) => id);
}

async function expectInvisible(bucket: Bucket, key: string, what: string): Promise<void> {
  await expectNothing(bucket, key, what);
  expectNames(await listedKeys(bucket), [], `${what}: the listing`);
}

export const multipartCases: readonly ConformanceCase[] = casesOf(
  'multipart',
  [writable, multipart],
  [
    {
      name: 'parts make the object in the order of their indexes, in whatever order they arrive',
      async run(c) {
        const parts = partsOf(c, 4);
        await using upload = await c.bucket.upload(KEY);
        const sent: UploadedPart[] = [];
        for (const index of [2, 0, 3, 1]) {
          const part = await upload.part(index, parts[index] as Uint8Array);
          if (part.index !== index || part.size !== parts[index]?.byteLength)
            fail(`part ${index}: expected its answer to tell index ${index} and size ${parts[index]?.byteLength}; got ${part.index} and ${part.size}`, part);
          sent[index] = part;
        }
        const info = await upload.complete(sent);
        const whole = Buffer.concat(parts);
        if (info.key !== KEY || info.size !== whole.byteLength)
          fail(`expected complete to tell ${KEY} and ${whole.byteLength} bytes; got ${info.key} and ${info.size}`, info);
        await expectContent(c.bucket, KEY, whole, 'the completed object');
      },
    },
    {
      name: 'parts may be sent at the same time',
      async run(c) {
        const parts = partsOf(c, 5);
        await using upload = await c.bucket.upload(KEY);
        const sent = await Promise.all(parts.map((part, index) => upload.part(index, part)));
        await upload.complete(sent);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the completed object');
      },
    },
    {
      name: 'several writers make one object',
      async run(c) {
        const parts = partsOf(c, 3);
        await using upload = await c.bucket.upload(KEY);
        const other = await c.openAgain();
        const second = await other.resumeUpload(upload.ref);
        const sent = await Promise.all([
          upload.part(0, parts[0] as Uint8Array),
          second.part(1, parts[1] as Uint8Array),
          upload.part(2, parts[2] as Uint8Array),
        ]);
        second.detach();
        await upload.complete(sent);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the object of two writers');
      },
    },
    {
      name: 'an upload is invisible until its completion',
      async run(c) {
        const parts = partsOf(c, 2);
        await using upload = await c.bucket.upload(KEY);
        await expectInvisible(c.bucket, KEY, 'an upload that was begun');
        const sent = [await upload.part(0, parts[0] as Uint8Array)];
        await expectInvisible(c.bucket, KEY, 'an upload with one part');
        sent.push(await upload.part(1, parts[1] as Uint8Array));
        await expectInvisible(c.bucket, KEY, 'an upload with all parts');
        await upload.complete(sent);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the completed object');
      },
    },
    {
      name: 'an upload leaves the object that is there until its completion, and then replaces it whole',
      async run(c) {
        const parts = partsOf(c, 2);
        const old: ObjectHeaders = { contentType: 'text/x-old', cacheControl: 'no-store' };
        await c.bucket.put(KEY, 'old', old);
        await using upload = await c.bucket.upload(KEY, { contentType: 'text/x-new' });
        const sent = await Promise.all(parts.map((part, index) => upload.part(index, part)));
        await expectContent(c.bucket, KEY, Buffer.from('old'), 'the object under an upload');
        expectHeaders((await c.bucket.head(KEY)).headers, old, 'the object under an upload');
        await upload.complete(sent);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the completed object');
        const { headers } = await c.bucket.head(KEY);
        expectHeaders(headers, { contentType: 'text/x-new' }, 'the completed object');
        if (headers?.cacheControl !== undefined) fail(`expected nothing of the old headers; got cacheControl ${headers.cacheControl}`);
      },
    },
    {
      name: 'headers given at the start are those of the completed object',
      async run(c) {
        const headers: ObjectHeaders = {
          contentType: 'video/x-conformance',
          cacheControl: 'max-age=7',
          contentDisposition: 'attachment',
          contentLanguage: 'de',
          ...(c.capabilities.metadata === false ? {} : { metadata: { Name: 'a  b' } }),
          ...(c.capabilities.tags === false ? {} : { tags: { kind: 'video' } }),
        };
        const kept: ObjectHeaders = c.capabilities.metadata === false ? headers : { ...headers, metadata: { name: 'a  b' } };
        await using upload = await c.bucket.upload(KEY, headers);
        const info = await upload.complete([await upload.part(0, contentOf(1000))]);
        expectHeaders(info.headers, kept, 'the answer of complete');
        expectHeaders((await c.bucket.head(KEY)).headers, kept, 'head');
      },
    },
    {
      name: 'a part sent again replaces the one before',
      async run(c) {
        const parts = partsOf(c, 2);
        await using upload = await c.bucket.upload(KEY);
        await upload.part(0, contentOf(partBytes(c), 77));
        const last = await upload.part(1, parts[1] as Uint8Array);
        const first = await upload.part(0, parts[0] as Uint8Array);
        expectNames(
          (await upload.parts()).map(({ token }) => token),
          [first.token, last.token],
          'the parts that the store holds',
        );
        await upload.complete([first, last]);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the object with a part sent twice');
      },
    },
    {
      name: 'parts() tells the parts that the store holds, in order',
      async run(c) {
        const parts = partsOf(c, 3);
        await using upload = await c.bucket.upload(KEY);
        if ((await upload.parts()).length !== 0) fail('expected a new upload to hold no parts');
        for (const index of [1, 0]) await upload.part(index, parts[index] as Uint8Array);
        const held = await upload.parts();
        expectNames(
          held.map(({ index, size }) => `${index}: ${size}`),
          [`0: ${parts[0]?.byteLength}`, `1: ${parts[1]?.byteLength}`],
          'the parts',
        );
        await upload.complete([...held, await upload.part(2, parts[2] as Uint8Array)]);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the object of the parts that were told');
      },
    },
    {
      name: 'an upload is resumed in another process from its serialised reference',
      async run(c) {
        const parts = partsOf(c, 3);
        const begun = await c.bucket.upload(KEY, { contentType: 'text/x-resumed' });
        await begun.part(0, parts[0] as Uint8Array);
        await begun.part(2, parts[2] as Uint8Array);
        const written = JSON.stringify(begun.detach());
        await begun[Symbol.asyncDispose]();
        const other = await c.openAgain();
        await using resumed = await other.resumeUpload(JSON.parse(written) as UploadRef);
        expectNames(
          (await resumed.parts()).map(({ index }) => String(index)),
          ['0', '2'],
          'the parts found on resume',
        );
        await resumed.part(1, parts[1] as Uint8Array);
        await resumed.complete(await resumed.parts());
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the resumed object');
        expectHeaders((await c.bucket.head(KEY)).headers, { contentType: 'text/x-resumed' }, 'the resumed object');
      },
    },
    {
      name: 'resuming an upload that the store does not know is NotFound',
      async run({ bucket }) {
        const upload = await bucket.upload(KEY);
        await upload.abort();
        await expectCode(
          (async (): Promise<unknown> => {
            const again = await bucket.resumeUpload(upload.ref);
            // Some stores cannot be asked before there is something to do.
            return again.complete([await again.part(0, contentOf(10))]);
          })(),
          'NotFound',
          'resuming an upload that was aborted',
        );
        await expectNothing(bucket, KEY, 'an upload that was aborted');
      },
    },
    {
      name: 'leftover uploads are listed with key and id, by prefix, and can be aborted',
      needs: [explicitAbort],
      async run(c) {
        const { bucket } = c;
        const left: UploadRef[] = [];
        for (const key of ['left/a', 'left/b', 'other/a']) {
          const upload = await bucket.upload(key);
          await upload.part(0, contentOf(100));
          left.push(upload.detach());
          await upload[Symbol.asyncDispose]();
        }
        const found = await unfinishedUploads(bucket);
        expectNames(found.map(({ key }) => key).sort(), ['left/a', 'left/b', 'other/a'], 'the unfinished uploads');
        expectNames(uploadIds(found).sort(), uploadIds(left).sort(), 'their ids');
        expectNames((await unfinishedUploads(bucket, 'left/')).map(({ key }) => key).sort(), ['left/a', 'left/b'], 'the unfinished uploads under left/');
        expectNames(uploadIds(await unfinishedUploads(bucket, 'none/')), [], 'the unfinished uploads under none/');
        const other = await c.openAgain();
        for (const ref of found) await (await other.resumeUpload(ref)).abort();
        expectNames(uploadIds(await unfinishedUploads(bucket)), [], 'the unfinished uploads after they were aborted');
        await expectInvisible(bucket, 'left/a', 'an aborted leftover');
      },
    },
    {
      name: 'an aborted upload is gone: no leftover, no object, and NotFound for what comes after',
      needs: [explicitAbort],
      async run({ bucket }) {
        const upload = await bucket.upload(KEY);
        const part = await upload.part(0, contentOf(1000));
        await upload.abort();
        expectNames(uploadIds(await unfinishedUploads(bucket)), [], 'the unfinished uploads after an abort');
        await expectCode(upload.part(1, contentOf(10)), 'NotFound', 'a part behind the abort');
        await expectCode(upload.complete([part]), 'NotFound', 'a completion behind the abort');
        await expectInvisible(bucket, KEY, 'an aborted upload');
      },
    },
    {
      name: 'disposing an upload aborts it; one that was detached stays open',
      needs: [explicitAbort],
      async run({ bucket }) {
        const disposed = await bucket.upload(KEY);
        await disposed.part(0, contentOf(1000));
        await disposed[Symbol.asyncDispose]();
        await disposed[Symbol.asyncDispose]();
        expectNames(uploadIds(await unfinishedUploads(bucket)), [], 'the unfinished uploads after one was disposed');
        const detached = await bucket.upload(KEY);
        await detached.part(0, contentOf(1000));
        const ref = detached.detach();
        await detached[Symbol.asyncDispose]();
        expectNames(uploadIds(await unfinishedUploads(bucket)), [ref.id], 'the unfinished uploads after one was detached and disposed');
        await (await bucket.resumeUpload(ref)).abort();
      },
    },
    {
      name: 'a completed upload is no leftover, and disposing it keeps the object',
      async run(c) {
        const upload = await c.bucket.upload(KEY);
        await upload.complete([await upload.part(0, contentOf(1000))]);
        await upload[Symbol.asyncDispose]();
        await expectContent(c.bucket, KEY, contentOf(1000), 'the completed object after its upload was disposed');
        if (c.capabilities.multipart.abort === 'explicit') expectNames(uploadIds(await unfinishedUploads(c.bucket)), [], 'the unfinished uploads');
      },
    },
    {
      name: 'an upload of no parts makes an empty object',
      async run({ bucket }) {
        await using upload = await bucket.upload(KEY, { contentType: 'text/x-empty' });
        const info = await upload.complete([]);
        if (info.size !== 0) fail(`expected size 0, got ${info.size}`, info.size, 0);
        await expectContent(bucket, KEY, new Uint8Array(), 'the empty upload');
        expectHeaders((await bucket.head(KEY)).headers, { contentType: 'text/x-empty' }, 'the empty upload');
      },
    },
    {
      name: 'completing twice is NotFound, and keeps the object',
      async run({ bucket }) {
        await using upload = await bucket.upload(KEY);
        const part = await upload.part(0, contentOf(1000));
        await upload.complete([part]);
        await expectCode(upload.complete([part]), 'NotFound', 'the second completion');
        await expectContent(bucket, KEY, contentOf(1000), 'the object after the second completion');
      },
    },
    {
      name: 'parts with a gap, and parts named twice, are InvalidArgument and make no object',
      async run(c) {
        const parts = partsOf(c, 3);
        await using upload = await c.bucket.upload(KEY);
        const sent = await Promise.all(parts.map((part, index) => upload.part(index, part)));
        const [first, second, third] = sent as [UploadedPart, UploadedPart, UploadedPart];
        await expectCode(upload.complete([first, third]), 'InvalidArgument', 'parts 0 and 2');
        await expectCode(upload.complete([second, third]), 'InvalidArgument', 'parts 1 and 2');
        await expectCode(upload.complete([first, first, second]), 'InvalidArgument', 'part 0 twice');
        await expectInvisible(c.bucket, KEY, 'a refused completion');
        await upload.complete(sent);
        await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the completion after refused ones');
      },
    },
    {
      name: 'a part that the store does not hold is InvalidArgument and makes no object',
      async run({ bucket }) {
        await using upload = await bucket.upload(KEY);
        const part = await upload.part(0, contentOf(1000));
        await expectCode(upload.complete([{ ...part, token: `${part.token}0` }]), 'InvalidArgument', 'a part with another token');
        await expectInvisible(bucket, KEY, 'a refused completion');
      },
    },
    {
      name: 'part indexes that mean nothing are InvalidArgument',
      async run({ bucket }) {
        await using upload = await bucket.upload(KEY);
        for (const index of [-1, 1.5, Number.NaN]) await expectCode(upload.part(index, contentOf(10)), 'InvalidArgument', `part ${index}`);
      },
    },
    {
      name: 'a part that is too small, and is not the last, is InvalidArgument and makes no object',
      needs: [({ multipart: { minPart } }) => minPart > 1 || `capabilities.multipart.minPart is ${minPart}`],
      async run(c) {
        await using upload = await c.bucket.upload(KEY);
        const small = contentOf(c.capabilities.multipart.minPart - 1);
        const send = async (): Promise<unknown> => upload.complete([await upload.part(0, small), await upload.part(1, contentOf(10))]);
        await expectCode(send(), 'InvalidArgument', `a first part of ${small.byteLength} bytes where the least is ${c.capabilities.multipart.minPart}`);
        await expectInvisible(c.bucket, KEY, 'a refused completion');
      },
    },
    {
      name: 'parts of several sizes make one object where the store allows them, else they are InvalidArgument',
      async run(c) {
        const size = partBytes(c);
        const parts = [contentOf(size + 100, 1), contentOf(size, 2), contentOf(size + 7, 3), contentOf(5, 4)];
        await using upload = await c.bucket.upload(KEY);
        const send = async (): Promise<unknown> => upload.complete(await Promise.all(parts.map((part, index) => upload.part(index, part))));
        if (c.capabilities.multipart.equalParts) {
          await expectCode(send(), 'InvalidArgument', 'parts of several sizes');
          await expectInvisible(c.bucket, KEY, 'a refused completion');
        } else {
          await send();
          await expectContent(c.bucket, KEY, Buffer.concat(parts), 'the object of parts of several sizes');
        }
      },
    },
    {
      name: 'two uploads of one key do not mix',
      async run(c) {
        const one = partsOf(c, 2, 1);
        const two = partsOf(c, 2, 2);
        await using first = await c.bucket.upload(KEY);
        await using second = await c.bucket.upload(KEY);
        if (first.ref.id === second.ref.id) fail(`expected two uploads to have two ids; got ${first.ref.id} twice`);
        const sentOne = await Promise.all(one.map((part, index) => first.part(index, part)));
        const sentTwo = await Promise.all(two.map((part, index) => second.part(index, part)));
        await first.complete(sentOne);
        await expectContent(c.bucket, KEY, Buffer.concat(one), 'the first upload');
        await second.complete(sentTwo);
        await expectContent(c.bucket, KEY, Buffer.concat(two), 'the second upload');
      },
    },
    {
      name: 'a wrong checksum at completion makes no object',
      async run(c) {
        await using upload = await c.bucket.upload(KEY);
        const part = await upload.part(0, contentOf(1000));
        const outcome = await settled(upload.complete([part], { checksum: { crc32: 'AAAAAA==' } }));
        if (outcome.ok) fail('a completion with a wrong crc32: expected ChecksumMismatch, or Unsupported where the store does not compare it; it succeeded');
        expectCodeOf(outcome.error, ['ChecksumMismatch', 'Unsupported'], 'a completion with a wrong crc32');
        await expectInvisible(c.bucket, KEY, 'a refused completion');
      },
    },
    {
      name: 'a completion keeps a modification time that the writer chooses',
      needs: [supports('lastModified.set', ({ lastModified }) => lastModified.set)],
      async run(c) {
        const lastModified = new Date('2003-04-05T06:07:08.901Z');
        await using upload = await c.bucket.upload(KEY);
        await upload.complete([await upload.part(0, contentOf(10))], { lastModified });
        const got = (await c.bucket.head(KEY)).lastModified;
        if (Math.abs(got.getTime() - lastModified.getTime()) > c.capabilities.lastModified.precisionMs)
          fail(`expected ${lastModified.toISOString()}, got ${got.toISOString()}`, got, lastModified);
      },
    },
    {
      name: "a part stays the caller's: later changes of its bytes do not reach the object",
      async run({ bucket }) {
        await using upload = await bucket.upload(KEY);
        const mine = contentOf(1000);
        const part = await upload.part(0, mine);
        mine.fill(0);
        await upload.complete([part]);
        await expectContent(bucket, KEY, contentOf(1000), 'the object after its part was overwritten in memory');
      },
    },
    {
      name: 'an upload onto a key that cannot lie there is refused, at the latest at its completion',
      needs: [({ keys }) => !keys.nested || 'capabilities.keys.nested is true'],
      async run({ bucket }) {
        await bucket.put('a', 'held');
        const outcome = await settled(
          (async (): Promise<void> => {
            await using upload = await bucket.upload('a/b');
            await upload.complete([await upload.part(0, contentOf(10))]);
          })(),
        );
        if (outcome.ok) fail('an upload of a/b beside a: expected KeyConflict; it succeeded');
        expectCodeOf(outcome.error, 'KeyConflict', 'an upload of a/b beside a');
        await expectContent(bucket, 'a', Buffer.from('held'), 'the object that was there');
      },
    },
  ],
);
