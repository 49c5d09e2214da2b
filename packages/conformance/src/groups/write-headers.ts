import { type Capabilities, isStorageError, type ObjectHeaders } from '@stowage/core';
import { expectHeaders, expectNothing } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { contentOf, streamOf } from '../content.ts';
import { expectBytes, expectCode, expectCodeOf, fail, quoted, settled, told } from '../expectations.ts';
import { lacks, supports, writable } from '../needs.ts';

const KEY = 'write/object.bin';

/** What is kept beside the content: headers, metadata, tags, a chosen time. */
export const writeHeaderCases: readonly ConformanceCase[] = casesOf(
  'write',
  [writable],
  [
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
  ],
);

/** Whoever reads the capability leaves behind what does not fit, and no more. */
function expectAsTold(limits: Capabilities['metadataLimits'], kept: boolean, fits: boolean, what: string): void {
  if (limits !== undefined && kept !== fits)
    fail(`${what}: expected it to be ${fits ? 'kept' : 'refused'}, as capabilities.metadataLimits says; it was ${kept ? 'kept' : 'refused'}`, kept, fits);
}
