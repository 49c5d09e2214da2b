import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Body, type Capabilities, type Checksums, isStorageError, type ObjectHeaders, sameRevision } from '@stowage/core';
import { expectContent, expectHeaders, expectNothing, unfinishedUploads } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { contentOf, HaltingSource, streamOf, streamThatThrows } from '../content.ts';
import { expectBytes, expectCode, expectCodeOf, expectFailure, expectReason, fail, quoted, settled, told } from '../expectations.ts';
import { lacks, supports, writable } from '../needs.ts';

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
    {
      name: 'keeps content type, cache control, disposition, encoding and language',
      async run({ bucket }) {
        const headers: ObjectHeaders = {
          contentType: 'application/x-conformance; charset="utf-8"',
          cacheControl: 'public, max-age=31536000, immutable',
          contentDisposition: 'attachment; filename="a b.txt"; filename*=UTF-8\'\'a%20b.txt',
          contentEncoding: 'gzip',
          contentLanguage: 'de-AT, en',
        };
        // Not gzip at all: a store must neither decode nor refuse it.
        const content = contentOf(500);
        await bucket.put(KEY, content, headers);
        expectHeaders((await bucket.head(KEY)).headers, headers, 'head');
        const object = await bucket.get(KEY);
        expectHeaders(object.info.headers, headers, 'get');
        expectBytes(await object.bytes(), content, 'content with an encoding');
      },
    },
    {
      name: 'keeps metadata, with names in lower case and inner spaces',
      needs: [supports('metadata', ({ metadata }) => metadata)],
      async run({ bucket }) {
        await bucket.put(KEY, 'x', { metadata: { Plain: 'value', with_spaces: 'a  b   c', number_1: '100%2F=;,"\\' } });
        const expected = { metadata: { plain: 'value', with_spaces: 'a  b   c', number_1: '100%2F=;,"\\' } };
        expectHeaders((await bucket.head(KEY)).headers, expected, 'head');
        const object = await bucket.get(KEY);
        await object[Symbol.asyncDispose]();
        expectHeaders(object.info.headers, expected, 'get');
      },
    },
    ...Object.entries({
      'beyond ASCII': 'grüße 😀 日本',
      'with spaces at its ends': '  padded  ',
      'that is empty': '',
      'with a line feed': 'a\r\nX-Injected: b',
      'that looks encoded': '=?UTF-8?Q?gr=C3=BC=C3=9Fe?=',
      'that looks percent-encoded': 'gr%C3%BC%C3%9Fe',
    }).map(([kind, value]) => ({
      name: `metadata ${kind} is kept as it is or refused, and never mangled`,
      needs: [supports('metadata', ({ metadata }) => metadata)],
      async run({ bucket, capabilities: { metadataLimits } }: CaseContext): Promise<void> {
        const outcome = await settled(bucket.put(KEY, 'x', { metadata: { note: value, other: 'stays' } }));
        const fits = value === '' ? metadataLimits?.emptyValues === true : /^[!-~](?:[ -~]*[!-~])?$/.test(value);
        expectAsTold(metadataLimits, outcome.ok, fits, `metadata ${quoted(value)}`);
        if (outcome.ok) {
          expectHeaders((await bucket.head(KEY)).headers, { metadata: { note: value, other: 'stays' } }, `metadata ${quoted(value)}`);
          return;
        }
        if (!isStorageError(outcome.error, 'InvalidArgument') && !isStorageError(outcome.error, 'Unsupported'))
          fail(`metadata ${quoted(value)}: expected it to be kept, or refused with InvalidArgument or Unsupported; got ${told(outcome.error)}`);
        await expectNothing(bucket, KEY, 'a put whose metadata was refused');
      },
    })),
    // Stores differ in the names that they take: what one refuses must not arrive as another.
    ...['with-dash', '1st', 'class'].map((metadataName) => ({
      name: `the metadata name ${metadataName} is kept as it is or refused, and never changed`,
      needs: [supports('metadata', ({ metadata }) => metadata)],
      async run({ bucket, capabilities: { metadataLimits } }: CaseContext): Promise<void> {
        const metadata = { [metadataName]: 'value', other: 'stays' };
        const outcome = await settled(bucket.put(KEY, 'x', { metadata }));
        expectAsTold(metadataLimits, outcome.ok, metadataLimits?.names === 'token' || /^[a-z]\w*$/.test(metadataName), `the metadata name ${metadataName}`);
        if (outcome.ok) {
          expectHeaders((await bucket.head(KEY)).headers, { metadata }, `the metadata name ${metadataName}`);
          return;
        }
        expectCodeOf(outcome.error, ['InvalidArgument', 'Unsupported'], `the metadata name ${metadataName}`);
        await expectNothing(bucket, KEY, 'a put whose metadata was refused');
      },
    })),
    {
      name: 'metadata names that HTTP cannot carry, and twins that differ by case, are InvalidArgument',
      needs: [supports('metadata', ({ metadata }) => metadata)],
      async run(c) {
        for (const metadata of [{ 'a b': 'x' }, { ä: 'x' }, { '': 'x' }, { 'a:b': 'x' }, { Same: '1', same: '2' }])
          await c.withoutRequest(
            () => expectCode(c.bucket.put(KEY, 'x', { metadata }), 'InvalidArgument', `metadata ${JSON.stringify(metadata)}`),
            `metadata ${JSON.stringify(metadata)}`,
          );
        await expectNothing(c.bucket, KEY, 'a put whose metadata was refused');
      },
    },
    {
      name: 'metadata is refused with Unsupported where the store keeps none',
      needs: [lacks('metadata', ({ metadata }) => metadata === false)],
      async run(c) {
        await expectCode(c.bucket.put(KEY, 'x', { metadata: { a: 'b' } }), 'Unsupported', 'metadata');
        await expectNothing(c.bucket, KEY, 'a put whose metadata was refused');
      },
    },
    {
      name: 'keeps tags',
      needs: [supports('tags', ({ tags }) => tags)],
      async run({ bucket }) {
        const tags = { project: 'cars', 'with space': 'a b+c', state: 'new' };
        await bucket.put(KEY, 'x', { tags });
        expectHeaders((await bucket.head(KEY)).headers, { tags }, 'head');
      },
    },
    {
      name: 'tags are refused with Unsupported where the store keeps none',
      needs: [lacks('tags', ({ tags }) => tags === false)],
      async run(c) {
        await expectCode(c.bucket.put(KEY, 'x', { tags: { a: 'b' } }), 'Unsupported', 'tags');
        await expectNothing(c.bucket, KEY, 'a put whose tags were refused');
      },
    },
    {
      name: 'an overwrite keeps nothing of the old headers and metadata',
      async run(c) {
        const { metadata, tags } = c.capabilities;
        await c.bucket.put(KEY, 'old', {
          contentType: 'text/x-old',
          cacheControl: 'max-age=5',
          contentDisposition: 'inline',
          contentLanguage: 'fr',
          ...(metadata === false ? {} : { metadata: { old: 'yes', both: 'old' } }),
          ...(tags === false ? {} : { tags: { old: 'yes' } }),
        });
        await c.bucket.put(KEY, 'new', { contentType: 'text/x-new', ...(metadata === false ? {} : { metadata: { both: 'new' } }) });
        const { headers } = await c.bucket.head(KEY);
        expectHeaders(headers, { contentType: 'text/x-new', ...(metadata === false ? {} : { metadata: { both: 'new' } }) }, 'the overwritten object');
        for (const name of ['cacheControl', 'contentDisposition', 'contentLanguage'] as const)
          if (headers?.[name] !== undefined) fail(`expected the overwrite to leave no ${name}; got ${quoted(headers[name])}`, headers[name], undefined);
        await c.bucket.put(KEY, 'bare');
        expectHeaders((await c.bucket.head(KEY)).headers, {}, 'the object overwritten without headers');
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
      name: 'keeps a modification time that the writer chooses',
      needs: [supports('lastModified.set', ({ lastModified }) => lastModified.set)],
      async run(c) {
        const { precisionMs } = c.capabilities.lastModified;
        for (const wanted of [new Date('2001-02-03T04:05:06.789Z'), new Date('2019-12-31T23:59:59.999Z'), new Date('1970-01-02T00:00:00.000Z')]) {
          for (const body of ['bytes', streamOf(contentOf(1000))]) {
            await c.bucket.put(KEY, body, { lastModified: wanted });
            const [listed] = (await c.bucket.listPage({ prefix: KEY })).objects;
            for (const [what, got] of [
              ['head', (await c.bucket.head(KEY)).lastModified],
              ['the listing', listed?.lastModified],
            ] as const) {
              if (got === undefined || Math.abs(got.getTime() - wanted.getTime()) > precisionMs)
                fail(`${what}: expected ${wanted.toISOString()} within ${precisionMs} ms, got ${got?.toISOString()}`, got, wanted);
            }
          }
        }
      },
    },
    {
      name: 'a chosen modification time is refused with Unsupported where the store sets its own',
      needs: [lacks('lastModified.set', ({ lastModified }) => lastModified.set === false)],
      async run(c) {
        await expectCode(c.bucket.put(KEY, 'x', { lastModified: new Date(0) }), 'Unsupported', 'lastModified');
        await expectNothing(c.bucket, KEY, 'a put whose lastModified was refused');
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

/** Whoever reads the capability leaves behind what does not fit, and no more. */
function expectAsTold(limits: Capabilities['metadataLimits'], kept: boolean, fits: boolean, what: string): void {
  if (limits !== undefined && kept !== fits)
    fail(`${what}: expected it to be ${fits ? 'kept' : 'refused'}, as capabilities.metadataLimits says; it was ${kept ? 'kept' : 'refused'}`, kept, fits);
}

function checksumsOf(content: Uint8Array): Checksums {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(content));
  const digest = (algorithm: string): string => createHash(algorithm).update(content).digest('base64');
  return { crc32: crc.toString('base64'), md5: digest('md5'), sha256: digest('sha256') };
}
