import { compareKeys, memoryDriver, openBucket } from '@stowage/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OUTCOME_KINDS } from '../src/index.ts';
import { apart, bucketOf, capable, noChecksums, ran, type Tree, treeOf } from './trees.ts';

const letters = fc.constantFrom('a', 'b', 'c', '/', '-', '.', ' ', '0', 'é', '\uE000', '😀');
const key = fc.string({ unit: letters, minLength: 1, maxLength: 5 }).filter((k) => !/(^|\/)\.\.?(\/|$)/.test(k));
const tree = fc.dictionary(key, fc.constantFrom('', 'x', 'y', 'longer'), { maxKeys: 25 }).map((d): Tree => ({ ...d }));
/** Small pages, so that the two listings' pages never match. */
const pages = fc.integer({ min: 1, max: 5 });

it('any two trees are equal after a sync that deletes; each key has one outcome; deletions come last', async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, pages, pages, fc.boolean(), async (source, destination, sourcePage, destinationPage, throughHere) => {
      fc.pre(Object.keys(source).length > 0);
      const paged = (maxPage: number): ReturnType<typeof capable> => capable((c) => ({ ...c, list: { ...c.list, maxPage }, copyBatch: 3 }));
      const from = await bucketOf(source, noChecksums, paged(sourcePage));
      const to = await bucketOf(destination, noChecksums, paged(destinationPage), ...(throughHere ? [apart] : []));
      const { report, outcomes } = await ran(from, to, { delete: true, comparison: 'content', maxDelete: { percent: 100 } });

      expect(await treeOf(to)).toEqual(source);
      const keys = [...new Set([...Object.keys(source), ...Object.keys(destination)])].toSorted(compareKeys);
      expect(outcomes.map((outcome) => outcome.key).toSorted(compareKeys)).toEqual(keys);
      expect(report).toMatchObject({ keys: keys.length, balanced: true, complete: true });
      expect(report.source.objects).toBe(Object.keys(source).length);
      expect(report.destination.objects).toBe(Object.keys(destination).length);
      expect(OUTCOME_KINDS.reduce((sum, kind) => sum + report.counts[kind].objects, 0)).toBe(keys.length);
      for (const { key: k, kind } of outcomes) {
        const expected = !(k in source) ? 'deleted' : !(k in destination) ? 'copied' : source[k] === destination[k] ? 'same' : 'updated';
        expect([k, kind]).toEqual([k, expected]);
      }
      const firstDeleted = outcomes.findIndex(({ kind }) => kind === 'deleted');
      if (firstDeleted >= 0) expect(outcomes.slice(firstDeleted).every(({ kind }) => kind === 'deleted')).toBe(true);

      const again = await ran(from, to, { delete: true, comparison: 'content' });
      expect(again.report.counts.same.objects).toBe(Object.keys(source).length);
      expect(again.report.keys).toBe(Object.keys(source).length);
    }),
    { numRuns: 150 },
  );
});

it('no two trees lose anything by a sync that does not delete, or by a copy', async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, fc.constantFrom('sync', 'copy'), async (source, destination, mode) => {
      fc.pre(Object.keys(source).length > 0);
      const to = await bucketOf(destination);
      const { report } = await ran(await bucketOf(source), to, { mode });
      expect(await treeOf(to)).toEqual({ ...destination, ...source });
      expect(report.counts.deleted.objects).toBe(0);
      expect(report.balanced).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it('a check tells what a sync would do, and finds nothing behind it', async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, async (source, destination) => {
      fc.pre(Object.keys(source).length > 0);
      const from = await bucketOf(source);
      const to = await bucketOf(destination);
      const before = await ran(from, to, { mode: 'check' });
      expect(await treeOf(to)).toEqual(destination);
      const done = await ran(from, to, { delete: true, maxDelete: { percent: 100 } });
      expect(before.report.counts).toEqual(done.report.counts);
      const behind = await ran(from, to, { mode: 'check' });
      expect(behind.report.counts.same.objects).toBe(Object.keys(source).length);
      expect(behind.report.keys).toBe(Object.keys(source).length);
    }),
    { numRuns: 60 },
  );
});

it('a store that cannot hold some keys gets all the others', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (source) => {
      fc.pre(Object.keys(source).length > 0);
      const disk = openBucket(memoryDriver()).with(capable((c) => ({ ...c, keys: { ...c.keys, nested: false } })));
      const { report } = await ran(await bucketOf(source), disk);
      const keys = Object.keys(source);
      const beneath = keys.filter((k) => keys.some((other) => k.startsWith(`${other}/`)));
      expect(Object.keys(await treeOf(disk)).toSorted()).toEqual(keys.filter((k) => !beneath.includes(k)).toSorted());
      expect(report.counts.conflict.objects).toBe(beneath.length);
      expect(report.balanced).toBe(true);
    }),
    { numRuns: 60 },
  );
});
