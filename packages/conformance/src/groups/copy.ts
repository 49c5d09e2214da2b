import { type Bucket, type CopyItem, type ObjectHeaders, sameRevision } from '@stowage/core';
import { expectContent, expectHeaders, expectNothing } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase, type Need } from '../conformance-case.ts';
import { contentOf } from '../content.ts';
import { expectCode, expectCodeOf, expectNames, fail, quoted, settled } from '../expectations.ts';
import { copies, hook, lacks, supports, writable } from '../needs.ts';

const FROM = 'copy/source.bin';
const TO = 'copy/target.bin';
const copyIf = supports('copyIf', ({ copyIf: of }) => of);
const setHeaders = supports('setHeaders', ({ setHeaders: of }) => of);
const acrossBuckets: Need = ({ copy }) => copy === 'account' || `capabilities.copy is ${copy}`;

/** Every header that the store keeps. */
function fullHeaders({ capabilities }: CaseContext, mark: string): ObjectHeaders {
  return {
    contentType: `text/x-${mark}`,
    cacheControl: `max-age=${mark.length}`,
    contentDisposition: `attachment; filename="${mark}"`,
    contentLanguage: 'de',
    ...(capabilities.metadata === false ? {} : { metadata: { mark, [`only_${mark}`]: 'yes' } }),
    ...(capabilities.tags === false ? {} : { tags: { mark } }),
  };
}

async function expectObject(bucket: Bucket, key: string, content: Uint8Array, headers: ObjectHeaders, what: string): Promise<void> {
  await expectContent(bucket, key, content, what);
  const got = (await bucket.head(key)).headers;
  expectHeaders(got, headers, what);
  for (const name of ['cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage'] as const)
    if (headers[name] === undefined && got?.[name] !== undefined) fail(`${what}: expected no ${name}, got ${quoted(got[name])}`, got[name], undefined);
}

export const copyCases: readonly ConformanceCase[] = casesOf(
  'copy',
  [writable],
  [
    {
      name: 'a copy has the content and all headers of its source, which stays',
      needs: [copies],
      async run(c) {
        const content = contentOf(300_000);
        const headers = fullHeaders(c, 'source');
        await c.bucket.put(FROM, content, headers);
        const info = await c.bucket.copy(FROM, TO);
        if (info.key !== TO || info.size !== content.byteLength)
          fail(`expected copy to tell ${TO} and ${content.byteLength} bytes; got ${info.key} and ${info.size}`, info);
        expectHeaders(info.headers, headers, 'the answer of copy');
        const head = await c.bucket.head(TO);
        if (!sameRevision(head.revision, info.revision))
          fail(`expected copy and head to name one revision; got ${JSON.stringify(info.revision)} and ${JSON.stringify(head.revision)}`);
        await expectObject(c.bucket, TO, content, headers, 'the copy');
        await expectObject(c.bucket, FROM, content, headers, 'the source');
      },
    },
    {
      name: 'headers given to a copy replace all of the source',
      needs: [copies],
      async run(c) {
        const content = contentOf(1000);
        await c.bucket.put(FROM, content, fullHeaders(c, 'source'));
        await c.bucket.copy(FROM, TO, { headers: { contentType: 'text/x-other' } });
        await expectObject(c.bucket, TO, content, { contentType: 'text/x-other' }, 'the copy with headers of its own');
        await expectObject(c.bucket, FROM, content, fullHeaders(c, 'source'), 'the source');
      },
    },
    {
      name: 'a copy onto an object keeps nothing of that',
      needs: [copies],
      async run(c) {
        await c.bucket.put(TO, contentOf(5000, 2), fullHeaders(c, 'old'));
        await c.bucket.put(FROM, contentOf(1000), { contentType: 'text/x-source' });
        await c.bucket.copy(FROM, TO);
        await expectObject(c.bucket, TO, contentOf(1000), { contentType: 'text/x-source' }, 'the copy');
      },
    },
    {
      name: 'copies an empty object',
      needs: [copies],
      async run({ bucket }) {
        await bucket.put(FROM, '', { contentType: 'text/x-empty' });
        await bucket.copy(FROM, TO);
        await expectObject(bucket, TO, new Uint8Array(), { contentType: 'text/x-empty' }, 'the copy');
      },
    },
    {
      name: 'a copy and its source are two objects: writing one leaves the other',
      needs: [copies],
      async run({ bucket }) {
        await bucket.put(FROM, 'content');
        await bucket.copy(FROM, TO);
        await bucket.put(FROM, 'changed');
        await expectContent(bucket, TO, Buffer.from('content'), 'the copy after its source was changed');
        await bucket.put(TO, 'changed, too');
        await expectContent(bucket, FROM, Buffer.from('changed'), 'the source after its copy was changed');
        await bucket.delete(FROM);
        await expectContent(bucket, TO, Buffer.from('changed, too'), 'the copy after its source was deleted');
      },
    },
    {
      name: 'a copy onto itself loses nothing, and takes new headers',
      needs: [copies],
      async run(c) {
        const content = contentOf(100_000);
        await c.bucket.put(FROM, content, fullHeaders(c, 'source'));
        const outcome = await settled(c.bucket.copy(FROM, FROM));
        // S3 refuses a copy onto itself that changes nothing.
        if (!outcome.ok) expectCodeOf(outcome.error, 'InvalidArgument', 'a copy onto itself');
        await expectObject(c.bucket, FROM, content, fullHeaders(c, 'source'), 'the object copied onto itself');
        await c.bucket.copy(FROM, FROM, { headers: { contentType: 'text/x-new' } });
        await expectObject(c.bucket, FROM, content, { contentType: 'text/x-new' }, 'the object copied onto itself with new headers');
      },
    },
    {
      name: 'a missing source is NotFound and leaves the destination',
      needs: [copies],
      async run({ bucket }) {
        await expectCode(bucket.copy(FROM, TO), 'NotFound', 'a copy of a missing key');
        await expectNothing(bucket, TO, 'a copy of a missing key');
        await bucket.put(TO, 'old', { contentType: 'text/x-old' });
        await expectCode(bucket.copy(FROM, TO), 'NotFound', 'a copy of a missing key');
        await expectObject(bucket, TO, Buffer.from('old'), { contentType: 'text/x-old' }, 'the destination');
      },
    },
    {
      name: 'sourceIf copies the named revision and no other',
      needs: [copies, copyIf],
      async run({ bucket }) {
        const old = await bucket.put(FROM, 'first');
        const now = await bucket.put(FROM, 'second');
        await expectCode(bucket.copy(FROM, TO, { sourceIf: old.revision }), 'PreconditionFailed', 'a copy of a revision that is gone');
        await expectNothing(bucket, TO, 'the refused copy');
        await bucket.copy(FROM, TO, { sourceIf: now.revision });
        await expectContent(bucket, TO, Buffer.from('second'), 'the copy of the named revision');
      },
    },
    {
      name: 'if: absent copies once, and is AlreadyExists onto an object',
      needs: [copies, copyIf, supports('put.absent', ({ put }) => put.absent)],
      async run({ bucket }) {
        await bucket.put(FROM, 'source');
        await bucket.copy(FROM, TO, { if: 'absent' });
        await bucket.put(FROM, 'changed');
        await expectCode(bucket.copy(FROM, TO, { if: 'absent' }), 'AlreadyExists', 'a copy with if: absent onto an object');
        await expectContent(bucket, TO, Buffer.from('source'), 'the destination');
      },
    },
    {
      name: 'if with a revision copies onto that, and onto no other',
      needs: [copies, copyIf, supports('put.match', ({ put }) => put.match)],
      async run({ bucket }) {
        await bucket.put(FROM, 'source');
        const old = await bucket.put(TO, 'old');
        const now = await bucket.put(TO, 'now');
        await expectCode(bucket.copy(FROM, TO, { if: old.revision }), 'PreconditionFailed', 'a copy onto a revision that is gone');
        await expectContent(bucket, TO, Buffer.from('now'), 'the destination');
        await bucket.copy(FROM, TO, { if: now.revision });
        await expectContent(bucket, TO, Buffer.from('source'), 'the destination');
      },
    },
    {
      name: 'conditions of a copy are refused with Unsupported where the store cannot keep them',
      needs: [copies, lacks('copyIf', ({ copyIf: of }) => of === false)],
      async run({ bucket }) {
        const { revision } = await bucket.put(FROM, 'source');
        await expectCode(bucket.copy(FROM, TO, { sourceIf: revision }), 'Unsupported', 'sourceIf');
        await expectNothing(bucket, TO, 'the refused copy');
      },
    },
    {
      name: 'a copy keeps a modification time that the writer chooses',
      needs: [copies, supports('lastModified.set', ({ lastModified }) => lastModified.set)],
      async run(c) {
        const lastModified = new Date('2005-06-07T08:09:10.111Z');
        await c.bucket.put(FROM, 'source');
        await c.bucket.copy(FROM, TO, { lastModified });
        const got = (await c.bucket.head(TO)).lastModified;
        if (Math.abs(got.getTime() - lastModified.getTime()) > c.capabilities.lastModified.precisionMs)
          fail(`expected ${lastModified.toISOString()}, got ${got.toISOString()}`, got, lastModified);
      },
    },
    {
      name: 'copyMany gives one outcome per item, in order, and one failure stops no other',
      needs: [copies],
      async run({ bucket }) {
        const count = 25;
        for (let i = 0; i < count; i++) if (i % 5 !== 3) await bucket.put(`from/${i}`, `content ${i}`);
        const items: CopyItem[] = Array.from({ length: count }, (_, i) => ({ from: bucket.driver.copySource(`from/${i}`), to: `to/${count - i}` }));
        const outcomes = await bucket.copyMany(items);
        expectNames(
          outcomes.map(({ key }) => key),
          items.map(({ to }) => to),
          'the keys of the outcomes',
        );
        for (const [i, outcome] of outcomes.entries()) {
          if (i % 5 === 3) {
            if (outcome.ok || outcome.error.code !== 'NotFound') fail(`item ${i}, whose source is missing: expected NotFound`, outcome);
            await expectNothing(bucket, `to/${count - i}`, `item ${i}, whose source is missing`);
            continue;
          }
          if (!outcome.ok) fail(`item ${i}: expected ok, got ${outcome.error.code} (${outcome.error.message})`);
          if (outcome.info.key !== `to/${count - i}`) fail(`item ${i}: expected its info to name to/${count - i}, got ${outcome.info.key}`);
          await expectContent(bucket, `to/${count - i}`, Buffer.from(`content ${i}`), `item ${i}`);
        }
        if ((await bucket.copyMany([])).length !== 0) fail('expected no items to give no outcomes');
      },
    },
    {
      name: 'copies across buckets, with content and headers',
      needs: [copies, hook('makeSecondBucket'), acrossBuckets],
      async run(c) {
        const second = await c.secondBucket();
        if (!c.bucket.canCopyFrom(second)) fail('expected canCopyFrom to be true of a second bucket where capabilities.copy is account');
        const headers = fullHeaders(c, 'source');
        await second.put(FROM, contentOf(70_000), headers);
        await c.bucket.put(FROM, 'another object of that name');
        await c.bucket.copy({ bucket: second, key: FROM }, TO);
        await expectObject(c.bucket, TO, contentOf(70_000), headers, 'the copy from the second bucket');
        await expectContent(c.bucket, FROM, Buffer.from('another object of that name'), 'the object of that name here');
        await expectNothing(second, TO, 'the second bucket');
        await expectCode(c.bucket.copy({ bucket: second, key: 'copy/missing' }, TO), 'NotFound', 'a missing source in the second bucket');
      },
    },
    {
      name: 'a copy that the store cannot make by itself is Unsupported, and changes nothing',
      needs: [hook('makeSecondBucket'), lacks('copy: account', ({ copy }) => copy !== 'account')],
      async run(c) {
        const second = await c.secondBucket();
        if (c.bucket.canCopyFrom(second)) fail(`expected canCopyFrom to be false of a second bucket where capabilities.copy is ${c.capabilities.copy}`);
        await second.put(FROM, 'x');
        await expectCode(c.bucket.copy({ bucket: second, key: FROM }, TO), 'Unsupported', 'a copy from a second bucket');
        await expectNothing(c.bucket, TO, 'the refused copy');
      },
    },
    {
      name: 'a move leaves the object at the new key alone, with its headers',
      needs: [copies],
      async run(c) {
        const headers = fullHeaders(c, 'moved');
        await c.bucket.put(FROM, contentOf(5000), headers);
        const info = await c.bucket.move(FROM, TO);
        if (info.key !== TO) fail(`expected move to tell ${TO}, got ${info.key}`);
        await expectObject(c.bucket, TO, contentOf(5000), headers, 'the moved object');
        await expectNothing(c.bucket, FROM, 'the old place');
      },
    },
    {
      name: 'a move of a missing object is NotFound and leaves the destination',
      needs: [copies],
      async run({ bucket }) {
        await bucket.put(TO, 'old');
        await expectCode(bucket.move(FROM, TO), 'NotFound', 'a move of a missing key');
        await expectContent(bucket, TO, Buffer.from('old'), 'the destination');
      },
    },
    {
      name: 'a move onto itself does not lose the object',
      needs: [copies],
      async run({ bucket }) {
        await bucket.put(FROM, 'precious');
        const outcome = await settled(bucket.move(FROM, FROM));
        if (!outcome.ok) expectCodeOf(outcome.error, 'InvalidArgument', 'a move onto itself');
        await expectContent(bucket, FROM, Buffer.from('precious'), 'the object moved onto itself');
      },
    },
    {
      name: 'a move that is refused at the destination keeps the source',
      needs: [copies, copyIf, supports('put.absent', ({ put }) => put.absent)],
      async run({ bucket }) {
        await bucket.put(FROM, 'source');
        await bucket.put(TO, 'held');
        await expectCode(bucket.move(FROM, TO, { if: 'absent' }), 'AlreadyExists', 'a move with if: absent onto an object');
        await expectContent(bucket, FROM, Buffer.from('source'), 'the source');
        await expectContent(bucket, TO, Buffer.from('held'), 'the destination');
      },
    },
    {
      name: 'setHeaders replaces all headers and keeps the content',
      needs: [setHeaders],
      async run(c) {
        const content = contentOf(100_000);
        await c.bucket.put(FROM, content, fullHeaders(c, 'old'));
        const info = await c.bucket.setHeaders(FROM, {
          contentType: 'text/x-new',
          ...(c.capabilities.metadata === false ? {} : { metadata: { New: 'a  b' } }),
        });
        const expected: ObjectHeaders = { contentType: 'text/x-new', ...(c.capabilities.metadata === false ? {} : { metadata: { new: 'a  b' } }) };
        expectHeaders(info.headers, expected, 'the answer of setHeaders');
        if (info.size !== content.byteLength) fail(`expected setHeaders to tell ${content.byteLength} bytes, got ${info.size}`, info.size, content.byteLength);
        await expectObject(c.bucket, FROM, content, expected, 'the object with new headers');
      },
    },
    {
      name: 'setHeaders keeps a modification time that a writer chose',
      needs: [setHeaders, supports('lastModified.set', ({ lastModified }) => lastModified.set)],
      async run(c) {
        const lastModified = new Date('2007-08-09T10:11:12.000Z');
        await c.bucket.put(FROM, 'content', { lastModified });
        await c.bucket.setHeaders(FROM, { contentType: 'text/x-new' });
        const got = (await c.bucket.head(FROM)).lastModified;
        if (Math.abs(got.getTime() - lastModified.getTime()) > c.capabilities.lastModified.precisionMs)
          fail(`expected ${lastModified.toISOString()}, got ${got.toISOString()}`, got, lastModified);
      },
    },
    {
      name: 'setHeaders of a missing object is NotFound, and makes none',
      needs: [setHeaders],
      async run({ bucket }) {
        await expectCode(bucket.setHeaders(FROM, { contentType: 'text/plain' }), 'NotFound', 'setHeaders of a missing key');
        await expectNothing(bucket, FROM, 'setHeaders of a missing key');
      },
    },
    {
      name: 'setHeaders with a stale revision is PreconditionFailed and changes nothing',
      needs: [setHeaders, supports('put.match', ({ put }) => put.match)],
      async run({ bucket }) {
        const old = await bucket.put(FROM, 'first');
        const now = await bucket.put(FROM, 'second', { contentType: 'text/x-second' });
        await expectCode(
          bucket.setHeaders(FROM, { contentType: 'text/x-late' }, { if: old.revision }),
          'PreconditionFailed',
          'setHeaders with a stale revision',
        );
        await expectObject(bucket, FROM, Buffer.from('second'), { contentType: 'text/x-second' }, 'the object');
        await bucket.setHeaders(FROM, { contentType: 'text/x-third' }, { if: now.revision });
        await expectObject(bucket, FROM, Buffer.from('second'), { contentType: 'text/x-third' }, 'the object');
      },
    },
    {
      name: 'setHeaders is refused with Unsupported where the store has none',
      needs: [lacks('setHeaders', ({ setHeaders: of }) => of === false)],
      async run({ bucket }) {
        await bucket.put(FROM, 'content', { contentType: 'text/x-old' });
        await expectCode(bucket.setHeaders(FROM, { contentType: 'text/x-new' }), 'Unsupported', 'setHeaders');
        await expectObject(bucket, FROM, Buffer.from('content'), { contentType: 'text/x-old' }, 'the object');
      },
    },
  ],
);
