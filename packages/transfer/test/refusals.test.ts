import { type BucketDriver, delegate, faultLayer, type Layer, prefixLayer, readOnlyLayer } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import type { MirrorOptions } from '../src/index.ts';
import { balancedMirror } from './balanced-mirror.ts';
import { bucketOf, byKey, failingCopy, ran, treeOf, withIssues } from './trees.ts';

/** Every refusal of rule 3: whatever is wrong, the destination is as it was. */

const OLD = { a: 'old', 'gone/1': 'x', 'gone/2': 'y', z: 'z' };
const NEW = { a: 'new content', b: 'b' };
const DELETE: Partial<MirrorOptions> = { delete: true };

/** A driver that fails the test when anything is written. */
const untouchable: Layer = (inner) => {
  const refuse = (): never => {
    throw new Error('something was written');
  };
  return delegate(inner, { put: refuse, copyMany: refuse, deleteMany: refuse, startUpload: refuse, setHeaders: refuse });
};

describe('refused before anything', () => {
  it.each([
    ['an empty source', {}, [], OLD, [], DELETE, /the source is empty/],
    ['an empty source, though nothing is to be deleted', {}, [], OLD, [], {}, /the source is empty/],
    ['a source that is missing', NEW, [faultLayer([{ operation: 'list', code: 'BucketNotFound' }])], OLD, [], DELETE, /the source cannot be listed/],
    ['a source that may not be listed', NEW, [faultLayer([{ operation: 'list', code: 'AccessDenied' }])], OLD, [], DELETE, /the source cannot be listed/],
    ['a destination that is missing', NEW, [], OLD, [faultLayer([{ operation: 'list', code: 'BucketNotFound' }])], DELETE, /the destination cannot be listed/],
    ['a destination that is read-only', NEW, [], OLD, [readOnlyLayer()], DELETE, /read-only/],
    ['deleting by a copy', NEW, [], OLD, [], { mode: 'copy', delete: true }, /"copy" never deletes/],
    ['deleting by a check', NEW, [], OLD, [], { mode: 'check', delete: true }, /"check" never deletes/],
  ] as const)('%s', async (_, source, sourceLayers, destination, destinationLayers, options, message) => {
    const to = await bucketOf(destination);
    const from = await bucketOf(source, ...sourceLayers);
    await expect(ran(from, to.with(untouchable, ...destinationLayers), options)).rejects.toThrow(message);
    expect(await treeOf(to)).toEqual(destination);
  });

  it.each([
    ['one place twice', '', '', /one place/],
    ['a source inside the destination', 'gone/', '', /source lies inside/],
    ['a destination inside the source', '', 'gone/', /destination lies inside/],
  ])('%s', async (_, sourcePrefix, destinationPrefix, message) => {
    const whole = await bucketOf(OLD);
    const guarded = whole.with(untouchable);
    await expect(ran(guarded.with(prefixLayer(sourcePrefix)), guarded.with(prefixLayer(destinationPrefix)), DELETE)).rejects.toThrow(message);
    expect(await treeOf(whole)).toEqual(OLD);
  });
});

describe('guards, judged before the first deletion', () => {
  /** Copies are made; what the destination has more is all there. */
  async function kept(
    source: Awaited<ReturnType<typeof bucketOf>>,
    options: Partial<MirrorOptions>,
    destination: Record<string, string> = OLD,
  ): Promise<ReturnType<typeof ran>> {
    const to = await bucketOf(destination);
    const noDeletes: Layer = (inner) =>
      delegate(inner, {
        deleteMany: () => {
          throw new Error('something was deleted');
        },
      });
    const result = ran(source, to.with(noDeletes), { ...DELETE, ...options });
    const { outcomes } = await result;
    const after = await treeOf(to);
    for (const [key, content] of Object.entries(destination)) if (!(key in NEW)) expect(after[key]).toBe(content);
    expect(outcomes.filter(({ kind }) => kind === 'deleted')).toEqual([]);
    return result;
  }

  it('a copy that failed', async () => {
    const from = await bucketOf(NEW);
    const to = await bucketOf(OLD);
    const { report, outcomes } = await ran(from, to.with(failingCopy('b', 'AccessDenied')), DELETE);
    expect(report.guard?.guard).toBe('failed-copies');
    expect(byKey(outcomes)).toEqual({
      a: 'updated:size',
      b: 'failed:AccessDenied',
      'gone/1': 'skipped:guarded',
      'gone/2': 'skipped:guarded',
      z: 'skipped:guarded',
    });
    expect(await treeOf(to)).toEqual({ ...OLD, a: NEW.a });
    expect(report.balanced).toBe(true);
  });

  it('a folder of the source that cannot be read', async () => {
    const { report, outcomes } = await kept(await bucketOf(NEW, withIssues({ key: 'gone/', kind: 'unreadable', message: 'permission denied' })), {});
    expect(report.guard).toMatchObject({ guard: 'incomplete-listing', message: expect.stringContaining('"gone/"') as string });
    expect(byKey(outcomes)).toMatchObject({ 'gone/': 'failed:unreadable', 'gone/1': 'skipped:unknown', z: 'skipped:guarded' });
  });

  it('a name at the source that is no key', async () => {
    const { report } = await kept(await bucketOf(NEW, withIssues({ key: 'm\uFFFD', kind: 'invalid-name', message: 'no UTF-8' })), {});
    expect(report.guard?.guard).toBe('incomplete-listing');
  });

  it('a folder of the destination that cannot be read', async () => {
    const to = await bucketOf(OLD);
    const { report } = await ran(await bucketOf(NEW), to.with(withIssues({ key: 'zz/', kind: 'unreadable', message: 'permission denied' })), DELETE);
    expect(report.guard?.guard).toBe('incomplete-listing');
    expect(await treeOf(to)).toEqual({ ...OLD, ...NEW });
  });

  it.each(['source', 'destination'] as const)('a listing of the %s that fails in the middle', async (side) => {
    const many = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`m${String(i).padStart(5, '0')}`, '']));
    const failing = faultLayer([{ operation: 'list', skip: 2, code: 'Unavailable' }]);
    const from = await bucketOf({ ...NEW, ...many });
    const to = await bucketOf({ ...OLD, ...many });
    const { report, outcomes } = await ran(side === 'source' ? from.with(failing) : from, side === 'destination' ? to.with(failing) : to, DELETE);
    expect(report).toMatchObject({ complete: false, balanced: true, stopped: { by: 'listing', side }, guard: { guard: 'incomplete-listing' } });
    expect(outcomes.some(({ reason }) => reason === 'guarded')).toBe(true);
    expect(await treeOf(to)).toMatchObject({ 'gone/1': 'x', 'gone/2': 'y', z: 'z' });
  });

  it('a listing that goes back', async () => {
    const goesBack: Layer = (inner) =>
      delegate(inner, {
        async *list(o): ReturnType<BucketDriver['list']> {
          for await (const page of inner.list(o)) {
            yield page;
            yield page;
          }
        },
      });
    const { report } = await kept(await bucketOf(NEW, goesBack), {});
    expect(report).toMatchObject({ complete: false, balanced: true, stopped: { by: 'listing', side: 'source' } });
  });

  it('a source that holds nothing but links', async () => {
    const { report } = await kept(await bucketOf({}, withIssues({ key: 'link', kind: 'symlink', message: 'a link' })), {});
    expect(report.guard?.guard).toBe('empty-source');
  });

  it('more deletions than allowed', async () => {
    const { report, outcomes } = await kept(await bucketOf(NEW), { maxDelete: { objects: 2 } });
    expect(report.guard).toEqual({
      guard: 'max-delete',
      message: '3 objects were to be deleted and none was: that is over the limit of 2; if it is right, allow it with --max-delete 3',
    });
    expect(outcomes.filter(({ reason }) => reason === 'guarded').map(({ key }) => key)).toEqual(['gone/1', 'gone/2', 'z']);
    expect(report.counts.copied.objects + report.counts.updated.objects).toBe(2);
  });

  it('more than a quarter and than a hundred, by default', async () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`gone/${i}`, '']));
    const { report } = await kept(await bucketOf(NEW), {}, { ...many });
    expect(report.guard?.guard).toBe('max-delete');
  });

  it('a run that was stopped', async () => {
    const from = await bucketOf(NEW);
    const to = await bucketOf(OLD);
    const controller = new AbortController();
    const { report } = await ran(from, to, {
      ...DELETE,
      signal: controller.signal,
      observer: { outcomes: () => controller.abort(new Error('enough')) },
      transfers: 1,
    });
    expect(report.stopped?.by).toBe('caller');
    expect(Object.keys(await treeOf(to))).toEqual(expect.arrayContaining(Object.keys(OLD)));
  });

  it('a run that was stopped when it knew of something to delete', async () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`m${i}`, '']));
    const to = await bucketOf({ ...many, aaa: 'extra' });
    const run = balancedMirror(await bucketOf(many), to, {
      mode: 'sync',
      delete: true,
      scratchFolder: '/nowhere',
      now: () => 0,
      observer: { outcomes: () => run.stop() },
    });
    const report = await run.report;
    expect(report).toMatchObject({ stopped: { by: 'caller' }, complete: false, balanced: true, guard: { guard: 'interrupted' } });
    expect(await treeOf(to)).toMatchObject({ aaa: 'extra' });
  });

  it('tells a dry run what would trip', async () => {
    const to = await bucketOf(OLD);
    const { report } = await ran(await bucketOf(NEW), to.with(untouchable), { ...DELETE, dryRun: true, maxDelete: { objects: 1 } });
    expect(report.guard?.guard).toBe('max-delete');
    expect(await treeOf(to)).toEqual(OLD);
  });
});

it('deletes only the revision that was listed', async () => {
  const to = await bucketOf({ a: '1', extra: 'as listed', other: 'x' });
  const from = await bucketOf({ a: '2' });
  const raced: Layer = (inner) =>
    delegate(inner, {
      async deleteMany(items, o) {
        await to.put('extra', 'written meanwhile');
        return inner.deleteMany(items, o);
      },
    });
  const { outcomes, report } = await ran(from, to.with(raced), DELETE);
  expect(byKey(outcomes)).toEqual({ a: 'updated:checksum', extra: 'conflict:destination-changed', other: 'deleted' });
  expect(await treeOf(to)).toEqual({ a: '2', extra: 'written meanwhile' });
  expect(report.balanced).toBe(true);
});
