import { type Bucket, type BucketDriver, compareKeys, delegate, type Layer, type ListIssue, type ListOptions, openBucket, StorageError } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoveredPrefixes } from '../src/covered-prefixes.ts';
import type { MirrorOptions, PlanOptions } from '../src/index.ts';
import { ancestorsOf } from '../src/key-ancestors.ts';
import { BoundarySearch } from '../src/key-boundaries.ts';
import { RangePlanner } from '../src/range-planner.ts';
import { bucketOf, capable, noChecksums, ran, type Tree, treeOf } from './trees.ts';

const SPLIT: Partial<MirrorOptions> = { ranges: { atOnce: 4, afterPages: 1, afterMs: 0 }, now: () => performance.now() };

const keys = Array.from({ length: 400 }, (_, i) => `photos/2026/${String(i).padStart(4, '0')}.jpg`);
const tree: Tree = Object.fromEntries(keys.map((key) => [key, key]));

interface Listings {
  readonly layer: Layer;
  /** Listings for entries, and questions for the next key. */
  readonly asked: ListOptions[];
  readonly questions: ListOptions[];
  open: number;
  most: number;
}

/** Listings of small pages that each take a moment; `each` may fail one, or change how it is asked for. */
function slow(page: number, ms: number, each: (o: ListOptions, pages: number) => ListOptions | void = () => undefined): Listings {
  const seen: Listings = {
    asked: [],
    questions: [],
    open: 0,
    most: 0,
    layer: (inner) =>
      delegate(inner, {
        async *list(o): ReturnType<BucketDriver['list']> {
          (o.limit === undefined ? seen.asked : seen.questions).push(o);
          seen.most = Math.max(seen.most, ++seen.open);
          try {
            let pages = 0;
            for await (const given of inner.list({ ...(each(o, 0) ?? o), limit: o.limit ?? page })) {
              await sleep(o.limit === undefined ? ms : 0, undefined, o.signal === undefined ? {} : { signal: o.signal });
              each(o, ++pages);
              yield given;
            }
          } finally {
            seen.open--;
          }
        },
      }),
  };
  return seen;
}

const behind = ({ asked }: Listings): number => asked.filter(({ startAfter }) => startAfter !== undefined).length;

describe('a mirror run in ranges', () => {
  it('lists a slow side in several at once, and gives each key one outcome', async () => {
    const listings = slow(10, 4);
    const { report, outcomes } = await ran(await bucketOf(tree, noChecksums, listings.layer), await bucketOf(tree, noChecksums), { ...SPLIT, delete: true });
    expect(behind(listings)).toBeGreaterThanOrEqual(3);
    expect(listings.most).toBeGreaterThan(1);
    expect(listings.open).toBe(0);
    expect(report).toMatchObject({ keys: 400, balanced: true, complete: true, counts: { same: { objects: 400 } } });
    expect(outcomes.map(({ key }) => key).toSorted(compareKeys)).toEqual(keys);
  });

  it('never asks for more than the pages where these are few', async () => {
    const listings = slow(100, 120);
    await ran(await bucketOf(tree, noChecksums, listings.layer), await bucketOf(tree, noChecksums), { now: () => performance.now() });
    expect(listings.asked).toHaveLength(1);
    expect(listings.questions).toEqual([]);
  });

  const serial = capable((c) => ({ ...c, list: { ...c.list, serial: true } }));
  const unordered = capable((c) => ({ ...c, list: { ...c.list, order: 'none' } }));
  const emulated = capable((c) => ({ ...c, list: { ...c.list, startAfter: 'emulated' } }));
  it.each<[string, Layer[], Layer[], Partial<MirrorOptions>]>([
    ['both sides are read by a thread each', [serial], [serial], {}],
    ['a side is sorted first', [unordered], [], {}],
    ['a listing cannot begin in the middle', [], [emulated], {}],
    ['one range is asked for', [], [], { ranges: { atOnce: 1, afterPages: 1, afterMs: 0 } }],
  ])('is never split where %s', async (_, source, destination, options) => {
    const listings = slow(10, 4);
    const { report } = await ran(await bucketOf(tree, noChecksums, listings.layer, ...source), await bucketOf(tree, noChecksums, ...destination), {
      ...SPLIT,
      ...options,
    });
    expect(report.counts.same.objects).toBe(400);
    expect(listings.asked).toHaveLength(1);
    expect(listings.questions).toEqual([]);
  });

  it('deletes nothing where the listing of one of them breaks, and ends all', async () => {
    const listings = slow(10, 4, ({ startAfter = '', limit }, pages) => {
      if (limit === undefined && compareKeys(startAfter, 'photos/2026/02') > 0 && pages === 2) throw new StorageError('AccessDenied', 'injected fault');
    });
    const to = await bucketOf({ ...tree, extra: '1', zzz: '2' }, noChecksums);
    const { report, outcomes } = await ran(await bucketOf(tree, noChecksums, listings.layer), to, { ...SPLIT, delete: true });
    expect(behind(listings)).toBeGreaterThan(0);
    expect(report).toMatchObject({ complete: false, balanced: true, stopped: { by: 'listing', side: 'source' } });
    expect(outcomes.filter(({ kind }) => kind === 'deleted')).toEqual([]);
    expect(await treeOf(to)).toHaveProperty('zzz');
    expect(listings.open).toBe(0);
  });

  it('is never split where a side is sorted that has broken its promise', async () => {
    const listings = slow(10, 4);
    let clock = 0;
    const plan: PlanOptions = { sort: ['destination'] };
    const planner = new RangePlanner(await bucketOf(tree, noChecksums, listings.layer), await bucketOf(tree, noChecksums), plan, () => clock++, SPLIT.ranges);
    for await (const actions of planner.actions()) expect(actions.length).toBeGreaterThan(0);
    await planner.close();
    expect(planner.sums.keys).toBe(400);
    expect(listings.questions).toEqual([]);
  });

  it('goes on in one where only the search for others fails', async () => {
    const listings = slow(10, 4, ({ limit }) => {
      if (limit === 1) throw new StorageError('InvalidArgument', 'injected fault');
    });
    const { report } = await ran(await bucketOf(tree, noChecksums, listings.layer), await bucketOf(tree, noChecksums), SPLIT);
    expect(report).toMatchObject({ complete: true, balanced: true, keys: 400 });
    expect(listings.questions.length).toBeGreaterThan(0);
    expect(listings.asked).toHaveLength(1);
  });

  const without =
    (...names: ('startAfter' | 'until')[]) =>
    ({ startAfter, until, ...o }: ListOptions): ListOptions => ({
      ...o,
      ...(startAfter === undefined || names.includes('startAfter') ? {} : { startAfter }),
      ...(until === undefined || names.includes('until') ? {} : { until }),
    });
  it.each<[string, (o: ListOptions) => ListOptions | void]>([
    ['startAfter', without('startAfter')],
    ['startAfter where entries are asked for', (o) => (o.limit === undefined ? without('startAfter')(o) : o)],
    ['until', without('until')],
    ['until where entries are asked for', (o) => (o.limit === undefined ? without('until')(o) : o)],
  ])('finds a store that ignores %s, and deletes nothing', async (_, each) => {
    const listings = slow(10, 4, each);
    const to = await bucketOf({ ...tree, extra: '1', zzz: '2' }, noChecksums);
    const { report, outcomes } = await ran(await bucketOf(tree, noChecksums, listings.layer), to, { ...SPLIT, delete: true });
    expect(report).toMatchObject({ complete: false, balanced: true, stopped: { by: 'listing', side: 'source' } });
    expect(outcomes.filter(({ kind }) => kind === 'deleted')).toEqual([]);
    expect(Object.keys(await treeOf(to))).toHaveLength(402);
  });

  it.each(['startAfter', 'until'] as const)('finds a store that ignores %s where folders are asked for, and deletes nothing', async (name) => {
    const folders: Tree = Object.fromEntries(keys.map((key, i) => [`photos/${String(i % 40).padStart(2, '0')}/${key.slice(-8)}`, key]));
    const listings = slow(10, 4, (o) => (o.delimiter === undefined ? o : without(name)(o)));
    const to = await bucketOf({ ...folders, 'photos/05/extra': '1' }, noChecksums);
    const options = { ...SPLIT, delete: true, range: { startAfter: 'photos/00/', until: 'photos/20/' } };
    const { report, outcomes } = await ran(await bucketOf(folders, noChecksums, listings.layer), to, options);
    expect(listings.questions.some(({ delimiter }) => delimiter === '/')).toBe(true);
    expect(report).toMatchObject({ complete: false, balanced: true, stopped: { by: 'listing', side: 'source' } });
    expect(outcomes.filter(({ kind }) => kind === 'deleted')).toEqual([]);
  });

  it('a signal ends all of them', async () => {
    const over = new AbortController();
    const listings = slow(5, 20);
    setTimeout(() => over.abort(), 150);
    const { report } = await ran(await bucketOf(tree, noChecksums, listings.layer), await bucketOf(tree, noChecksums), { ...SPLIT, signal: over.signal });
    expect(report).toMatchObject({ complete: false, balanced: true });
    expect(listings.open).toBe(0);
  });

  it('keeps to the range that it is given', async () => {
    const listings = slow(10, 4);
    const range = { startAfter: keys[50] as string, until: keys[350] as string };
    const { report } = await ran(await bucketOf(tree, noChecksums, listings.layer), await bucketOf(tree, noChecksums), { ...SPLIT, range });
    expect(behind(listings)).toBeGreaterThanOrEqual(3);
    expect(report).toMatchObject({ keys: 299, balanced: true, complete: true });
  });
});

describe('what covers keys behind a boundary', () => {
  const issue = (key: string, kind: ListIssue['kind'] = 'symlink'): ListIssue => ({ key, kind, message: `about ${key}` });

  it.each([
    ['a/b/c', '', ['a', 'a/', 'a/b', 'a/b/', 'a/b/c']],
    ['a/b/c', 'a/', ['a/b', 'a/b/', 'a/b/c']],
    ['ab-c', '', ['ab', 'ab-c']],
    ['ab0c', '', ['ab0c']],
    ['a//', '', ['a', 'a/', 'a//']],
    ['a😀/', '', ['a😀', 'a😀/']],
  ])('can lie, for %j behind %j, at %j', (boundary, after, expected) => {
    expect(ancestorsOf(boundary, after)).toEqual(expected);
  });

  it('goes along with those that follow', () => {
    const covered = new CoveredPrefixes();
    for (const key of ['a', 'a/b/', 'a/b/c']) covered.add(issue(key));
    const clone = covered.clone();
    expect(clone.covering('a/b/c/d')?.key).toBe('a');
    expect(clone.covering('a0')).toBeUndefined();
    expect(covered.covering('a/b/c/d')?.key).toBe('a');
    expect(clone.covers(issue('x/'))).toBe(false);
    expect(covered.covers(issue('a/x', 'unreadable'))).toBe(true);
  });

  it('is everything, where the place itself is told', () => {
    const covered = new CoveredPrefixes();
    covered.add(issue('', 'unreadable'));
    expect(covered.covering('any/key')?.message).toBe('about ');
  });

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stowage-ranges-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A disk on which `d/link` is a link to nowhere, beside files. */
  function disk(): Bucket {
    mkdirSync(join(folder, 'd'));
    symlinkSync('/nowhere', join(folder, 'd', 'link'));
    for (const name of ['a', 'link-', 'z']) writeFileSync(join(folder, 'd', name), name);
    return openBucket(fsDriver({ root: folder }));
  }

  const beneath: Tree = { 'd/a': 'a', 'd/link-': 'link-', 'd/z': 'z', ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`d/link/${i}`, 'x'])) };

  /** The plan, split where it is told to be. */
  async function planned(from: Bucket, to: Bucket, boundary: string): Promise<{ lines: string[]; split: boolean }> {
    let clock = 0;
    const planner = new RangePlanner(
      from,
      to,
      { delete: true, comparison: 'size' },
      () => clock++,
      { afterPages: 1, afterMs: 0 },
      () => ({ find: async () => [boundary] }),
    );
    const lines: string[] = [];
    let last = '';
    let split = false;
    for await (const actions of planner.actions()) {
      for (const { key, kind, ...action } of actions) {
        split ||= compareKeys(last, key) > 0;
        last = key;
        lines.push(`${key} ${kind}${'reason' in action ? `:${action.reason}` : ''}`);
      }
    }
    await planner.close();
    return { lines: lines.toSorted(), split };
  }

  it.each(['d/link', 'd/link-', 'd/link.', 'd/link/', 'd/link/3', 'd/link/\u{10FFFF}'])('a link of a disk, at %j', async (boundary) => {
    const away = await bucketOf(beneath, noChecksums, slow(3, 1).layer);
    for (const [from, to] of [
      [disk(), away],
      [away, openBucket(fsDriver({ root: folder }))],
    ] as const) {
      const { lines } = await planned(from, to, boundary);
      const others = lines.filter((line) => !/^d\/link(?:\/| )/.test(line));
      expect(others).toEqual(['d/a same', 'd/link- same', 'd/z same']);
      const word = from === away ? 'conflict:not-an-object' : 'skip:symlink';
      expect(lines.filter((line) => line.endsWith(word))).toHaveLength(from === away ? 60 : 61);
    }
  });
});

describe('as many ranges as make the listing faster', () => {
  /** The most ranges at once over a store whose pages take `msAt` of a clock, for as many as are asked for at once. */
  async function mostAt(msAt: (atOnce: number) => number): Promise<number> {
    let clock = 0;
    let atOnce = 0;
    let most = 0;
    const layer: Layer = (inner) =>
      delegate(inner, {
        async *list(o): ReturnType<BucketDriver['list']> {
          if (o.limit !== undefined) {
            yield* inner.list(o);
            return;
          }
          most = Math.max(most, ++atOnce);
          try {
            for await (const page of inner.list({ ...o, limit: 2 })) {
              await sleep(1);
              clock += msAt(atOnce);
              yield page;
            }
          } finally {
            atOnce--;
          }
        },
      });
    const planner = new RangePlanner(await bucketOf(tree, noChecksums, layer), await bucketOf(tree), { comparison: 'size' }, () => clock, {
      afterPages: 1,
      afterMs: 1,
    });
    let given = 0;
    for await (const actions of planner.actions()) given += actions.length;
    await planner.close();
    expect(given).toBe(keys.length);
    return most;
  }

  it('all, where the store answers several at once as fast as one', async () => {
    expect(await mostAt((atOnce) => 40 / atOnce)).toBe(8);
  });

  it('one, and another that is tried, where it answers one after another', async () => {
    expect(await mostAt(() => 40)).toBe(2);
  });
});

describe('BoundarySearch', () => {
  const search = (from: readonly string[]): { found: BoundarySearch; asked: () => number } => {
    let count = 0;
    const found = new BoundarySearch(async (mark, until, prefix) => {
      count++;
      return from.find((key) => key.startsWith(prefix) && compareKeys(key, mark) > 0 && (until === undefined || compareKeys(key, until) < 0));
    });
    return { found, asked: () => count };
  };
  /** How many keys come to each part. */
  const sizes = (from: readonly string[], boundaries: readonly string[]): number[] =>
    [...boundaries, undefined].map((end, i) => {
      const start = boundaries[i - 1];
      return from.filter((key) => (start === undefined || compareKeys(key, start) > 0) && (end === undefined || compareKeys(key, end) <= 0)).length;
    });
  const many = (make: (i: number) => string): string[] => Array.from({ length: 4000 }, (_, i) => make(i)).toSorted(compareKeys);

  it.each<[string, string[], number]>([
    ['numbers', many((i) => `a/long/common/prefix/${String(i).padStart(9, '0')}.jpg`), 4],
    ['folders', many((i) => `photos/${2000 + (i % 20)}/${i}`), 4],
    ['hexadecimal', many((i) => ((i * 2_654_435_761) >>> 0).toString(16).padStart(8, '0')), 6],
    ['letters beyond the basic plane', many((i) => `😀/${String.fromCodePoint(0x1f300 + (i % 500))}${i}`), 2],
    ['keys on both sides of the surrogates', many((i) => `${i % 2 === 0 ? '\uD7FF' : '\uE000'}${i}`), 2],
  ])('divides %s', async (_, from, parts) => {
    const { found, asked } = search(from);
    const boundaries = await found.find(from[0] as string, undefined, 8);
    expect(boundaries).toEqual(boundaries.toSorted(compareKeys));
    expect(boundaries.every((boundary) => boundary.isWellFormed())).toBe(true);
    const filled = sizes(from, boundaries).filter((size) => size > from.length / 50);
    expect(filled.length).toBeGreaterThanOrEqual(parts);
    // Pages of a thousand keys would be no more than that.
    expect(asked()).toBeLessThan(300);
  });

  /** As a store answers that groups keys by folders. */
  const byFolders = (from: readonly string[], most = 1000): { found: BoundarySearch; asked: () => number; prefixes: string[] } => {
    let count = 0;
    const prefixes: string[] = [];
    const found = new BoundarySearch(
      () => {
        count++;
        return Promise.resolve(undefined);
      },
      (mark, until, prefix) => {
        prefixes.push(prefix);
        const entries = new Set(
          from
            .filter((key) => key.startsWith(prefix) && (until === undefined || compareKeys(key, until) < 0))
            .map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1 || undefined))
            .filter((entry) => compareKeys(entry, mark) > 0),
        );
        const folders = [...entries].filter((entry) => entry.endsWith('/'));
        return Promise.resolve(entries.size > most ? undefined : { folders, objects: entries.size > folders.length });
      },
    );
    return { found, asked: () => count, prefixes };
  };

  it('divides evenly between folders, and asks for no more than these', async () => {
    const from = many((i) => `photos/by-day/${String(i % 80).padStart(3, '0')}/${i}`);
    const { found, asked, prefixes } = byFolders(from);
    const boundaries = await found.find(from[0] as string, undefined, 8);
    expect(boundaries).toEqual(boundaries.toSorted(compareKeys));
    expect(sizes(from, boundaries)).toEqual(Array.from({ length: 8 }, () => 500));
    expect(asked()).toBe(0);
    // Where there is one folder alone, what is in it is looked at.
    expect(prefixes).toEqual(['', 'photos/', 'photos/by-day/']);
    // In the middle, and with an end, it begins where all keys lie.
    prefixes.length = 0;
    const some = await found.find('photos/by-day/020/20', 'photos/by-day/060/', 4);
    expect(some.every((boundary) => boundary > 'photos/by-day/020/20' && boundary < 'photos/by-day/060/')).toBe(true);
    expect(some).toHaveLength(3);
    expect(prefixes).toEqual(['photos/by-day/']);
  });

  it('does not divide between folders where there are too few or too many, or objects beside one', async () => {
    for (const [from, most] of [
      [many((i) => `a/${i % 3}/${i}`), 1000],
      [many((i) => `${i}/x`), 1000],
      [['a', ...many((i) => `b/${i % 50}/${i}`)], 1000],
    ] as const) {
      const { found, asked } = byFolders(from, most);
      const [first = ''] = from;
      expect(await found.find(first, undefined, 8)).toEqual([]);
      expect(asked()).toBeGreaterThan(0);
    }
  });

  it('finds nothing to divide among few keys', async () => {
    expect(await search(['a']).found.find('a', undefined, 8)).toEqual([]);
    expect(await search([]).found.find('a', undefined, 8)).toEqual([]);
    expect(await search(['a', 'a/b']).found.find('a', 'a/a', 8)).toEqual([]);
  });
});
