import { compareKeys, delegate, type Layer, type ListIssue, type ListPage } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import { type Action, ListingFailure, Planner, type PlanOptions } from '../src/index.ts';
import { bucketOf, capable, noChecksums, type Tree, withIssues } from './trees.ts';

const MIRROR: PlanOptions = { delete: true };

/** `kind` or `kind:reason` of each key, in the order of the plan. */
async function planned(planner: Planner): Promise<string[]> {
  const lines: string[] = [];
  for await (const actions of planner.actions()) for (const action of actions) lines.push(`${action.key} ${word(action)}`);
  return lines;
}

function word(action: Action): string {
  if (action.kind === 'update') return `update:${action.why}`;
  return 'reason' in action ? `${action.kind}:${action.reason}` : action.kind;
}

async function planOf(
  source: Tree,
  destination: Tree,
  o: PlanOptions,
  sourceLayers: Layer[] = [],
  destinationLayers: Layer[] = [],
): Promise<{ lines: string[]; planner: Planner }> {
  const planner = new Planner(await bucketOf(source, ...sourceLayers), await bucketOf(destination, ...destinationLayers), o);
  return { lines: await planned(planner), planner };
}

const disk = capable((c) => ({ ...c, keys: { ...c.keys, nested: false } }));
const issue = (kind: ListIssue['kind'], key: string): ListIssue => ({ kind, key, message: `about ${key}` });

describe('Planner', () => {
  it('has one action for each key of either side, in byte order', async () => {
    const { lines, planner } = await planOf({ a: '1', b: '2', c: '3', '\uE000': 'x', '😀': 'y' }, { b: '2', c: 'three', d: '4', '😀': 'y' }, MIRROR, [
      noChecksums,
    ]);
    expect(lines).toEqual(['a copy', 'b same', 'c update:size', 'd delete', '\uE000 copy', '😀 same']);
    expect(planner.keys).toBe(6);
    expect(planner.source).toEqual({ objects: 5, bytes: 5, issues: 0 });
    expect(planner.destination).toEqual({ objects: 4, bytes: 8, issues: 0 });
  });

  it('skips what only the destination has, unless it is to delete', async () => {
    expect((await planOf({ a: '1' }, { a: '1', b: '' }, {})).lines).toEqual(['a same', 'b skip:extra']);
  });

  it('keeps to its range, of which both ends are exclusive', async () => {
    const tree = { a: '1', b: '2', c: '3', d: '4' };
    expect((await planOf(tree, { c: '3', e: '5' }, { ...MIRROR, range: { startAfter: 'a', until: 'd' } })).lines).toEqual(['b copy', 'c same']);
  });

  it('asks for content to be compared where no listing tells', async () => {
    expect((await planOf({ a: 'x' }, { a: 'y' }, { comparison: 'content' }, [noChecksums], [noChecksums])).lines).toEqual(['a compare']);
  });

  it('finds keys that the destination cannot hold', async () => {
    const refusing: Layer = (inner) => delegate(inner, { checkKey: (key) => (key.includes('?') ? 'it has a question mark' : undefined) });
    expect((await planOf({ 'a?': '1', b: '2' }, {}, MIRROR, [], [refusing])).lines).toEqual(['a? conflict:invalid-key', 'b copy']);
  });

  it('takes names that no store may be asked for as keys that the destination cannot hold', async () => {
    const renamed: Layer = (inner) =>
      delegate(inner, {
        async *list(o) {
          for await (const page of inner.list(o))
            yield { ...page, objects: page.objects.map((info, i) => ({ ...info, key: ['.', '..', '../a'][i] ?? info.key })) };
        },
      });
    const { lines } = await planOf({ a: '1', b: '2', c: '3', d: '4' }, {}, {}, [renamed]);
    expect(lines).toEqual(['. conflict:invalid-key', '.. conflict:invalid-key', '../a conflict:invalid-key', 'd copy']);
  });

  it('finds keys beneath keys, where the destination cannot hold both', async () => {
    const tree = { a: '1', 'a.b': '2', 'a/b': '3' };
    expect((await planOf(tree, {}, MIRROR, [], [disk])).lines).toEqual(['a copy', 'a.b copy', 'a/b conflict:key-conflict']);
    expect((await planOf(tree, {}, MIRROR)).lines).toEqual(['a copy', 'a.b copy', 'a/b copy']);
  });

  it('knows a key beneath another that the destination holds already', async () => {
    expect((await planOf({ a: '1', 'a/b': '3' }, { 'a/b': '3' }, MIRROR, [], [disk])).lines).toEqual(['a copy', 'a/b same']);
  });

  describe('where the source could not be read', () => {
    it('deletes nothing beneath it, and doubts the listing', async () => {
      const { lines, planner } = await planOf({ a: '1' }, { a: '1', 'dir/x': '2', 'dir/y/z': '3', e: '4' }, MIRROR, [withIssues(issue('unreadable', 'dir/'))]);
      expect(lines).toEqual(['a same', 'dir/ fail:unreadable', 'dir/x skip:unknown', 'dir/y/z skip:unknown', 'e delete']);
      expect(planner.doubtful).toBe(1);
      expect(planner.doubts[0]).toContain('the source could not be read at "dir/"');
    });

    it('takes a name without a slash for a file or a folder', async () => {
      const { lines } = await planOf({}, { x: '0', 'x-': '1', 'x.txt': '2', 'x/y': '3', x0: '4' }, MIRROR, [withIssues(issue('unreadable', 'x'))]);
      expect(lines).toEqual(['x fail:unreadable', 'x- delete', 'x.txt delete', 'x/y skip:unknown', 'x0 delete']);
    });

    it('counts a name that is no key as a conflict', async () => {
      const { lines, planner } = await planOf({ b: '1' }, {}, MIRROR, [withIssues(issue('invalid-name', 'a\uFFFD'))]);
      expect(lines).toEqual(['a\uFFFD conflict:invalid-key', 'b copy']);
      expect(planner.doubtful).toBe(1);
    });

    it('takes two names that are shown alike for two', async () => {
      const { lines, planner } = await planOf({ b: '1' }, {}, MIRROR, [withIssues(issue('invalid-name', 'a\uFFFD'), issue('invalid-name', 'a\uFFFD'))]);
      expect(lines).toEqual(['a\uFFFD conflict:invalid-key', 'a\uFFFD conflict:invalid-key', 'b copy']);
      expect(planner.keys).toBe(3);
    });

    it('stays exact while many issues pass by', async () => {
      const issues = Array.from({ length: 500 }, (_, i) => issue('symlink', `l${String(i).padStart(4, '0')}`));
      const { lines } = await planOf({}, { 'l0000/x': '1', 'l0499/x': '2', l0500: '3' }, MIRROR, [withIssues(...issues)]);
      expect(lines.filter((line) => !line.endsWith('skip:symlink'))).toEqual(['l0500 delete']);
      expect(lines).toContain('l0000/x skip:symlink');
      expect(lines).toContain('l0499/x skip:symlink');
    });
  });

  it('skips links and what is no file at the source, and keeps what the destination has there', async () => {
    const { lines, planner } = await planOf({}, { link: '1', 'link/in': '2', pipe: '3' }, MIRROR, [
      withIssues(issue('symlink', 'link'), issue('not-a-file', 'pipe')),
    ]);
    expect(lines).toEqual(['link skip:symlink', 'link/in skip:symlink', 'pipe skip:not-a-file']);
    expect(planner.doubtful).toBe(0);
  });

  describe('where the destination could not be read', () => {
    it('fails what the source has there, and doubts the listing', async () => {
      const { lines, planner } = await planOf({ a: '1', 'dir/x': '2' }, {}, {}, [], [withIssues(issue('unreadable', 'dir/'))]);
      expect(lines).toEqual(['a copy', 'dir/ skip:unreadable', 'dir/x fail:unreadable']);
      expect(planner.doubtful).toBe(1);
    });

    it('is a failure of its own where it is to delete', async () => {
      expect((await planOf({ a: '1' }, {}, MIRROR, [], [withIssues(issue('unreadable', 'z/'))])).lines).toEqual(['a copy', 'z/ fail:unreadable']);
    });

    it('at the very key of a source object', async () => {
      const { lines, planner } = await planOf({ a: '1' }, {}, MIRROR, [], [withIssues(issue('unreadable', 'a'))]);
      expect(lines).toEqual(['a fail:unreadable']);
      expect(planner.doubtful).toBe(1);
    });

    it('finds links in the way', async () => {
      const { lines } = await planOf(
        { link: '1', 'link/in': '2', pipe: '3' },
        {},
        MIRROR,
        [],
        [withIssues(issue('symlink', 'link'), issue('not-a-file', 'pipe'))],
      );
      expect(lines).toEqual(['link conflict:not-an-object', 'link/in conflict:not-an-object', 'pipe conflict:not-an-object']);
    });
  });

  describe('refuses listings that are out of order', () => {
    const listing =
      (...keys: string[]): Layer =>
      (inner) =>
        delegate(inner, {
          async *list(o): AsyncGenerator<ListPage, void, undefined> {
            for await (const page of inner.list(o)) yield { ...page, objects: keys.map((key) => page.objects.find((info) => info.key === key) ?? failed(key)) };
          },
        });
    const failed = (key: string): never => {
      throw new Error(`no ${key}`);
    };
    it.each([
      ['the source', [listing('a', 'c', 'b')], [], 'source'],
      ['the destination', [], [listing('a', 'c', 'b')], 'destination'],
      ['the source, by a key that comes twice', [listing('a', 'b', 'b', 'c')], [], 'source'],
    ] as const)('of %s', async (_, sourceLayers, destinationLayers, side) => {
      const tree = { a: '1', b: '2', c: '3' };
      const planner = new Planner(await bucketOf(tree, ...sourceLayers), await bucketOf(tree, ...destinationLayers), MIRROR);
      const given: string[] = [];
      const run = async (): Promise<void> => {
        for await (const actions of planner.actions()) given.push(...actions.map(({ key }) => key));
      };
      await expect(run()).rejects.toSatisfy((error) => error instanceof ListingFailure && error.side === side && /not in UTF-8 byte order/.test(error.message));
      // What came before the fault has been given, once, in order.
      expect(given).toEqual(given.toSorted(compareKeys));
      expect(new Set(given).size).toBe(given.length);
      expect(planner.keys).toBe(given.length);
    });

    it('in UTF-16 order', async () => {
      const planner = new Planner(await bucketOf({ '\uE000': '1', '😀': '2' }, listing('😀', '\uE000')), await bucketOf({}), MIRROR);
      await expect(planned(planner)).rejects.toThrow(/not in UTF-8 byte order/);
    });
  });
});
