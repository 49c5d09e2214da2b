import { compareKeys } from '@stowage/core';
import { listedKeys } from '../bucket-state.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { AROUND_SLASH, expectListing, inOrder, seedStorable } from '../expected-listing.ts';
import { expectNames, fail } from '../expectations.ts';
import { entriesOf, expectedEntries, type ListingBounds, pagedEntries, streamedEntries } from '../listing-model.ts';
import { listable, seedable, writable } from '../needs.ts';

/** Listings over many pages: cursors, and what others change between two pages. */
export const listPageCases: readonly ConformanceCase[] = casesOf(
  'list',
  [seedable, listable],
  [
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
