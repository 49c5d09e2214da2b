import { type ListOptions, sameRevision } from '@stowage/core';
import { listedKeys } from '../bucket-state.ts';
import { casesOf, type ConformanceCase, type Need } from '../conformance-case.ts';
import { contentOf } from '../content.ts';
import { AROUND_SLASH, AROUND_SURROGATES, expectListing, inOrder, ONE_TO_TEN, seedStorable } from '../expected-listing.ts';
import { expectCode, expectNames, fail, quoted } from '../expectations.ts';
import { entriesOf, type ListingBounds } from '../listing-model.ts';
import { lacks, listable, nestedKeys, ordered, seedable, supports } from '../needs.ts';

const startAfterNeed = supports('list.startAfter', ({ list }) => list.startAfter);
const untilNeed = supports('list.until', ({ list }) => list.until);
const anyDelimiter: Need = ({ list }) => list.delimiter === 'any' || 'capabilities.list.delimiter is "/" only';

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
