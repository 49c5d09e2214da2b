import { type Bucket, type BucketDriver, compareKeys, delegate, type Layer, type ListIssue, type ListOptions, type ListPage } from '@stowage/core';
import fc from 'fast-check';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { type Action, KeyFilter, type PlanOptions, Planner, type PlanSums } from '../src/index.ts';
import { SyncedTable } from '../src/journal/synced-revisions.ts';
import { RangePlanner } from '../src/range-planner.ts';
import { bucketOf, capable, noChecksums, type Tree } from './trees.ts';

const isFolder = (key: string): boolean => key.endsWith('/');

/**
 * A listing like that of a disk: an unreadable folder is told to whoever asks for anything in it, and what lies there is not listed;
 * a folder with a name that is no key only to who lists the folder that it is in.
 */
function diskLike(issues: readonly ListIssue[], page: number, ticks: number, seen?: (o: ListOptions) => void): Layer {
  return (inner) =>
    delegate(inner, {
      async *list(o): ReturnType<BucketDriver['list']> {
        seen?.(o);
        const { prefix = '', startAfter, until, limit = page } = o;
        const hides = (entry: Partial<ListIssue>): boolean =>
          entry.kind !== undefined && entry.kind !== 'invalid-name' && entry.key !== undefined && isFolder(entry.key);
        const within = (entry: Partial<ListIssue> & { readonly key: string }): boolean =>
          entry.key.startsWith(prefix) &&
          !(entry.kind === 'invalid-name' && isFolder(entry.key) && entry.key === prefix) &&
          (startAfter === undefined || compareKeys(entry.key, startAfter) > 0 || (hides(entry) && startAfter.startsWith(entry.key))) &&
          (until === undefined || compareKeys(entry.key, until) < 0);
        const hidden = issues.filter(hides);
        let objects: ListPage['objects'][number][] = [];
        for await (const whole of inner.list({})) objects.push(...whole.objects);
        objects = objects.filter(
          (object) =>
            within(object) && (startAfter === undefined || compareKeys(object.key, startAfter) > 0) && !hidden.some((each) => object.key.startsWith(each.key)),
        );
        const entries = [...objects.map((object) => ({ key: object.key, object })), ...issues.filter(within).map((issue) => ({ key: issue.key, issue }))];
        entries.sort((a, b) => compareKeys(a.key, b.key));
        const size = Math.min(page, limit);
        for (let at = 0; at === 0 || at < entries.length; at += size) {
          for (let i = 0; i < (o.limit === undefined ? ticks : 1); i++) await new Promise(setImmediate);
          const some = entries.slice(at, at + size);
          yield {
            objects: some.flatMap((entry) => ('object' in entry ? [entry.object] : [])),
            prefixes: [],
            issues: some.flatMap((entry) => ('issue' in entry ? [entry.issue] : [])),
            ...(at + size < entries.length ? { cursor: String(at + size) } : {}),
          };
        }
      },
    });
}

const token = fc.constantFrom('a', 'b', 'ab', '/', '-', '.x', ' ', '0', '9', '\u007f', 'é', '\uD7FF', '\uE000', '\uFFFD', '😀', '\u{10FFFF}', 'same/same-');
const anyKey = fc
  .tuple(fc.constantFrom('', '', 'a', 'a/', 'photos/2026/', '\u{10FFFF}'), fc.array(token, { minLength: 1, maxLength: 4 }))
  .map(([start, rest]) => start + rest.join(''))
  .filter((k) => !/(^|\/)\.\.?(\/|$)/.test(k));
const tree = fc.dictionary(anyKey, fc.constantFrom('', 'x', 'y', 'longer'), { maxKeys: 40, size: 'max' }).map((d): Tree => ({ ...d }));
const issue = fc.record({
  key: fc.oneof(
    anyKey,
    anyKey.map((k) => `${k}/`),
  ),
  kind: fc.constantFrom<ListIssue['kind']>('unreadable', 'invalid-name', 'symlink', 'not-a-file'),
});
const issues = fc
  .uniqueArray(issue, { maxLength: 5, selector: ({ key: k }) => k })
  .map((found) => found.map(({ key: k, kind }): ListIssue => ({ key: k, kind, message: `about ${k}` })));

interface Planned {
  readonly lines: readonly string[];
  readonly sums: Pick<PlanSums, 'source' | 'destination' | 'keys' | 'doubtful'>;
  readonly doubts: readonly string[];
  readonly synced: readonly unknown[];
  readonly missing: readonly string[];
}

interface Case {
  readonly from: Bucket;
  readonly to: Bucket;
  readonly plan: PlanOptions;
  readonly filtered: boolean;
  readonly wanted: readonly string[];
  readonly rows: readonly string[];
}

type Compared = Pick<RangePlanner, 'actions' | 'close'> & { readonly sums: PlanSums };

function single(from: Bucket, to: Bucket, o: PlanOptions): Compared {
  const planner = new Planner(from, to, o);
  const { source, destination } = planner;
  return {
    actions: () => planner.actions(),
    close: () => planner.close(),
    get sums() {
      return { source, destination, keys: planner.keys, doubts: planner.doubts, doubtful: planner.doubtful, inOrder: planner.inOrder } as PlanSums;
    },
  };
}

/** All that an action says, revisions aside. */
function lineOf(action: Action): string {
  return JSON.stringify({ ...action, source: 'source' in action, destination: 'destination' in action });
}

async function planned({ plan, filtered, wanted, rows }: Case, make: (o: PlanOptions) => Compared): Promise<Planned> {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE synced (key TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT NOT NULL) STRICT, WITHOUT ROWID');
  const table = new SyncedTable(db, true, (work) => work());
  for (const row of rows) table.remember(row, { etag: `"of ${row}"` }, { etag: '"1"' });
  table.flush();
  const filter = filtered
    ? new KeyFilter({
        rules: [
          { include: false, pattern: '*9' },
          { include: false, pattern: 'b/' },
        ],
        ...(wanted.length === 0 ? {} : { keys: wanted }),
      })
    : undefined;
  const planner = make({ ...plan, ...(filter === undefined ? {} : { filter }), synced: (range) => table.cursor(range) });
  const lines: string[] = [];
  try {
    for await (const actions of planner.actions()) {
      const keys = actions.map((action) => action.key);
      expect(keys).toEqual(keys.toSorted(compareKeys));
      lines.push(...actions.map(lineOf));
    }
  } finally {
    await planner.close();
  }
  table.flush();
  const { source, destination, keys, doubtful, doubts } = planner.sums;
  return {
    lines: lines.toSorted(),
    sums: { source: { ...source }, destination: { ...destination }, keys, doubtful },
    doubts: doubts.toSorted(),
    synced: db.prepare('SELECT key FROM synced ORDER BY key').all(),
    missing: (filter?.missing ?? []).toSorted(),
  };
}

const cases = fc.record({
  source: tree,
  destination: tree,
  sourceIssues: issues,
  destinationIssues: issues,
  pages: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  ticks: fc.integer({ min: 1, max: 6 }),
  nested: fc.boolean(),
  filtered: fc.boolean(),
  wanted: fc.array(anyKey, { maxLength: 2 }),
  trash: fc.boolean(),
  rows: fc.array(anyKey, { maxLength: 20 }),
  range: fc.option(fc.uniqueArray(anyKey, { minLength: 2, maxLength: 2 }).map((two) => two.toSorted(compareKeys))),
  atOnce: fc.integer({ min: 2, max: 8 }),
  /** What lies beneath issues and keys, and close to them. */
  near: fc.array(fc.constantFrom('-', '.', '/', '/-', '/a', '//', '/b/c', '/b/c/', '0', '/\u{10FFFF}'), { minLength: 1, maxLength: 5 }),
  boundaries: fc.array(
    fc.oneof(
      anyKey,
      anyKey.map((k) => `${k}/`),
    ),
    { maxLength: 12 },
  ),
});

type Cases = typeof cases extends fc.Arbitrary<infer C> ? C : never;

function closeTo({ near }: Cases, issuesThere: readonly ListIssue[]): string[] {
  return issuesThere.flatMap(({ key: at }) => near.map((end) => at.replace(/\/$/, '') + end)).filter((k) => !/(^|\/)\.\.?(\/|$)/.test(k));
}

function treeOver(keys: readonly string[]): Tree {
  return Object.fromEntries(keys.map((k) => [k, k]));
}

/** Compares in ranges and in one; gives how often a range was begun behind another. */
async function compared(c: Cases, boundaries?: readonly string[]): Promise<number> {
  let begun = 0;
  const seen = (o: ListOptions): void => {
    if (o.limit === undefined && o.startAfter !== undefined && o.startAfter !== c.range?.[0]) begun++;
  };
  const source = { ...c.source, ...treeOver(closeTo(c, c.destinationIssues)) };
  const shared = Object.fromEntries(Object.entries(c.source).filter((_, i) => i % 2 === 0));
  const destination = { ...c.destination, ...shared, ...treeOver(closeTo(c, c.sourceIssues)) };
  const disk = capable((was) => ({ ...was, keys: { ...was.keys, nested: c.nested } }));
  const one: Case = {
    from: await bucketOf(source, noChecksums, diskLike(c.sourceIssues, c.pages[0], c.ticks, seen)),
    to: await bucketOf(destination, noChecksums, disk, diskLike(c.destinationIssues, c.pages[1], c.ticks)),
    plan: {
      delete: true,
      ...(c.trash ? { trash: 'a/' } : {}),
      ...(c.range === null ? {} : { range: { startAfter: c.range[0] as string, until: c.range[1] as string } }),
    },
    filtered: c.filtered,
    wanted: c.wanted,
    rows: c.rows,
  };
  const alone = await planned(one, (o) => single(one.from, one.to, o));
  let clock = 0;
  const given =
    boundaries === undefined
      ? undefined
      : () => ({
          find: async (first: string, until: string | undefined, parts: number) =>
            boundaries.filter((each) => compareKeys(each, first) > 0 && (until === undefined || compareKeys(each, until) < 0)).slice(0, parts - 1),
        });
  const apart = await planned(
    one,
    (o) => new RangePlanner(one.from, one.to, o, () => clock++, { atOnce: c.atOnce, afterPages: 1, afterMs: 0 }, ...(given === undefined ? [] : [given])),
  );
  expect(apart).toEqual(alone);
  return begun;
}

// Without ranges that begin behind others, the tests would say nothing.

it('ranges that are split while they are read come to what one comes to', { timeout: 60_000 }, async () => {
  let begun = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (c) => {
      begun += await compared({ ...c, ticks: 40 });
    }),
    { numRuns: 150 },
  );
  expect(begun).toBeGreaterThan(150);
});

it('and so wherever they are split', { timeout: 60_000 }, async () => {
  let begun = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (c) => {
      begun += await compared(
        c,
        [
          ...new Set([...c.boundaries, ...closeTo(c, [...c.sourceIssues, ...c.destinationIssues]), ...Object.keys(c.source).filter((_, i) => i % 5 === 0)]),
        ].toSorted(compareKeys),
      );
    }),
    { numRuns: 200 },
  );
  expect(begun).toBeGreaterThan(200);
});
