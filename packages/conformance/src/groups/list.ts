import { type Capabilities, compareKeys, type ListOptions, sameRevision } from '@stowage/core';
import { listedKeys } from '../bucket-state.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase, type Need } from '../conformance-case.ts';
import { contentOf } from '../content.ts';
import { expectCode, expectNames, fail, quoted, written } from '../expectations.ts';
import { entriesOf, expectedEntries, type ListingBounds, pagedEntries, streamedEntries } from '../listing-model.ts';
import { lacks, listable, nestedKeys, ordered, seedable, supports, writable } from '../needs.ts';

const startAfterNeed = supports('list.startAfter', ({ list }) => list.startAfter);
const untilNeed = supports('list.until', ({ list }) => list.until);
const anyDelimiter: Need = ({ list }) => list.delimiter === 'any' || 'capabilities.list.delimiter is "/" only';

/** Names around a delimiter: what sorts before `/`, at it, and behind it. */
const AROUND_SLASH = [
  't-/a',
  't-/b',
  't.txt',
  't/a',
  't/b/c',
  't/b/d',
  't/c',
  't0',
  't0/x',
  'foo/x',
  'foo/y',
  'foo.bar/x',
  'foo-bar',
  'foo0',
  'u/',
  'u/v',
  'z',
];

/** U+E000 and above sort before the emoji in UTF-8, and behind it in UTF-16. */
const AROUND_SURROGATES = ['p', 'p\u{d7ff}', 'p\u{e000}', 'p\u{ff5e}', 'p\u{fffd}', 'p\u{10000}', 'p\u{1f600}', 'p\u{1f600}/a', 'p\u{e000}/a', 'q'];

/** Of these keys, those that the bucket holds one beside the other. */
function storable({ bucket, capabilities: { keys } }: CaseContext, wanted: readonly string[]): string[] {
  const held = wanted.filter((key) => bucket.checkKey(key) === undefined);
  if (keys.nested) return held;
  return held.filter((key) => !held.some((other) => other !== key && other.startsWith(key.endsWith('/') ? key : `${key}/`)));
}

async function seedStorable(c: CaseContext, wanted: readonly string[]): Promise<string[]> {
  const keys = storable(c, wanted);
  await c.seedAll(keys);
  return keys;
}

function inOrder(capabilities: Capabilities, entries: readonly string[]): readonly string[] {
  return capabilities.list.order === 'utf8' ? entries : [...entries].sort(compareKeys);
}

/** The listing gives what the model says: in one iteration, and page by page with the limits. */
async function expectListing(c: CaseContext, keys: readonly string[], bounds: ListingBounds, limits: readonly number[]): Promise<void> {
  const { capabilities } = c;
  const expected = inOrder(capabilities, expectedEntries(keys, bounds));
  const what = `listing ${written(bounds)}`;
  expectNames(inOrder(capabilities, await streamedEntries(c.bucket, bounds)), expected, what);
  for (const limit of limits) expectNames(inOrder(capabilities, await pagedEntries(c.bucket, { ...bounds, limit })), expected, `${what}, ${limit} a page`);
}

const ONE_TO_TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const listingCases: readonly ConformanceCase[] = casesOf(
  'list',
  [seedable, listable],
  [
    {
      name: 'an empty bucket lists as one empty page without a cursor',
      async run({ bucket }) {
        for (const o of [{}, { prefix: 'a/' }, { delimiter: '/' }] satisfies ListOptions[]) {
          const page = await bucket.listPage(o);
          if (entriesOf(page).length > 0 || page.issues.length > 0 || page.cursor !== undefined)
            fail(`listing ${JSON.stringify(o)} of an empty bucket: expected nothing; got ${JSON.stringify(page)}`, page);
          let pages = 0;
          for await (const each of bucket.listPages(o)) pages += 1 + entriesOf(each).length;
          if (pages !== 1) fail(`listing ${JSON.stringify(o)} of an empty bucket: expected one empty page; got ${pages}`, pages, 1);
        }
      },
    },
    {
      name: 'tells size, time and revision of each object as head does, and no headers',
      async run(c) {
        for (const [i, key] of ['a', 'b', 'c'].entries()) await c.seed(key, contentOf(i * 100), { contentType: 'text/x-listed' });
        let count = 0;
        for await (const info of c.bucket.list()) {
          count++;
          const head = await c.bucket.head(info.key);
          if (info.size !== head.size) fail(`${info.key}: expected size ${head.size}, got ${info.size}`, info.size, head.size);
          if (!sameRevision(info.revision, head.revision))
            fail(`${info.key}: expected the revision of head ${JSON.stringify(head.revision)}, got ${JSON.stringify(info.revision)}`);
          if (!(info.lastModified instanceof Date) || Math.abs(info.lastModified.getTime() - head.lastModified.getTime()) >= 1000)
            fail(`${info.key}: expected the time of head ${head.lastModified.toISOString()}, to the second; got ${String(info.lastModified)}`);
          if (info.headers !== undefined) fail(`${info.key}: expected no headers in a listing; got ${JSON.stringify(info.headers)}`);
        }
        if (count !== 3) fail(`expected 3 objects, got ${count}`, count, 3);
      },
    },
    {
      name: 'a prefix that matches nothing lists nothing',
      async run(c) {
        const keys = await seedStorable(c, ['a/b', 'a/c', 'b']);
        for (const prefix of ['x', 'a/d', 'a/b/', 'A', 'b0', 'a//', '\u{1f600}']) await expectListing(c, keys, { prefix }, [1]);
      },
    },
    {
      name: 'a prefix selects by characters, not by path segments',
      async run(c) {
        const keys = await seedStorable(c, [
          'photos',
          'photos-2020',
          'photos.txt',
          'photos/2019/a',
          'photos/2020/a',
          'photos/2020/b',
          'photos/2021',
          'photoshop',
          'pho',
          'q',
        ]);
        for (const prefix of ['', 'p', 'photos', 'photos/', 'photos/20', 'photos/2020', 'photos/2020/', 'photos/2020/a', 'photos-', 'q'])
          for (const delimiter of [undefined, '/']) await expectListing(c, keys, { prefix, ...(delimiter === undefined ? {} : { delimiter }) }, [1, 3]);
      },
    },
    {
      name: 'a prefix that is itself a key lists that key, too',
      async run(c) {
        const keys = await seedStorable(c, ['a.b', 'a.b.c', 'a.bc', 'a.', 'b']);
        for (const prefix of ['a.b', 'a.', 'b']) await expectListing(c, keys, { prefix }, [1, 2]);
      },
    },
    {
      name: 'a prefix is taken as it stands, whatever it holds',
      async run(c) {
        const keys = await seedStorable(c, [
          '100%/a',
          '100%25/a',
          'a+b/c',
          'a b/c',
          'a*c/d',
          'abc/d',
          '[x]/y',
          'x/y',
          'a?b/c',
          'q&r/s',
          "it's/1",
          '\\w/1',
          '.hidden/1',
          '…/1',
        ]);
        for (const prefix of ['100%', '100%/', '100%25', 'a+', 'a ', 'a*', '[', 'a?', 'q&', "it'", '\\w', '.', '.h', '…'])
          for (const delimiter of [undefined, '/']) await expectListing(c, keys, { prefix, ...(delimiter === undefined ? {} : { delimiter }) }, [1]);
      },
    },
    {
      name: 'groups keys behind a delimiter at every page size from 1 to 10',
      async run(c) {
        const keys = await seedStorable(c, AROUND_SLASH);
        await expectListing(c, keys, { delimiter: '/' }, ONE_TO_TEN);
        for (const prefix of ['t', 't/', 't/b', 't-', 'foo', 'foo/', 'u/']) await expectListing(c, keys, { prefix, delimiter: '/' }, ONE_TO_TEN);
      },
    },
    {
      name: 'gives each common prefix once, also where a page ends within it',
      async run(c) {
        const keys = await seedStorable(c, ['a/1', 'a/2', 'a/3', 'b', 'c/1', 'c/2', 'd/1', 'd/2', 'd/3', 'd/4']);
        await expectListing(c, keys, { delimiter: '/' }, ONE_TO_TEN);
      },
    },
    {
      name: 'the last page has its common prefixes',
      async run(c) {
        const keys = await seedStorable(c, ['a', 'b', 'x/1', 'y/1', 'z/1', 'z/2']);
        await expectListing(c, keys, { delimiter: '/' }, ONE_TO_TEN);
        const { prefixes } = await c.bucket.listPage({ delimiter: '/' });
        expectNames(inOrder(c.capabilities, prefixes), ['x/', 'y/', 'z/'], 'the common prefixes of one page');
      },
    },
    {
      name: 'a, a/ and a/b lie beside each other',
      needs: [nestedKeys],
      async run(c) {
        const keys = ['a', 'a/', 'a/b', 'a/b/', 'a/b/c', 'a0', 'a-'];
        await c.seedAll(keys);
        await expectListing(c, keys, {}, ONE_TO_TEN);
        for (const prefix of ['', 'a', 'a/', 'a/b', 'a/b/']) await expectListing(c, keys, { prefix, delimiter: '/' }, ONE_TO_TEN);
      },
    },
    {
      name: 'lists in UTF-8 byte order, not in that of UTF-16',
      needs: [ordered],
      async run(c) {
        const keys = await seedStorable(c, AROUND_SURROGATES);
        await expectListing(c, keys, {}, ONE_TO_TEN);
        await expectListing(c, keys, { delimiter: '/' }, ONE_TO_TEN);
      },
    },
    {
      name: 'lists upper case, digits, punctuation and folders in byte order',
      needs: [ordered],
      async run(c) {
        const keys = await seedStorable(c, [
          'B',
          'a',
          '_',
          '-',
          '~',
          '!',
          '0',
          '9',
          'a/z',
          'a b',
          'a-b',
          'a.b',
          'ab',
          'aB',
          'é',
          'z',
          'foo/x',
          'foo.bar/x',
          'foo',
          'folder/sub/x',
          'folder/sub.x',
          'folder/sub-x/y',
          'folder.x',
        ]);
        await expectListing(c, keys, {}, ONE_TO_TEN);
      },
    },
    {
      name: 'startAfter is exclusive',
      needs: [startAfterNeed],
      async run(c) {
        const keys = await seedStorable(c, ['a', 'b', 'b0', 'c/x', 'c/y', 'd']);
        for (const startAfter of ['a', 'b', 'b0', 'c/x', 'c/y', 'd']) {
          const listed = await listedKeys(c.bucket, { startAfter });
          if (listed.includes(startAfter)) fail(`startAfter ${quoted(startAfter)}: expected it to be left out; it is in the listing`, listed);
          await expectListing(c, keys, { startAfter }, [1, 2, 10]);
        }
      },
    },
    {
      name: 'startAfter need be no key, and may lie before, within or behind the prefix',
      needs: [startAfterNeed],
      async run(c) {
        const keys = await seedStorable(c, ['a/1', 'b/1', 'b/2', 'b/3', 'c/1']);
        for (const startAfter of [' ', 'a', 'b', 'b/', 'b/1', 'b/10', 'b/3', 'b0', 'c', 'zzz'])
          for (const prefix of ['', 'b/', 'b']) await expectListing(c, keys, { prefix, startAfter }, [1, 2]);
      },
    },
    {
      name: 'until is exclusive',
      needs: [untilNeed],
      async run(c) {
        const keys = await seedStorable(c, ['a', 'b', 'b0', 'c/x', 'c/y', 'd']);
        for (const until of ['a', 'b', 'b0', 'c/x', 'c/y', 'd']) {
          const listed = await listedKeys(c.bucket, { until });
          if (listed.includes(until)) fail(`until ${quoted(until)}: expected it to be left out; it is in the listing`, listed);
          await expectListing(c, keys, { until }, [1, 2, 10]);
        }
      },
    },
    {
      name: 'until need be no key, and may lie before, within or behind the prefix',
      needs: [untilNeed],
      async run(c) {
        const keys = await seedStorable(c, ['a/1', 'b/1', 'b/2', 'b/3', 'c/1']);
        for (const until of [' ', 'a', 'b', 'b/', 'b/2', 'b/20', 'b/3', 'b0', 'c', 'zzz'])
          for (const prefix of ['', 'b/', 'b']) await expectListing(c, keys, { prefix, until }, [1, 2]);
      },
    },
    {
      name: 'startAfter and until bound the listing in UTF-8 byte order',
      needs: [startAfterNeed, untilNeed],
      async run(c) {
        const keys = await seedStorable(c, AROUND_SURROGATES);
        for (const [i, startAfter] of AROUND_SURROGATES.entries()) {
          await expectListing(c, keys, { startAfter }, [2]);
          await expectListing(c, keys, { until: startAfter }, [2]);
          await expectListing(c, keys, { startAfter, until: AROUND_SURROGATES[(i * 3) % AROUND_SURROGATES.length] as string }, [1]);
        }
      },
    },
    {
      name: 'startAfter and until bound a delimited listing, common prefixes included',
      needs: [startAfterNeed, untilNeed],
      async run(c) {
        const keys = await seedStorable(c, AROUND_SLASH);
        for (const bound of ['t', 't-', 't-/a', 't/', 't/a', 't/b/c', 't/z', 't0', 'foo/', 'foo/x', 'foo0', 'zz']) {
          await expectListing(c, keys, { startAfter: bound, delimiter: '/' }, [1, 2, 10]);
          await expectListing(c, keys, { until: bound, delimiter: '/' }, [1, 2, 10]);
        }
      },
    },
    {
      name: 'lists what the contract says for a hundred drawn questions',
      needs: [startAfterNeed, untilNeed],
      async run(c) {
        const alphabet = ['a', 'b', '/', '-', '.', '0', '\u{e000}', '\u{1f600}'];
        const draw = drawer(20_261_123);
        const text = (longest: number): string => Array.from({ length: draw(longest) + 1 }, () => alphabet[draw(alphabet.length)] as string).join('');
        const wellFormed = (key: string): boolean => !/(?:^|\/)\.\.?(?:\/|$)/.test(key);
        const keys = await seedStorable(c, [...new Set(Array.from({ length: 80 }, () => text(6)).filter(wellFormed))]);
        for (let i = 0; i < 100; i++) {
          const bounds: ListingBounds = {
            ...(draw(2) === 0 ? {} : { prefix: text(2) }),
            ...(draw(3) > 0 ? {} : { startAfter: text(4) }),
            ...(draw(3) > 0 ? {} : { until: text(4) }),
            ...(draw(2) === 0 ? {} : { delimiter: '/' }),
          };
          await expectListing(c, keys, bounds, [1 + draw(10)]);
        }
      },
    },
    {
      name: 'any string may be the delimiter',
      needs: [anyDelimiter],
      async run(c) {
        const keys = await seedStorable(c, ['a-b-c', 'a-b', 'a', 'a::b', 'a::b::c', 'b::', 'c\u{1f600}d', 'c\u{1f600}e', 'd/e-f']);
        for (const delimiter of ['-', '::', '\u{1f600}', 'b', '/e'])
          for (const prefix of ['', 'a', 'a-', 'a:', 'a::']) await expectListing(c, keys, { delimiter, prefix }, [1, 2, 3, 10]);
      },
    },
    {
      name: 'a delimiter that the store cannot group by is Unsupported',
      needs: [({ list }) => list.delimiter === '/' || 'capabilities.list.delimiter is "any"'],
      async run(c) {
        await c.withoutRequest(() => expectCode(c.bucket.listPage({ delimiter: '-' }), 'Unsupported', 'the delimiter "-"'), 'the delimiter "-"');
      },
    },
    {
      name: 'limits and delimiters that mean nothing are InvalidArgument',
      async run(c) {
        for (const o of [{ limit: 0 }, { limit: -1 }, { limit: 1.5 }, { limit: Number.NaN }, { delimiter: '' }])
          await c.withoutRequest(() => expectCode(c.bucket.listPage(o), 'InvalidArgument', `listing ${JSON.stringify(o)}`), `listing ${JSON.stringify(o)}`);
      },
    },
    {
      name: 'gives 2,500 keys over pages, each once',
      async run(c) {
        const keys = Array.from({ length: 2500 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
        await c.seedAll(keys, () => new Uint8Array());
        await expectListing(c, keys, { prefix: 'many/' }, [1000, 777]);
        await expectListing(c, keys, { delimiter: '/' }, []);
        const { list } = c.capabilities;
        const asked = list.maxPage + 1;
        const page = await c.bucket.listPage({ limit: asked });
        if (page.objects.length > list.maxPage)
          fail(`limit ${asked}: expected at most capabilities.list.maxPage = ${list.maxPage} objects, got ${page.objects.length}`);
      },
    },
    {
      name: 'goes on from a cursor that was written down, in another instance',
      async run(c) {
        const keys = await seedStorable(c, AROUND_SLASH);
        for (const bounds of [{}, { delimiter: '/' }, { prefix: 't', delimiter: '/' }] satisfies ListingBounds[]) {
          const expected = inOrder(c.capabilities, expectedEntries(keys, bounds));
          for (const limit of [1, 2, 3, 5]) {
            const others = await Promise.all(Array.from({ length: 2 }, () => c.openAgain()));
            let turn = 0;
            const got = await pagedEntries(c.bucket, { ...bounds, limit }, () => others[turn++ % 2] ?? c.bucket);
            expectNames(inOrder(c.capabilities, got), expected, `listing ${JSON.stringify(bounds)}, ${limit} a page, each page in another instance`);
          }
        }
      },
    },
    {
      name: 'a cursor can be used twice and gives the same page',
      async run(c) {
        await seedStorable(c, AROUND_SLASH);
        const { cursor } = await c.bucket.listPage({ limit: 3 });
        if (cursor === undefined) fail('expected a cursor behind 3 of more entries');
        const first = await c.bucket.listPage({ limit: 3, cursor });
        expectNames(entriesOf(await c.bucket.listPage({ limit: 3, cursor })), entriesOf(first), 'the page behind one cursor, asked for twice');
      },
    },
    {
      name: 'a listing streams on from a cursor to the end',
      async run(c) {
        const keys = await seedStorable(c, AROUND_SLASH);
        const first = await c.bucket.listPage({ limit: 4, delimiter: '/' });
        if (first.cursor === undefined) fail('expected a cursor behind 4 of more entries');
        const rest = await streamedEntries(c.bucket, { delimiter: '/', limit: 2, cursor: first.cursor });
        expectNames(
          inOrder(c.capabilities, [...entriesOf(first), ...rest]),
          inOrder(c.capabilities, expectedEntries(keys, { delimiter: '/' })),
          'the first page and the stream behind it',
        );
      },
    },
    {
      name: 'keys that stay are listed once while others come and go between pages',
      needs: [writable],
      async run({ bucket, capabilities }) {
        const keys = Array.from({ length: 30 }, (_, i) => `k${String(i).padStart(2, '0')}`);
        for (const key of keys) await bucket.put(key, key);
        const seen: string[] = [];
        let cursor: string | undefined;
        for (let turn = 0; ; turn++) {
          const page = await bucket.listPage({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...page.objects.map(({ key }) => key));
          cursor = page.cursor;
          if (cursor === undefined) break;
          if (turn > 60) fail('expected the listing to end; it went on for 60 pages of 4');
          // One before the page, the page's own last, one just behind it, and one further on.
          await bucket.put(`a-new-${turn}`, 'x');
          const last = page.objects.at(-1)?.key;
          if (last !== undefined && turn % 2 === 0) await bucket.delete(last);
          if (last !== undefined) await bucket.put(`${last}-behind`, 'x');
          if (turn === 1) await bucket.delete('k25');
        }
        const stayed = keys.filter((key) => key !== 'k25');
        const counts = new Map<string, number>();
        for (const key of seen) counts.set(key, (counts.get(key) ?? 0) + 1);
        for (const key of stayed) if (counts.get(key) !== 1) fail(`expected ${key} once, got it ${counts.get(key) ?? 0} times`, counts.get(key) ?? 0, 1);
        for (const [key, count] of counts) if (count > 1) fail(`expected no key twice; got ${key} ${count} times`, count, 1);
        if (capabilities.list.order === 'utf8') expectNames(seen, [...seen].sort(compareKeys), 'the order over all pages');
      },
    },
    {
      name: 'a listing shows what was written and hides what was deleted at once',
      needs: [writable],
      async run({ bucket }) {
        for (let i = 0; i < 5; i++) {
          await bucket.put(`at-once/${i}`, 'x');
          expectNames(await listedKeys(bucket, { prefix: 'at-once/' }), [`at-once/${i}`], `after write ${i}`);
          await bucket.delete(`at-once/${i}`);
          expectNames(await listedKeys(bucket), [], `after deletion ${i}`);
        }
      },
    },
    {
      name: 'a listing that is left early ends there',
      async run(c) {
        await c.seedAll(Array.from({ length: 20 }, (_, i) => `k${i + 10}`));
        for (let i = 0; i < 50; i++) {
          const leave = async (): Promise<void> => {
            for await (const page of c.bucket.listPages({ limit: 2 })) if (page.objects.length > 0) break;
          };
          await c.within(leave(), `leaving listing ${i + 1} of 50`);
        }
        const all = await c.within(listedKeys(c.bucket), 'the listing after 50 that were left');
        if (all.length !== 20) fail(`expected 20 keys after listings that were left early, got ${all.length}`, all.length, 20);
      },
    },
    {
      name: 'two listings at once do not disturb each other',
      async run(c) {
        const keys = await seedStorable(c, AROUND_SLASH);
        const expected = inOrder(c.capabilities, expectedEntries(keys, {}));
        const both = await Promise.all([pagedEntries(c.bucket, { limit: 2 }), pagedEntries(c.bucket, { limit: 3 }), streamedEntries(c.bucket, { limit: 1 })]);
        for (const got of both) expectNames(inOrder(c.capabilities, got), expected, 'one of three listings at once');
      },
    },
  ],
);

/** Numbers that look drawn and are the same on every run: a failure can be seen again. */
function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export const listCases: readonly ConformanceCase[] = [
  ...listingCases,
  ...casesOf(
    'list',
    [lacks('list', ({ list }) => list.unsupported === true)],
    [
      {
        name: 'a listing is refused with Unsupported where the store has none, before any request',
        async run(c) {
          await c.withoutRequest(() => expectCode(c.bucket.listPage(), 'Unsupported', 'a page of a store without listings'), 'listPage');
          await c.withoutRequest(() => expectCode(c.bucket.list()[Symbol.asyncIterator]().next(), 'Unsupported', 'a listing of a store without them'), 'list');
        },
      },
    ],
  ),
];
