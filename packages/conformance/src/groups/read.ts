import { type Bucket, type GetOptions, isStorageError, sameRevision, type StoredObject } from '@stowage/core';
import { expectHeaders } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { contentOf, gathered } from '../content.ts';
import { expectBytes, expectCode, fail, settled, told } from '../expectations.ts';
import { fault, seedable, supports, writable } from '../needs.ts';

const KEY = 'read/object.bin';

/** Larger than what stores and sockets hand over at once. */
const LARGE = 3 * 1024 * 1024 + 17;

async function read(bucket: Bucket, o?: GetOptions): Promise<StoredObject> {
  return bucket.get(KEY, o);
}

async function seeded(c: CaseContext, size: number): Promise<Uint8Array> {
  const content = contentOf(size);
  await c.seed(KEY, content);
  return content;
}

export const readCases: readonly ConformanceCase[] = casesOf(
  'read',
  [seedable],
  [
    {
      name: 'reads back the bytes that were written',
      async run(c) {
        for (const size of [0, 1, 1000, 65_536, 65_537, LARGE]) {
          const content = contentOf(size, size + 1);
          await c.seed(KEY, content);
          const object = await read(c.bucket);
          if (object.info.size !== size) fail(`an object of ${size} bytes: expected info.size ${size}, got ${object.info.size}`, object.info.size, size);
          expectBytes(await object.bytes(), content, `an object of ${size} bytes`);
        }
      },
    },
    {
      name: 'gives exactly as many bytes as the range of the answer names',
      async run(c) {
        const content = await seeded(c, LARGE);
        // Read as a plain iteration: nothing here makes up for a body that ends early.
        for (const range of [undefined, { start: 0 }, { start: 5, end: LARGE - 5 }, { suffix: 70_000 }]) {
          const object = await read(c.bucket, { verify: false, ...(range === undefined ? {} : { range }) });
          const announced = object.range.end - object.range.start;
          const outcome = await settled(gathered(object));
          if (!outcome.ok) fail(`range ${JSON.stringify(range)}: expected ${announced} bytes, as announced; the body failed with ${told(outcome.error)}`);
          if (outcome.value.byteLength !== announced)
            fail(
              `range ${JSON.stringify(range)}: the answer announced ${announced} bytes and its body had ${outcome.value.byteLength}`,
              outcome.value.byteLength,
              announced,
            );
          expectBytes(outcome.value, content.subarray(object.range.start, object.range.end), `range ${JSON.stringify(range)}`);
        }
      },
    },
    {
      name: 'head and get tell the same of an object',
      async run(c) {
        await c.seed(KEY, contentOf(1234), { contentType: 'text/x-conformance' });
        const head = await c.bucket.head(KEY);
        const object = await read(c.bucket);
        await object[Symbol.asyncDispose]();
        for (const [what, info] of [
          ['head', head],
          ['get', object.info],
        ] as const) {
          if (info.key !== KEY) fail(`${what}: expected key ${KEY}, got ${info.key}`, info.key, KEY);
          if (info.size !== 1234) fail(`${what}: expected size 1234, got ${info.size}`, info.size, 1234);
          if (!(info.lastModified instanceof Date) || Number.isNaN(info.lastModified.getTime()))
            fail(`${what}: expected lastModified to be a valid Date, got ${String(info.lastModified)}`);
          expectHeaders(info.headers, { contentType: 'text/x-conformance' }, what);
        }
        if (!sameRevision(head.revision, object.info.revision))
          fail(`expected head and get to name one revision; got ${JSON.stringify(head.revision)} and ${JSON.stringify(object.info.revision)}`);
        if (head.lastModified.getTime() !== object.info.lastModified.getTime())
          fail(`expected head and get to name one time; got ${head.lastModified.toISOString()} and ${object.info.lastModified.toISOString()}`);
      },
    },
    {
      name: 'head tells the size of the object as it is now',
      needs: [writable],
      async run({ bucket }) {
        for (const size of [100, 7, 5000]) {
          await bucket.put(KEY, contentOf(size));
          const { size: got } = await bucket.head(KEY);
          if (got !== size) fail(`after a write of ${size} bytes: expected head to tell size ${size}, got ${got}`, got, size);
        }
      },
    },
    {
      name: 'a missing object is NotFound for head and get, and does not exist',
      async run(c) {
        await c.seed(`${KEY}.neighbour`, contentOf(3));
        await expectCode(c.bucket.head(KEY), 'NotFound', 'head of a missing key');
        await expectCode(c.bucket.get(KEY), 'NotFound', 'get of a missing key');
        await expectCode(c.bucket.get(KEY, { range: { start: 1, end: 2 } }), 'NotFound', 'ranged get of a missing key');
        await expectCode(c.bucket.getRanges(KEY, [{ start: 1, end: 2 }]), 'NotFound', 'getRanges of a missing key');
        if (await c.bucket.exists(KEY)) fail('expected exists() to be false for a missing key');
        if (!(await c.bucket.exists(`${KEY}.neighbour`))) fail('expected exists() to be true for a key that is there');
      },
    },
    {
      name: 'a range holds the byte at its start and not the byte at its end',
      async run(c) {
        const content = await seeded(c, 100_000);
        for (const [start, end] of [
          [0, 1],
          [1, 2],
          [0, 100_000],
          [99_999, 100_000],
          [65_535, 65_537],
          [10, 70_000],
        ] as const) {
          const object = await read(c.bucket, { range: { start, end } });
          if (object.range.start !== start || object.range.end !== end)
            fail(`range ${start}-${end}: the answer says ${object.range.start}-${object.range.end}`, object.range, { start, end });
          if (object.info.size !== 100_000)
            fail(`range ${start}-${end}: expected info.size to be the whole object's 100000, got ${object.info.size}`, object.info.size, 100_000);
          expectBytes(await object.bytes(), content.subarray(start, end), `range ${start}-${end}`);
        }
      },
    },
    {
      name: 'a range without an end goes to the end of the object',
      async run(c) {
        const content = await seeded(c, 1000);
        for (const start of [0, 1, 999]) expectBytes(await (await read(c.bucket, { range: { start } })).bytes(), content.subarray(start), `range ${start}-`);
      },
    },
    {
      name: 'a range end past the end of the object is clamped',
      async run(c) {
        const content = await seeded(c, 1000);
        for (const end of [1000, 1001, 1_000_000, Number.MAX_SAFE_INTEGER]) {
          const object = await read(c.bucket, { range: { start: 990, end } });
          if (object.range.end !== 1000)
            fail(`range 990-${end} of 1000 bytes: expected the answer to end at 1000, got ${object.range.end}`, object.range.end, 1000);
          expectBytes(await object.bytes(), content.subarray(990), `range 990-${end}`);
        }
      },
    },
    {
      name: 'a range that starts at or past the end is InvalidRange',
      async run(c) {
        await seeded(c, 1000);
        for (const start of [1000, 1001, 1_000_000]) {
          await expectCode(read(c.bucket, { range: { start } }), 'InvalidRange', `range ${start}- of 1000 bytes`);
          await expectCode(read(c.bucket, { range: { start, end: start + 10 } }), 'InvalidRange', `range ${start}-${start + 10} of 1000 bytes`);
        }
      },
    },
    {
      name: 'a suffix gives the last bytes, and all of them where it is longer than the object',
      async run(c) {
        const content = await seeded(c, 1000);
        for (const suffix of [1, 2, 999, 1000, 1001, 1_000_000]) {
          const object = await read(c.bucket, { range: { suffix } });
          const start = Math.max(0, 1000 - suffix);
          if (object.range.start !== start || object.range.end !== 1000)
            fail(`the last ${suffix} of 1000 bytes: expected the answer to say ${start}-1000, got ${object.range.start}-${object.range.end}`, object.range, {
              start,
              end: 1000,
            });
          expectBytes(await object.bytes(), content.subarray(start), `the last ${suffix} bytes`);
        }
      },
    },
    {
      name: 'a suffix of 0 bytes is InvalidRange, before any request',
      async run(c) {
        await seeded(c, 10);
        await c.withoutRequest(() => expectCode(read(c.bucket, { range: { suffix: 0 } }), 'InvalidRange', 'a suffix of 0'), 'a suffix of 0');
      },
    },
    {
      name: 'every range of an empty object is InvalidRange, and a whole read gives no bytes',
      async run(c) {
        await seeded(c, 0);
        expectBytes(await (await read(c.bucket)).bytes(), new Uint8Array(), 'the empty object');
        for (const range of [{ start: 0 }, { start: 0, end: 1 }, { suffix: 1 }])
          await expectCode(read(c.bucket, { range }), 'InvalidRange', `range ${JSON.stringify(range)} of an empty object`);
      },
    },
    {
      name: 'ill-formed ranges are InvalidArgument, before any request',
      async run(c) {
        await seeded(c, 10);
        for (const range of [
          { start: -1 },
          { start: 1.5 },
          { start: 3, end: 3 },
          { start: 3, end: 2 },
          { start: Number.NaN },
          { start: 0, end: 2 ** 60 },
          { suffix: -1 },
          { suffix: 0.5 },
        ])
          await c.withoutRequest(
            () => expectCode(read(c.bucket, { range }), 'InvalidArgument', `range ${JSON.stringify(range)}`),
            `range ${JSON.stringify(range)}`,
          );
      },
    },
    {
      name: 'many ranges of one object, overlapping and apart, come in the order asked',
      async run(c) {
        const content = await seeded(c, 500_000);
        const ranges = [
          { start: 400_000, end: 400_010 },
          { start: 0, end: 20 },
          { start: 10, end: 30 },
          { start: 10, end: 30 },
          { suffix: 5 },
          { start: 499_990 },
          { start: 200_000, end: 300_000 },
          { start: 250_000, end: 250_001 },
        ];
        for (const coalesceGap of [0, 100, 1_000_000]) {
          const got = await c.bucket.getRanges(KEY, ranges, { coalesceGap });
          if (got.length !== ranges.length) fail(`coalesceGap ${coalesceGap}: expected ${ranges.length} results, got ${got.length}`, got.length, ranges.length);
          for (const [i, range] of ranges.entries()) {
            const start = 'suffix' in range ? content.byteLength - range.suffix : range.start;
            const end = 'suffix' in range ? content.byteLength : (range.end ?? content.byteLength);
            expectBytes(got[i] ?? new Uint8Array(), content.subarray(start, end), `coalesceGap ${coalesceGap}, range ${i} (${JSON.stringify(range)})`);
          }
        }
        if ((await c.bucket.getRanges(KEY, [])).length !== 0) fail('expected no ranges to give no results');
      },
    },
    {
      name: 'ifMatch reads the named revision and refuses another with PreconditionFailed',
      needs: [writable],
      async run({ bucket }) {
        const old = await bucket.put(KEY, 'first');
        const now = await bucket.put(KEY, 'second');
        if ((await (await read(bucket, { ifMatch: now.revision })).text()) !== 'second') fail('expected a read of the current revision to give its content');
        await bucket.head(KEY, { ifMatch: now.revision });
        await expectCode(read(bucket, { ifMatch: old.revision }), 'PreconditionFailed', 'get with a stale ifMatch');
        await expectCode(bucket.head(KEY, { ifMatch: old.revision }), 'PreconditionFailed', 'head with a stale ifMatch');
        await expectCode(read(bucket, { ifMatch: old.revision, range: { start: 0, end: 2 } }), 'PreconditionFailed', 'ranged get with a stale ifMatch');
      },
    },
    {
      name: 'ifNoneMatch is NotModified for the named revision and reads another',
      needs: [writable],
      async run({ bucket }) {
        const old = await bucket.put(KEY, 'first');
        const now = await bucket.put(KEY, 'second');
        await expectCode(read(bucket, { ifNoneMatch: now.revision }), 'NotModified', 'get with ifNoneMatch of the current revision');
        await expectCode(bucket.head(KEY, { ifNoneMatch: now.revision }), 'NotModified', 'head with ifNoneMatch of the current revision');
        await bucket.head(KEY, { ifNoneMatch: old.revision });
        if ((await (await read(bucket, { ifNoneMatch: old.revision })).text()) !== 'second')
          fail('expected a read with another revision in ifNoneMatch to give the content');
      },
    },
    {
      name: 'reads conditional on time compare with the modification time',
      async run(c) {
        await seeded(c, 10);
        const { lastModified } = await c.bucket.head(KEY);
        const before = new Date(lastModified.getTime() - 3_600_000);
        await c.bucket.head(KEY, { ifModifiedSince: before });
        await c.bucket.head(KEY, { ifUnmodifiedSince: lastModified });
        await expectCode(c.bucket.head(KEY, { ifModifiedSince: lastModified }), 'NotModified', 'head with ifModifiedSince of its own time');
        await expectCode(read(c.bucket, { ifModifiedSince: lastModified }), 'NotModified', 'get with ifModifiedSince of its own time');
        await expectCode(c.bucket.head(KEY, { ifUnmodifiedSince: before }), 'PreconditionFailed', 'head with ifUnmodifiedSince of an hour before');
        await expectCode(read(c.bucket, { ifUnmodifiedSince: before }), 'PreconditionFailed', 'get with ifUnmodifiedSince of an hour before');
      },
    },
    {
      name: 'a thousand abandoned reads leave room for the next',
      async run(c) {
        const content = await seeded(c, 200_000);
        for (let i = 0; i < 1000; i++) {
          await c.within(abandon(c.bucket, i), `abandoned read ${i + 1} of 1000 (do bodies that nobody reads hold their connections?)`);
        }
        const last = await c.within(read(c.bucket), 'the read after 1000 abandoned ones');
        expectBytes(await c.within(last.bytes(), 'the body after 1000 abandoned ones'), content, 'the read after 1000 abandoned ones');
      },
    },
    {
      name: 'closing an object that was opened is idempotent and never fails',
      async run(c) {
        const content = await seeded(c, 200_000);
        const object = await read(c.bucket);
        expectBytes(await object.bytes(), content, 'the content');
        const driverObject = await c.bucket.driver.get(KEY, {});
        const dispose = (): PromiseLike<void> => object[Symbol.asyncDispose]();
        const close = (): Promise<void> => driverObject.close();
        for (const closing of [dispose, dispose, close, close]) {
          const outcome = await settled(closing());
          if (!outcome.ok) fail(`expected closing to succeed; got ${told(outcome.error)}`);
        }
      },
    },
    ...[false, true].map((silent) => ({
      name: `a body that ${silent ? 'ends early without an error' : 'breaks off half-way'} is resumed or fails, and is never short`,
      needs: [fault('breakBody')],
      async run(c: CaseContext): Promise<void> {
        const content = await seeded(c, LARGE);
        for (const afterBytes of [0, 1, 65_536, LARGE - 1]) {
          const what = `a body that ends after ${afterBytes} of ${LARGE} bytes`;
          const bucket = await c.breakingBody({ afterBytes, silent });
          const outcome = await settled(c.within((async () => gathered(await bucket.get(KEY, { verify: false })))(), what));
          expectWholeOrFailed(outcome, [content], what);
        }
      },
    })),
    {
      name: 'a body that breaks off while the object is replaced never mixes two contents',
      needs: [writable, fault('breakBody')],
      async run(c) {
        const content = await seeded(c, LARGE);
        const bucket = await c.breakingBody({ afterBytes: 100_000, silent: false });
        const object = await bucket.get(KEY, { verify: false });
        const other = contentOf(LARGE, 2);
        await c.bucket.put(KEY, other);
        expectWholeOrFailed(await settled(c.within(gathered(object), 'the broken body')), [content], 'the broken body of the old revision');
      },
    },
    {
      name: 'an object that is replaced while it is read gives one content whole, or fails',
      needs: [writable],
      async run(c) {
        const content = await seeded(c, LARGE);
        const object = await read(c.bucket, { verify: false });
        await c.bucket.put(KEY, contentOf(LARGE, 2));
        expectWholeOrFailed(await settled(c.within(gathered(object), 'the replaced object')), [content], 'the replaced object, opened before');
      },
    },
    {
      name: 'an object that is deleted while it is read gives its content whole, or fails',
      needs: [writable],
      async run(c) {
        const content = await seeded(c, LARGE);
        const object = await read(c.bucket, { verify: false });
        await c.bucket.delete(KEY);
        expectWholeOrFailed(await settled(c.within(gathered(object), 'the deleted object')), [content], 'the deleted object, opened before');
      },
    },
    {
      name: 'several readers of one object do not disturb each other',
      async run(c) {
        const content = await seeded(c, LARGE);
        const reads = Array.from({ length: 8 }, async (_, i) => ({ i, bytes: await (await read(c.bucket, { range: { start: i * 1000 } })).bytes() }));
        for (const { i, bytes } of await Promise.all(reads)) expectBytes(bytes, content.subarray(i * 1000), `reader ${i} of 8`);
      },
    },
    {
      name: "chunks are the reader's own: changing them changes nothing else",
      async run(c) {
        const content = await seeded(c, 300_000);
        const kept: Uint8Array[] = [];
        const object = await read(c.bucket, { verify: false });
        for await (const chunk of object) {
          kept.push(Uint8Array.from(chunk));
          chunk.fill(0xee);
        }
        expectBytes(Buffer.concat(kept), content, 'the chunks, copied as they came and overwritten after');
        expectBytes(await (await read(c.bucket)).bytes(), content, 'the object after a reader wrote into its chunks');
      },
    },
    {
      name: 'a chunk that was given stays as it was while the next ones come',
      async run(c) {
        const content = await seeded(c, LARGE);
        expectBytes(await gathered(await read(c.bucket, { verify: false })), content, 'the chunks, kept to the end and then put together');
      },
    },
    {
      name: "content that is put into the reader's memory lies there in order, and nothing beside it",
      async run(c) {
        const content = await seeded(c, LARGE);
        for (const [range, start, end] of [
          [undefined, 0, LARGE],
          [{ start: 70_001, end: LARGE - 5 }, 70_001, LARGE - 5],
          [{ start: 5, end: 10 }, 5, 10],
        ] as const) {
          const what = `range ${JSON.stringify(range)} into memory`;
          const around = new Uint8Array(LARGE + 300).fill(0xee);
          const into = around.subarray(100, 100 + LARGE + 100);
          const object = await read(c.bucket, { into, ...(range === undefined ? {} : { range }) });
          const length = end - start;
          const got = new Uint8Array(length);
          let at = 0;
          for await (const chunk of object) {
            if (at + chunk.byteLength > length) fail(`${what}: expected ${length} bytes, got more`);
            got.set(chunk, at);
            // A chunk is a view of that memory, at its place, or has nothing to do with it.
            if (chunk.buffer === around.buffer && chunk.byteOffset !== into.byteOffset + at)
              fail(`${what}: the chunk for byte ${at} lies at byte ${chunk.byteOffset - into.byteOffset}`, chunk.byteOffset - into.byteOffset, at);
            at += chunk.byteLength;
          }
          expectBytes(got, content.subarray(start, end), what);
          const used = into.subarray(0, length);
          if (used.some((byte) => byte !== 0xee)) expectBytes(used, content.subarray(start, end), `${what}: the memory itself`);
          for (const [i, byte] of around.entries())
            if (byte !== 0xee && (i < 100 || i >= 100 + length)) fail(`${what}: byte ${i - 100} of the memory was written to, beside the content`);
        }
        const whole = new Uint8Array(LARGE + 5).fill(0xee);
        const bytes = await (await read(c.bucket, { into: whole })).bytes();
        expectBytes(bytes, content, 'bytes() into memory');
        if (bytes.buffer !== whole.buffer || bytes.byteOffset !== 0 || whole.subarray(LARGE).some((byte) => byte !== 0xee))
          fail('bytes(): not the memory that was given, from its start, and nothing behind');
        const small = new Uint8Array(10).fill(0xee);
        expectBytes(await (await read(c.bucket, { into: small })).bytes(), content, 'content that does not fit into the memory given for it');
      },
    },
    {
      name: 'content reads the same as bytes, text, JSON, Node stream and web stream',
      async run(c) {
        const text = JSON.stringify({ greeting: 'grüß dich 😀', list: Array.from({ length: 5000 }, (_, i) => i) });
        await c.seed(KEY, Buffer.from(text));
        if ((await (await read(c.bucket)).text()) !== text) fail('text(): not the text that was written');
        if (JSON.stringify(await (await read(c.bucket)).json()) !== text) fail('json(): not the value that was written');
        const node: Uint8Array[] = [];
        for await (const chunk of (await read(c.bucket)).toNode()) node.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
        expectBytes(Buffer.concat(node), Buffer.from(text), 'toNode()');
        expectBytes(new Uint8Array(await new Response((await read(c.bucket)).toWeb()).arrayBuffer()), Buffer.from(text), 'toWeb()');
      },
    },
    {
      name: 'content is read once: a second reading and more than maxBytes are InvalidArgument',
      async run(c) {
        await seeded(c, 1000);
        const object = await read(c.bucket);
        await object.bytes(1000);
        await expectCode(object.bytes(), 'InvalidArgument', 'a second reading of one object');
        await expectCode((await read(c.bucket)).bytes(999), 'InvalidArgument', '1000 bytes with maxBytes 999');
      },
    },
    {
      name: 'an older version is read by its name',
      needs: [writable, supports('versions', ({ versions }) => versions)],
      async run({ bucket }) {
        const { revision } = await bucket.put(KEY, 'first');
        await bucket.put(KEY, 'second');
        if (revision.version === undefined) fail('expected a put to tell its version where capabilities.versions says that the store keeps them');
        if ((await (await read(bucket, { version: revision.version })).text()) !== 'first') fail('expected the older version to give its content');
        if ((await (await read(bucket)).text()) !== 'second') fail('expected a read without a version to give the current content');
      },
    },
    {
      name: 'a version is refused with Unsupported where the store keeps none',
      needs: [({ versions }) => versions === false || 'the store has capabilities.versions'],
      async run(c) {
        await seeded(c, 10);
        await expectCode(read(c.bucket, { version: 'v1' }), 'Unsupported', 'get of a version');
        await expectCode(c.bucket.head(KEY, { version: 'v1' }), 'Unsupported', 'head of a version');
      },
    },
  ],
);

/** Opens the object and walks away: unread, after one chunk, or in the middle of a loop. */
async function abandon(bucket: Bucket, turn: number): Promise<void> {
  const object = await read(bucket);
  if (turn % 3 === 1) {
    for await (const chunk of object) if (chunk.byteLength > 0) break;
  } else if (turn % 3 === 2) {
    const iterator = object[Symbol.asyncIterator]();
    await iterator.next();
  }
  await object[Symbol.asyncDispose]();
}

function expectWholeOrFailed(outcome: Awaited<ReturnType<typeof settled<Uint8Array>>>, whole: readonly Uint8Array[], what: string): void {
  if (outcome.ok) {
    if (whole.some((content) => Buffer.compare(content, outcome.value) === 0)) return;
    expectBytes(outcome.value, whole[0] ?? new Uint8Array(), `${what}: expected all of it or a failure`);
  } else if (!isStorageError(outcome.error)) {
    fail(`${what}: expected all of it or a StorageError; got ${told(outcome.error)}`);
  }
}
