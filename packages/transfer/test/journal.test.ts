import { type Bucket, delegate, faultLayer, type Layer } from '@stowage/core';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalOptions } from '../src/index.ts';
import { LEASE_MS } from '../src/journal/lease.ts';
import { journalPath } from '../src/journal/journal-file.ts';
import { thisProcess } from '../src/journal/process-life.ts';
import { balancedMirror } from './balanced-mirror.ts';
import { apart, bucketOf, byKey, capable, noChecksums, ran, THEN, treeOf } from './trees.ts';

let stateFolder: string;
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'stowage-journal-test-'));
});
afterEach(() => rmSync(stateFolder, { recursive: true, force: true }));

const NOW = new Date('2026-03-01T00:00:00Z');
const journal = (more: Partial<JournalOptions> = {}): JournalOptions => ({
  stateFolder,
  source: { store: 'file', path: ['from'] },
  destination: { store: 'memory', path: ['to'] },
  today: () => NOW,
  ...more,
});
const path = (): string => journalPath(stateFolder, journal());

/** A store that gives each copy the time of its writing, as S3 does. */
const ownTimes = capable((c) => ({ ...c, lastModified: { ...c.lastModified, set: false }, checksums: { ...c.checksums, lists: [] } }));

async function pair(): Promise<{ from: Bucket; to: Bucket }> {
  return { from: (await bucketOf({ a: '1', b: '2', c: '3' })).with(noChecksums), to: (await bucketOf({}, apart, noChecksums)).with(ownTimes) };
}

/** Rows of a table, as the next run finds them. */
function rows(sql: string): unknown[] {
  const db = new DatabaseSync(path(), { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

describe('revisions of the last run', () => {
  it('tell an edit that keeps the size and comes with an old time, without a request for any object', async () => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    await from.put('b', 'X', { lastModified: THEN });
    const quiet = to.with(
      faultLayer([
        { operation: 'head', code: 'AccessDenied' },
        { operation: 'get', code: 'AccessDenied' },
      ]),
    );
    const { outcomes } = await ran(from, quiet, { journal: journal() });
    expect(byKey(outcomes)).toEqual({ a: 'same', b: 'updated:revision', c: 'same' });
    expect(await treeOf(to)).toEqual({ a: '1', b: 'X', c: '3' });
    expect(byKey((await ran(from, to, { journal: journal() })).outcomes)).toEqual({ a: 'same', b: 'same', c: 'same' });
  });

  it('without a journal the same edit is not seen', async () => {
    const { from, to } = await pair();
    await ran(from, to);
    await from.put('b', 'X', { lastModified: THEN });
    expect(byKey((await ran(from, to)).outcomes)).toEqual({ a: 'same', b: 'same', c: 'same' });
  });

  it('are taken from a first comparison, too', async () => {
    const { from, to } = await pair();
    await ran(from, to);
    await ran(from, to, { journal: journal() });
    await from.put('b', 'X', { lastModified: THEN });
    expect(byKey((await ran(from, to, { journal: journal() })).outcomes)['b']).toBe('updated:revision');
  });

  it('are not taken where only sizes were compared', async () => {
    const { from, to } = await pair();
    await ran(from, to);
    await from.put('b', 'X', { lastModified: THEN });
    await ran(from, to, { journal: journal(), comparison: 'size' });
    expect(rows('SELECT key FROM synced')).toEqual([]);
  });

  it('tell that somebody wrote the copy', async () => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    await to.put('c', 'Y');
    expect(byKey((await ran(from, to, { journal: journal() })).outcomes)['c']).toBe('updated:revision');
    expect(await treeOf(to)).toEqual({ a: '1', b: '2', c: '3' });
  });

  it('are what counts where the clock of the store is an hour off, either way', async () => {
    for (const hours of [-1, 1]) {
      const now = Date.now();
      const from = (await bucketOf({})).with(noChecksums);
      await from.put('a', '1', { lastModified: new Date(now) });
      const clock: Layer = (inner) =>
        delegate(inner, { put: (key, body, o) => inner.put(key, body, { ...o, lastModified: new Date(now + hours * 3_600_000) }) });
      const to = (await bucketOf({}, clock, apart, noChecksums)).with(ownTimes);
      const at = { journal: journal({ destination: { store: 'memory', path: [String(hours)] } }) };
      const kinds = async (): Promise<string | undefined> => byKey((await ran(from, to, at)).outcomes)['a'];
      expect([hours, await kinds(), await kinds()]).toEqual([hours, 'copied', 'same']);
      await from.put('a', '2', { lastModified: new Date(now + 60_000) });
      expect([hours, await kinds(), await kinds()]).toEqual([hours, 'updated:revision', 'same']);
      expect(await treeOf(to)).toEqual({ a: '2' });
    }
  });

  it('of keys that are on neither side are forgotten', async () => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    await from.delete('b');
    await ran(from, to, { journal: journal(), delete: true });
    await ran(from, to, { journal: journal(), delete: true });
    expect(rows('SELECT key FROM synced ORDER BY key')).toEqual([{ key: 'a' }, { key: 'c' }]);
  });

  it('of many keys are read page by page, in the order of listings', async () => {
    const keys = Array.from({ length: 2500 }, (_, i) => `${i % 7 === 0 ? '\u{1F600}' : '\uE000'}${String(i)}`);
    const from = (await bucketOf(Object.fromEntries(keys.map((key) => [key, 'x'])))).with(noChecksums);
    const to = (await bucketOf({}, apart, noChecksums)).with(ownTimes);
    await ran(from, to, { journal: journal() });
    const edited = keys.filter((_, i) => i % 100 === 0);
    for (const key of edited) await from.put(key, 'y', { lastModified: THEN });
    const { outcomes } = await ran(from, to, { journal: journal() });
    expect(
      outcomes
        .filter(({ kind }) => kind === 'updated')
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(edited.toSorted());
    expect(rows('SELECT count(*) AS n FROM synced')).toEqual([{ n: 2500 }]);
  });

  it('are looked at, and not written, by a plan', async () => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    await from.put('b', 'X', { lastModified: THEN });
    const before = readdirSync(join(stateFolder, 'mirror'));
    const { outcomes } = await ran(from, to, { journal: journal(), dryRun: true });
    expect(byKey(outcomes)['b']).toBe('updated:revision');
    expect(rows('SELECT count(*) AS n FROM run')).toEqual([{ n: 1 }]);
    expect(readdirSync(join(stateFolder, 'mirror')).filter((name) => !/-(?:wal|shm)$/.test(name))).toEqual(before);
    const never = journal({ source: { store: 'file', path: ['never'] } });
    await ran(from, to, { journal: never, dryRun: true });
    expect(readdirSync(join(stateFolder, 'mirror')).filter((name) => name.endsWith('.sqlite'))).toHaveLength(1);
  });
});

describe('a journal that cannot be gone on with', () => {
  const spoil: readonly (readonly [string, RegExp, () => void])[] = [
    ['garbage', /is damaged/, () => writeFileSync(path(), Buffer.alloc(9000, 'no database at all '))],
    ['cut in the middle', /is damaged/, () => truncateSync(path(), Math.floor(statSync(path()).size / 2 / 4096) * 4096)],
    ['with pages overwritten', /is damaged/, () => writeFileSync(path(), readFileSync(path()).fill(0x5a, 8192))],
    [
      'of another program',
      /is none of stowage-mirror/,
      () => {
        rmSync(path());
        const db = new DatabaseSync(path());
        db.exec('CREATE TABLE bookmarks (url TEXT)');
        db.close();
      },
    ],
    ['of a newer version', /is of a newer version of stowage-mirror \(99, this one writes 1\)/, () => change('PRAGMA user_version = 99')],
    ['of other places', /is of other places/, () => change("UPDATE meta SET value = '[]'")],
  ];
  const change = (sql: string): void => {
    const db = new DatabaseSync(path());
    db.exec(sql);
    db.close();
  };

  it.each(spoil)('(%s) is set aside, told of, and done without', async (_, why, spoiling) => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    spoiling();
    const { report, notices } = await ran(from, to, { journal: journal() });
    expect(report.counts.same.objects).toBe(3);
    expect(notices).toEqual([expect.stringMatching(why)]);
    expect(notices[0]).toContain('was set aside as');
    expect(readdirSync(join(stateFolder, 'mirror')).filter((name) => name.includes('.set-aside-')).length).toBeGreaterThan(0);
    // What was compared anew is known again.
    expect(rows('SELECT count(*) AS n FROM synced')).toEqual([{ n: 3 }]);
    expect((await ran(from, to, { journal: journal() })).notices).toEqual([]);
  });

  it('does not end a run where no file can be made', async () => {
    writeFileSync(join(stateFolder, 'file'), '');
    const { from, to } = await pair();
    const { report, notices } = await ran(from, to, { journal: journal({ stateFolder: join(stateFolder, 'file') }) });
    expect(report.counts.copied.objects).toBe(3);
    expect(notices).toEqual([expect.stringMatching(/^no journal can be kept at ".*goes on without one/)]);
  });
});

describe('the lock of a pair', () => {
  it('stops a second run, and is left when the first has ended', async () => {
    const { from, to } = await pair();
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const first = balancedMirror(from, to, { mode: 'sync', scratchFolder: tmpdir(), now: () => 0, journal: journal(), observer: { outcomes: () => gate } });
    await expect(ran(from, to, { journal: journal() })).rejects.toMatchObject({
      name: 'MirrorRefusal',
      reason: 'locked',
      message: expect.stringContaining(`process ${process.pid} on ${hostname()}, since ${NOW.toISOString()}`) as string,
    });
    // A plan changes nothing, and may look.
    await ran(from, to, { journal: journal(), dryRun: true });
    go();
    await first.report;
    await ran(from, to, { journal: journal() });
  });

  const hold = (row: { host?: string; pid?: number; started?: number; expires: number }): void => {
    const me = { ...thisProcess(), ...row };
    const db = new DatabaseSync(path());
    db.prepare('INSERT OR REPLACE INTO lease (one, holder, host, host_name, pid, started, since, expires) VALUES (1, ?, ?, ?, ?, ?, ?, ?)').run(
      'someone',
      me.host,
      'elsewhere',
      me.pid,
      me.started,
      NOW.toISOString(),
      me.expires,
    );
    db.close();
  };

  it('of a process that is gone is taken over at once; also where its number was given to another one', async () => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    const expires = NOW.getTime() + LEASE_MS;
    hold({ pid: 2 ** 22 + 1, expires });
    await ran(from, to, { journal: journal() });
    hold({ started: thisProcess().started - 1, expires });
    await ran(from, to, { journal: journal() });
    hold({ expires });
    await expect(ran(from, to, { journal: journal() })).rejects.toMatchObject({ reason: 'locked' });
  });

  it('of another host holds until its lease has run out', async () => {
    const { from, to } = await pair();
    await ran(from, to, { journal: journal() });
    hold({ host: 'another', expires: NOW.getTime() + LEASE_MS });
    await expect(ran(from, to, { journal: journal() })).rejects.toMatchObject({ reason: 'locked' });
    await ran(from, to, { journal: journal({ today: () => new Date(NOW.getTime() + LEASE_MS) }) });
  });
});

it('past runs are kept, with what they came to', async () => {
  const { from, to } = await pair();
  await ran(from, to, { journal: journal() });
  const [run] = rows('SELECT began, ended, mode, report FROM run') as { report: string }[];
  expect(run).toMatchObject({ began: NOW.toISOString(), ended: NOW.toISOString(), mode: 'sync' });
  expect(JSON.parse(run?.report ?? '')).toMatchObject({ counts: { copied: { objects: 3, bytes: 3 } }, balanced: true });
});
