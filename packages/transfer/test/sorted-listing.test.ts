import { type BucketDriver, delegate, type Layer, type ListPage } from '@stowage/core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalOptions } from '../src/index.ts';
import { bucketOf, byKey, capable, ran, treeOf, withIssues } from './trees.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-sorted-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const journal = (): JournalOptions => ({
  stateFolder: join(folder, 'state'),
  source: { store: 'memory', path: ['from'] },
  destination: { store: 'memory', path: ['to'] },
  today: () => new Date(),
});

/** Listings in an order of their own, in pages of so many. */
function listed(arrange: (keys: readonly string[]) => readonly string[], pageSize = 2): Layer {
  return (inner) =>
    delegate(inner, {
      async *list(o): ReturnType<BucketDriver['list']> {
        const pages: ListPage[] = [];
        for await (const page of inner.list(o)) pages.push(page);
        const objects = new Map(pages.flatMap((page) => page.objects.map((info) => [info.key, info])));
        const issues = pages.flatMap((page) => page.issues);
        const infos = arrange([...objects.keys()]).flatMap((key) => objects.get(key) ?? []);
        for (let at = 0; at < Math.max(1, infos.length); at += pageSize)
          yield { objects: infos.slice(at, at + pageSize), prefixes: [], issues: at === 0 ? issues : [] };
      },
    });
}
const unordered = capable((c) => ({ ...c, list: { ...c.list, order: 'none' } }));
const reversed = listed((keys) => keys.toReversed());
const TREE = { a: '1', 'b/c': '2', '\uE000': '3', '\u{1F600}': '4', z: '5' };

describe('a store that promises no order', () => {
  it('is sorted, on either side, and may be deleted from', async () => {
    const from = (await bucketOf(TREE)).with(reversed, unordered);
    const to = await bucketOf({ a: '1', gone: 'x', z: 'old' }, reversed, unordered);
    const { report, outcomes } = await ran(from, to, { delete: true });
    expect(byKey(outcomes)).toEqual({ a: 'same', 'b/c': 'copied', gone: 'deleted', z: 'updated:size', '\uE000': 'copied', '\u{1F600}': 'copied' });
    expect(report).toMatchObject({ balanced: true, complete: true, keys: 6 });
    expect(await treeOf(to)).toEqual(TREE);
  });

  it('in listings of many pages', async () => {
    const keys = Array.from({ length: 3500 }, (_, i) => String((i * 7919) % 3500));
    const from = (await bucketOf(Object.fromEntries(keys.map((key) => [key, key])))).with(
      listed(() => keys, 333),
      unordered,
    );
    const { report } = await ran(from, await bucketOf({}), {});
    expect(report).toMatchObject({ balanced: true, keys: 3500, counts: { copied: { objects: 3500 } } });
  });

  it('and gives an object twice is copied, and bars deletions', async () => {
    const from = (await bucketOf(TREE)).with(
      listed((keys) => [...keys.toReversed(), 'a']),
      unordered,
    );
    const to = await bucketOf({ gone: 'x' });
    const { report } = await ran(from, to, { delete: true });
    expect(report).toMatchObject({ balanced: true, guard: { guard: 'incomplete-listing', message: expect.stringContaining('gave "a" twice') as string } });
    expect(await treeOf(to)).toEqual({ ...TREE, gone: 'x' });
  });

  it('tells what it could not read', async () => {
    const issue = { key: 'b/', kind: 'unreadable', message: 'permission denied' } as const;
    const from = (await bucketOf({ a: '1' })).with(withIssues(issue), reversed, unordered);
    const { outcomes, report } = await ran(from, await bucketOf({ 'b/x': '!', c: '!' }), { delete: true });
    expect(byKey(outcomes)).toEqual({ a: 'copied', 'b/': 'failed:unreadable', 'b/x': 'skipped:unknown', c: 'skipped:guarded' });
    expect(report.balanced).toBe(true);
  });
});

describe('a store that breaks the order it promises', () => {
  it('stops the run and bars deletions; the next one sorts, copies everything and still deletes nothing; in order again, it does', async () => {
    const from = await bucketOf(TREE);
    const store = await bucketOf({ gone: 'x' });
    const options = { delete: true, journal: journal() };
    const first = await ran(from.with(reversed), store, options);
    expect(first.report).toMatchObject({ complete: false, stopped: { by: 'listing', side: 'source' }, counts: { deleted: { objects: 0 } } });

    const second = await ran(from.with(reversed), store, options);
    expect(second.report).toMatchObject({ complete: true, balanced: true, guard: { guard: 'incomplete-listing' } });
    expect(second.report.guard?.message).toContain('the store of the source breaks the order of listings that it promises');
    expect(await treeOf(store)).toEqual({ ...TREE, gone: 'x' });

    const third = await ran(from, store, options);
    expect(third.report).toMatchObject({ complete: true, counts: { deleted: { objects: 1 } } });
    expect(third.report.guard).toBeUndefined();
    expect(await treeOf(store)).toEqual(TREE);
  });
});
