import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Body, type Checksums, isStorageError, type ObjectHeaders, sameRevision } from '@stowage/core';
import { expectContent, expectHeaders, expectNothing, unfinishedUploads } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { contentOf, HaltingSource, streamOf, streamThatThrows } from '../content.ts';
import { expectBytes, expectCode, expectFailure, expectReason, fail, settled, told } from '../expectations.ts';
import { writable } from '../needs.ts';

const KEY = 'write/object.bin';
const OLD = Buffer.from('the old content, which must not be lost');
const OLD_HEADERS: ObjectHeaders = { contentType: 'text/x-old', cacheControl: 'max-age=1' };

/** Puts the old object there, runs the write that must fail, and sees that the old object is whole and nothing is left over. */
async function leavesOldObject(c: CaseContext, write: () => Promise<void>, what: string): Promise<void> {
  await c.bucket.put(KEY, OLD, OLD_HEADERS);
  await write();
  await expectContent(c.bucket, KEY, OLD, `${what}: the old object`);
  expectHeaders((await c.bucket.head(KEY)).headers, OLD_HEADERS, `${what}: the old object`);
  await expectNoUploads(c, what);
}

async function expectNoUploads(c: CaseContext, what: string): Promise<void> {
  if (c.capabilities.multipart.abort !== 'explicit') return;
  const left = await unfinishedUploads(c.bucket);
  if (left.length > 0) fail(`${what}: expected no unfinished upload to be left; got ${JSON.stringify(left)}`, left, []);
}

/** Sizes of content that make a driver choose other ways: one request, and several parts. */
function sizes({ capabilities }: CaseContext): number[] {
  return [1000, 2 * Math.max(capabilities.multipart.minPart, 512 * 1024) + 4321];
}

export const writeCases: readonly ConformanceCase[] = casesOf(
  'write',
  [writable],
  [
    {
      name: 'takes content as bytes, text, Blob, iterable, generator, Node stream and web stream',
      async run({ bucket }) {
        const text = `grüß dich 😀 ${'x'.repeat(100_000)}`;
        const bytes = Buffer.from(text);
        const forms: Record<string, () => Body> = {
          bytes: () => bytes,
          'a view into larger memory': () =>
            new Uint8Array(Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')])).subarray(6, 6 + bytes.byteLength),
          text: () => text,
          Blob: () => new Blob([bytes]),
          iterable: () => [bytes.subarray(0, 10), bytes.subarray(10)],
          generator: () => streamOf(bytes, 1000),
          'Node stream': () => Readable.from(streamOf(bytes)),
          'web stream': () => new Blob([bytes]).stream(),
        };
        for (const [form, body] of Object.entries(forms)) {
          const key = `${KEY}.${form}`;
          const info = await bucket.put(key, body());
          if (info.size !== bytes.byteLength)
            fail(`content as ${form}: expected put to tell size ${bytes.byteLength}, got ${info.size}`, info.size, bytes.byteLength);
          await expectContent(bucket, key, bytes, `content as ${form}`);
        }
      },
    },
    {
      name: 'writes empty objects, from bytes and from streams',
      async run({ bucket }) {
        const forms: Record<string, () => Body> = {
          bytes: () => new Uint8Array(),
          text: () => '',
          Blob: () => new Blob([]),
          'stream without chunks': () => streamOf(new Uint8Array()),
          'stream of empty chunks': () => [new Uint8Array(), new Uint8Array()],
        };
        for (const [form, body] of Object.entries(forms)) {
          const info = await bucket.put(`${KEY}.${form}`, body());
          if (info.size !== 0) fail(`an empty ${form}: expected size 0, got ${info.size}`, info.size, 0);
          await expectContent(bucket, `${KEY}.${form}`, new Uint8Array(), `an empty ${form}`);
        }
      },
    },
    {
      name: 'writes streams of unknown size, small and larger than a part',
      async run(c) {
        for (const size of sizes(c)) {
          const content = contentOf(size);
          const { multipart } = c.capabilities;
          const info = await c.bucket.put(KEY, streamOf(content, 10_000), { partSize: Math.max(multipart.minPart, 512 * 1024) });
          if (info.size !== size) fail(`a stream of ${size} bytes: expected size ${size}, got ${info.size}`, info.size, size);
          await expectContent(c.bucket, KEY, content, `a stream of ${size} bytes`);
          await expectNoUploads(c, `a stream of ${size} bytes`);
        }
      },
    },
    {
      name: 'writes chunks of every length in their order',
      async run({ bucket }) {
        const content = contentOf(50_000);
        async function* ragged(): AsyncIterable<Uint8Array> {
          for (let at = 0, length = 0; at < content.byteLength; at += length, length = (length * 7 + 1) % 1999) yield content.slice(at, at + length);
        }
        await bucket.put(KEY, ragged(), { size: content.byteLength });
        await expectContent(bucket, KEY, content, 'ragged chunks');
      },
    },
    {
      name: 'what put tells of the object is what head tells',
      async run({ bucket, capabilities }) {
        const headers: ObjectHeaders = { contentType: 'text/plain', cacheControl: 'no-store' };
        const put = await bucket.put(KEY, 'content', headers);
        const head = await bucket.head(KEY);
        if (put.key !== KEY || put.size !== 7) fail(`expected put to tell key ${KEY} and size 7; got ${put.key} and ${put.size}`, put, head);
        if (!sameRevision(put.revision, head.revision))
          fail(`expected put and head to name one revision; got ${JSON.stringify(put.revision)} and ${JSON.stringify(head.revision)}`);
        expectHeaders(put.headers, headers, 'the answer of put');
        // A store that answers a put without the object's time has its clock in the answer, in whole seconds and a moment later: its precision says so.
        const { precisionMs } = capabilities.lastModified;
        if (Math.abs(put.lastModified.getTime() - head.lastModified.getTime()) > precisionMs)
          fail(
            `expected put and head to name one time, within ${precisionMs} ms; got ${put.lastModified.toISOString()} and ${head.lastModified.toISOString()}`,
          );
      },
    },
    {
      name: 'every write of other content gives another revision',
      async run({ bucket }) {
        const seen = [await bucket.put(KEY, 'content 0')];
        for (let i = 1; i < 6; i++) {
          const info = await bucket.put(KEY, `content ${i}`);
          const twin = seen.find(({ revision }) => sameRevision(revision, info.revision));
          if (twin !== undefined) fail(`write ${i} of one size: expected a new revision; got ${JSON.stringify(info.revision)} again`);
          if (!sameRevision(info.revision, info.revision)) fail(`expected a revision that names a state; got ${JSON.stringify(info.revision)}`);
          seen.push(info);
        }
      },
    },
    ...[-1, 1].flatMap((off) =>
      ['bytes', 'a stream'].map((form) => ({
        name: `content as ${form} ${off < 0 ? 'longer' : 'shorter'} than its declared size is InvalidArgument and leaves the old object`,
        async run(c: CaseContext): Promise<void> {
          for (const size of sizes(c)) {
            const content = contentOf(size);
            const write = (): Promise<unknown> => c.bucket.put(KEY, form === 'bytes' ? content : streamOf(content), { size: size + off });
            await leavesOldObject(
              c,
              async () => void (await expectCode(write(), 'InvalidArgument', `${size} bytes declared as ${size + off}`)),
              `${size} bytes declared as ${size + off}`,
            );
          }
        },
      })),
    ),
    {
      name: 'a source that throws leaves the old object, and its error is told',
      async run(c) {
        for (const size of sizes(c)) {
          const fault = new Error('the source broke');
          const write = async (): Promise<void> => {
            const error = await expectFailure(c.bucket.put(KEY, streamThatThrows(contentOf(size), size - 1, fault)), 'a put whose source throws');
            if (error !== fault && !(error instanceof Error && error.cause === fault))
              fail(`expected the source's own error, or a StorageError with it as the cause; got ${told(error)}`, error, fault);
          };
          await leavesOldObject(c, write, `a source that throws after ${size - 1} bytes`);
        }
      },
    },
    {
      name: 'a source that throws makes no object where there was none',
      async run(c) {
        for (const size of sizes(c)) {
          for (const declared of [{}, { size }]) {
            await expectFailure(
              c.bucket.put(KEY, streamThatThrows(contentOf(size), size - 1, new Error('the source broke')), declared),
              'a put whose source throws',
            );
            await expectNothing(c.bucket, KEY, `a source that throws after ${size - 1} bytes`);
            await expectNoUploads(c, `a source that throws after ${size - 1} bytes`);
          }
        }
      },
    },
    {
      name: 'a wrong checksum is ChecksumMismatch and leaves the old object; the right one is accepted',
      async run(c) {
        for (const size of sizes(c)) {
          const content = contentOf(size);
          for (const [algorithm, value] of Object.entries(checksumsOf(content))) {
            const wrong = checksumsOf(contentOf(size, 2))[algorithm as keyof Checksums] ?? '';
            for (const form of ['bytes', 'stream']) {
              const what = `${algorithm} of ${size} bytes as ${form}`;
              const body = (): Body => (form === 'bytes' ? content : streamOf(content));
              await leavesOldObject(
                c,
                async () => void (await expectCode(c.bucket.put(KEY, body(), { checksum: { [algorithm]: wrong } }), 'ChecksumMismatch', `a wrong ${what}`)),
                `a wrong ${what}`,
              );
              await c.bucket.put(KEY, body(), { checksum: { [algorithm]: value } });
              await expectContent(c.bucket, KEY, content, `the right ${what}`);
            }
          }
        }
      },
    },
    {
      name: 'checksums that the store tells are those of the content',
      async run({ bucket }) {
        const content = contentOf(70_000);
        await bucket.put(KEY, content);
        const { checksums } = await bucket.head(KEY);
        const right = checksumsOf(content);
        for (const [algorithm, value] of Object.entries(checksums)) {
          const expected = right[algorithm as keyof Checksums];
          if (expected !== undefined && value !== expected) fail(`expected ${algorithm} ${expected}, got ${value}`, value, expected);
        }
      },
    },
    {
      name: 'an aborted write leaves the old object, or none',
      async run(c) {
        for (const size of sizes(c)) {
          const reason = new Error('no longer wanted');
          const write = async (): Promise<void> => {
            const source = new HaltingSource(contentOf(size));
            const abort = new AbortController();
            const put = c.bucket.put(KEY, source, { signal: abort.signal });
            await c.within(Promise.race([source.halted, put]), 'the source being read');
            abort.abort(reason);
            source.release();
            await expectReason(c.within(put, 'the aborted put'), reason, 'a put aborted half-way');
          };
          await write();
          await expectNothing(c.bucket, KEY, 'an aborted first write');
          await leavesOldObject(c, write, 'an aborted overwrite');
          await c.bucket.delete(KEY);
        }
      },
    },
    {
      name: 'a write is invisible until it is whole',
      async run(c) {
        for (const size of sizes(c)) {
          const content = contentOf(size);
          await c.bucket.put(KEY, OLD);
          for (const [key, before] of [
            [KEY, OLD],
            [`${KEY}.new`, undefined],
          ] as const) {
            const source = new HaltingSource(content, size - 1);
            const put = c.bucket.put(key, source);
            await c.within(Promise.race([source.halted, put]), 'the source being read');
            if (before === undefined) await expectNothing(c.bucket, key, 'a first write under way');
            else await expectContent(c.bucket, key, before, 'an overwrite under way');
            source.release();
            await c.within(put, 'the write');
            await expectContent(c.bucket, key, content, 'the finished write');
          }
          await c.bucket.delete(`${KEY}.new`);
        }
      },
    },
    {
      name: 'writers that race for a key leave one of their contents whole',
      async run({ bucket }) {
        const contents = Array.from({ length: 8 }, (_, i) => contentOf(200_000 + i, i + 1));
        await Promise.all(contents.map((content, i) => bucket.put(KEY, i % 2 === 0 ? content : streamOf(content))));
        const left = await (await bucket.get(KEY)).bytes();
        if (!contents.some((content) => Buffer.compare(content, left) === 0))
          fail(`expected one of 8 contents whole; got ${left.byteLength} bytes that are none of them`);
      },
    },
    {
      name: 'readers during overwrites see one content or another, whole',
      async run({ bucket }) {
        const contents = [contentOf(150_000, 1), contentOf(90_000, 2)];
        await bucket.put(KEY, contents[0] as Uint8Array);
        const writing = (async (): Promise<void> => {
          for (let i = 1; i <= 20; i++) await bucket.put(KEY, contents[i % 2] as Uint8Array);
        })();
        const reading = (async (): Promise<void> => {
          for (let i = 0; i < 20; i++) {
            const outcome = await settled((async () => (await bucket.get(KEY)).bytes())());
            if (outcome.ok && !contents.some((content) => Buffer.compare(content, outcome.value) === 0))
              fail(`read ${i} during overwrites: ${outcome.value.byteLength} bytes that are neither content`);
            if (!outcome.ok && isStorageError(outcome.error, 'NotFound')) fail(`read ${i} during overwrites: the object was gone for a moment`);
          }
        })();
        await Promise.all([writing, reading]);
      },
    },
    {
      name: "content stays the caller's: put changes no byte of it, and later changes do not reach the object",
      async run({ bucket }) {
        const content = contentOf(100_000);
        const mine = Uint8Array.from(content);
        await bucket.put(KEY, mine);
        expectBytes(mine, content, 'the bytes given, after put');
        mine.fill(0);
        await expectContent(bucket, KEY, content, 'the object after its bytes were overwritten in memory');
        const chunks = [Uint8Array.from(content.subarray(0, 60_000)), Uint8Array.from(content.subarray(60_000))];
        await bucket.put(KEY, chunks);
        expectBytes(Buffer.concat(chunks), content, 'the chunks given, after put');
        for (const chunk of chunks) chunk.fill(0);
        await expectContent(bucket, KEY, content, 'the object after its chunks were overwritten in memory');
      },
    },
    {
      name: 'progress grows and ends at the size',
      async run(c) {
        for (const size of sizes(c)) {
          for (const body of [contentOf(size), streamOf(contentOf(size))]) {
            const steps: number[] = [];
            await c.bucket.put(KEY, body, { onProgress: (bytes) => steps.push(bytes) });
            if (steps.at(-1) !== size) fail(`expected the last progress to be ${size}, got ${steps.at(-1)}`, steps.at(-1), size);
            if (steps.some((bytes, i) => bytes < (steps[i - 1] ?? 0))) fail(`expected progress never to go back; got ${steps.join(', ')}`, steps);
          }
        }
      },
    },
  ],
);

function checksumsOf(content: Uint8Array): Checksums {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(content));
  const digest = (algorithm: string): string => createHash(algorithm).update(content).digest('base64');
  return { crc32: crc.toString('base64'), md5: digest('md5'), sha256: digest('sha256') };
}
