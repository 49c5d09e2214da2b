import { delegate, faultLayer, type Layer } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import type { FilterOptions, FilterRule } from '../src/index.ts';
import { apart, bucketOf, byKey, capable, failingCopy, noChecksums, ran, THEN, treeOf, withIssues } from './trees.ts';

const rules = (...lines: string[]): readonly FilterRule[] => lines.map((line) => ({ include: line.startsWith('+'), pattern: line.slice(2) }));
const TREE = { 'a.jpg': '1', 'a.tmp': '2', 'keep/x.tmp': '3', 'node_modules/m.js': '4', 'src/n.js': '5' };

describe('filters of names', () => {
  it('the first rule that matches decides', async () => {
    const to = await bucketOf({});
    const filter: FilterOptions = { rules: rules('+ keep/**', '- *.tmp', '- node_modules/') };
    const { report, outcomes } = await ran(await bucketOf(TREE), to, { filter });
    expect(byKey(outcomes)).toEqual({
      'a.jpg': 'copied',
      'a.tmp': 'skipped:excluded',
      'keep/x.tmp': 'copied',
      'node_modules/m.js': 'skipped:excluded',
      'src/n.js': 'copied',
    });
    expect(report.balanced).toBe(true);
  });

  it('what no rule matches is taken, or left out', async () => {
    const filter: FilterOptions = { rules: rules('+ *.jpg'), rest: 'exclude' };
    expect((await ran(await bucketOf(TREE), await bucketOf({}), { filter })).report.counts.copied.objects).toBe(1);
    expect((await ran(await bucketOf(TREE), await bucketOf({}), { filter: { rules: rules('+ *.jpg') } })).report.counts.copied.objects).toBe(5);
  });

  it('what is left out is never deleted, unless that was asked for', async () => {
    const filter: FilterOptions = { rules: rules('- *.tmp') };
    const old = { 'a.tmp': 'old', 'gone.tmp': 'old', gone: 'old' };
    const to = await bucketOf(old);
    expect(byKey((await ran(await bucketOf(TREE), to, { filter, delete: true })).outcomes)).toMatchObject({
      'a.tmp': 'skipped:excluded',
      'gone.tmp': 'skipped:excluded',
      gone: 'deleted',
    });
    const other = await bucketOf(old);
    await ran(await bucketOf(TREE), other, { filter, delete: true, deleteExcluded: true });
    expect(Object.keys(await treeOf(other))).toEqual(['a.jpg', 'node_modules/m.js', 'src/n.js']);
    const without = await bucketOf(old);
    await ran(await bucketOf(TREE), without, { filter, deleteExcluded: true });
    expect(Object.keys(await treeOf(without))).toContain('gone.tmp');
  });

  it('an unreadable folder that is left out bars nothing; one that may hold what is taken does', async () => {
    const issue = { key: 'secret/', kind: 'unreadable', message: 'permission denied' } as const;
    const from = (await bucketOf({ a: '1' })).with(withIssues(issue));
    const left = await ran(from, await bucketOf({ extra: '!' }), { delete: true, filter: { rules: rules('- secret/') } });
    expect(byKey(left.outcomes)).toEqual({ a: 'copied', extra: 'deleted', 'secret/': 'skipped:excluded' });
    const partly = await ran(from, await bucketOf({ extra: '!' }), { delete: true, filter: { rules: rules('+ *.jpg', '- secret/') } });
    expect(partly.report.guard?.guard).toBe('incomplete-listing');
    const byName = await ran(from, await bucketOf({ extra: '!' }), { delete: true, filter: { rules: rules('- *.tmp') } });
    expect(byName.report.guard?.guard).toBe('incomplete-listing');
  });

  it('a list takes exactly its keys, and tells those that are nowhere', async () => {
    const to = await bucketOf({ other: 'kept' });
    const { outcomes, notices } = await ran(await bucketOf(TREE), to, { delete: true, filter: { keys: ['a.jpg', 'src/n.js', 'no\nsuch'] } });
    expect(Object.values(byKey(outcomes)).toSorted()).toEqual(['copied', 'copied', ...Array.from({ length: 4 }, () => 'skipped:excluded')]);
    expect(await treeOf(to)).toEqual({ 'a.jpg': '1', other: 'kept', 'src/n.js': '5' });
    expect(notices).toEqual(['1 of the keys that were asked for is on neither side: "no\\nsuch"']);
  });
});

describe('filters of size and age', () => {
  it('pass over source objects, whose copies are no extras', async () => {
    const from = await bucketOf({ large: 'xxxx', small: 'x', mid: 'xx' });
    const to = await bucketOf({ large: 'xxx', small: '', gone: 'xx', 'gone-large': 'xxxxx' });
    const { outcomes, report } = await ran(from, to, { delete: true, filter: { minSize: 2, maxSize: 3 } });
    expect(byKey(outcomes)).toEqual({ gone: 'deleted', 'gone-large': 'skipped:filtered', large: 'skipped:filtered', mid: 'copied', small: 'skipped:filtered' });
    expect(report.balanced).toBe(true);
    expect(Object.keys(await treeOf(to))).toEqual(['gone-large', 'large', 'mid', 'small']);
  });

  it('ages are bounds of the time of writing, each included', async () => {
    const from = await bucketOf({ a: '1', b: '1', c: '1' });
    await from.put('a', '1', { lastModified: new Date(THEN.getTime() - 1) });
    await from.put('c', '1', { lastModified: new Date(THEN.getTime() + 1) });
    const of = async (filter: FilterOptions): Promise<string[]> =>
      (await ran(from, await bucketOf({}), { filter })).outcomes.filter(({ kind }) => kind === 'copied').map(({ key }) => key);
    expect(await of({ since: THEN })).toEqual(['b', 'c']);
    expect(await of({ until: THEN })).toEqual(['a', 'b']);
  });
});

describe('objects that both sides have', () => {
  const sides = async () => {
    const from = (await bucketOf({ new: '1', older: 'xx', younger: 'xx', same: '1' })).with(noChecksums);
    const to = (await bucketOf({ older: 'y', younger: 'y', same: '1' })).with(noChecksums);
    await to.put('younger', 'y', { lastModified: new Date(THEN.getTime() + 60_000) });
    return { from, to };
  };

  it('--update leaves younger ones', async () => {
    const { from, to } = await sides();
    expect(byKey((await ran(from, to, { existing: 'update-older' })).outcomes)).toEqual({
      new: 'copied',
      older: 'updated:size',
      same: 'same',
      younger: 'skipped:newer',
    });
  });

  it('--ignore-existing leaves all of them, and deletes none', async () => {
    const { from, to } = await sides();
    expect(byKey((await ran(from, to, { existing: 'keep', delete: true })).outcomes)).toEqual({
      new: 'copied',
      older: 'skipped:existing',
      same: 'skipped:existing',
      younger: 'skipped:existing',
    });
  });

  it('--immutable makes differences conflicts', async () => {
    const { from, to } = await sides();
    expect(byKey((await ran(from, to, { existing: 'immutable' })).outcomes)).toEqual({
      new: 'copied',
      older: 'conflict:immutable',
      same: 'same',
      younger: 'conflict:immutable',
    });
    expect((await treeOf(to))['older']).toBe('y');
  });
});

describe('the trash', () => {
  const today = new Date('2026-03-01T12:00:00Z');
  const at = '.trash/2026-03-01T12-00-00.000Z/';

  it.each([
    ['on the server', []],
    ['through this process', [(inner) => delegate(inner, { canCopyFrom: (other) => other === inner.copySource('x').driver })]],
  ] as readonly (readonly [string, readonly Layer[]])[])('holds what was deleted and overwritten, %s', async (_, layers) => {
    const from = await bucketOf({ a: 'new', b: '1' });
    const to = await bucketOf({ a: 'old', gone: 'x' }, ...layers);
    const { report } = await ran(from, to, { delete: true, trash: { prefix: '.trash', today } });
    expect(report).toMatchObject({ balanced: true, counts: { updated: { objects: 1 }, deleted: { objects: 1 }, copied: { objects: 1 } } });
    const tree = { [`${at}a`]: 'old', [`${at}gone`]: 'x', a: 'new', b: '1' };
    expect(await treeOf(to)).toEqual(tree);
    // It is no part of the mirror: not an extra of the next run, and not to be deleted by any option.
    const again = await ran(from, to, { delete: true, deleteExcluded: true, maxDelete: { percent: 100 }, trash: { prefix: '.trash/', today } });
    expect(again.report.counts).toMatchObject({ deleted: { objects: 0 }, skipped: { objects: 2 } });
    expect(await treeOf(to)).toEqual(tree);
  });

  it('what cannot be put there is neither deleted nor overwritten', async () => {
    const to = await bucketOf({ a: 'old', gone: 'x' }, failingCopy(`${at}gone`, 'AccessDenied'));
    const { outcomes } = await ran(await bucketOf({ a: 'old' }), to, { delete: true, trash: { prefix: '.trash', today } });
    expect(byKey(outcomes)).toEqual({ a: 'same', gone: 'failed:AccessDenied' });
    const other = await bucketOf({ a: 'old' }, failingCopy(`${at}a`, 'AccessDenied'));
    expect(byKey((await ran(await bucketOf({ a: 'new' }), other, { trash: { prefix: '.trash', today } })).outcomes)).toEqual({ a: 'failed:AccessDenied' });
    expect(await treeOf(other)).toEqual({ a: 'old' });
  });

  it('a store that cannot copy within itself has none', async () => {
    await expect(ran(await bucketOf({ a: '1' }), await bucketOf({}, apart), { trash: { prefix: '.trash', today } })).rejects.toMatchObject({ reason: 'usage' });
  });
});

describe('too many deletions', () => {
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`gone${i}`, '!']));

  it('are made where whoever is asked says so', async () => {
    const asked: string[] = [];
    const ask =
      (answer: boolean) =>
      async (guard: { message: string }): Promise<boolean> => {
        asked.push(guard.message);
        return answer;
      };
    const to = await bucketOf(many);
    const refused = await ran(await bucketOf({ a: '1' }), to, { delete: true, maxDelete: { objects: 5 }, confirmDeletions: ask(false) });
    expect(refused.report.guard?.guard).toBe('max-delete');
    const made = await ran(await bucketOf({ a: '1' }), to, { delete: true, maxDelete: { objects: 5 }, confirmDeletions: ask(true) });
    expect(made.report.counts.deleted.objects).toBe(10);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toContain('over the limit of 5');
  });

  it('no answer passes another guard', async () => {
    const from = (await bucketOf({ a: '1', b: '2' })).with(capable((c) => c));
    const to = await bucketOf(many, apart, faultLayer([{ operation: 'put', key: 'b', code: 'AccessDenied' }]));
    const { report } = await ran(from, to, { delete: true, maxDelete: { objects: 5 }, confirmDeletions: () => Promise.resolve(true) });
    expect(report.guard?.guard).toBe('failed-copies');
    expect(report.counts.deleted.objects).toBe(0);
  });
});
