import { type Bucket, type Capabilities, delegate, faultLayer, type Layer, StorageError } from '@stowage/core';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { MirrorOptions } from '../src/index.ts';
import { balancedMirror } from './balanced-mirror.ts';
import { apart, bucketOf, byKey, capable, failingCopy, noChecksums, ran, THEN, treeOf } from './trees.ts';

describe('sync', () => {
  it.each([
    ['on the server', []],
    ['through this process', [apart]],
  ] as const)('makes the destination equal, %s', async (_, layers) => {
    const from = await bucketOf({ a: '1', 'b/c': 'new', 'b/d': '', z: 'same' });
    const to = await bucketOf({ 'b/c': 'old', z: 'same', 'y/extra': '!' }, ...layers);
    const { report, outcomes } = await ran(from, to, { delete: true });
    expect(byKey(outcomes)).toEqual({ a: 'copied', 'b/c': 'updated:checksum', 'b/d': 'copied', 'y/extra': 'deleted', z: 'same' });
    expect(await treeOf(to)).toEqual(await treeOf(from));
    expect(report).toMatchObject({
      counts: { same: { objects: 1, bytes: 4 }, copied: { objects: 2, bytes: 1 }, updated: { objects: 1, bytes: 3 }, deleted: { objects: 1, bytes: 1 } },
      keys: 5,
      balanced: true,
      complete: true,
    });
    expect((await to.head('a')).lastModified).toEqual(THEN);
    const again = await ran(from, to, { delete: true });
    expect(again.report.counts.same.objects).toBe(4);
    expect(again.report.keys).toBe(4);
  });

  it('keeps what only the destination has, and says so', async () => {
    const to = await bucketOf({ extra: '!' });
    const { outcomes } = await ran(await bucketOf({ a: '1' }), to);
    expect(byKey(outcomes)).toEqual({ a: 'copied', extra: 'skipped:extra' });
    expect(await treeOf(to)).toEqual({ a: '1', extra: '!' });
  });

  it('sees a change of content that kept size and time only by content', async () => {
    const from = (await bucketOf({ a: 'one', b: 'same' })).with(noChecksums);
    const to = (await bucketOf({ a: 'two', b: 'same' })).with(noChecksums);
    expect(byKey((await ran(from, to)).outcomes)).toEqual({ a: 'same', b: 'same' });
    expect(byKey((await ran(from, to, { comparison: 'content' })).outcomes)).toEqual({ a: 'updated:content', b: 'same' });
    expect(await treeOf(to)).toEqual({ a: 'one', b: 'same' });
  });

  it('reads only one side where the other lists a checksum', async () => {
    const from = (await bucketOf({ a: 'one', b: 'same' })).with(noChecksums);
    const to = (await bucketOf({ a: 'two', b: 'same' })).with(faultLayer([{ operation: 'get', code: 'AccessDenied' }]));
    expect(byKey((await ran(from, to, { comparison: 'content', mode: 'check' })).outcomes)).toEqual({ a: 'updated:content', b: 'same' });
  });

  it('carries headers, and says once what the destination cannot hold', async () => {
    const from = await bucketOf({});
    const headers = { contentType: 'image/png', cacheControl: 'no-store', metadata: { m: '1' }, tags: { t: '2' }, storageClass: 'COLD' };
    await from.put('a', 'x', headers);
    await from.put('b', 'y', headers);
    const to = await bucketOf({}, apart);
    const carried = await ran(from, to);
    expect((await to.head('a')).headers).toEqual({ contentType: 'image/png', cacheControl: 'no-store', metadata: { m: '1' }, tags: { t: '2' } });
    expect(carried.notices).toEqual(['storage classes (such as "COLD") are not carried: copies get the destination\'s default']);

    const plain = await bucketOf(
      {},
      apart,
      capable((c) => ({ ...c, tags: false, metadata: false })),
    );
    const { notices, report } = await ran(from, plain);
    expect((await plain.head('b')).headers).toEqual({ contentType: 'image/png', cacheControl: 'no-store' });
    expect(notices).toHaveLength(3);
    expect(report.counts.copied.objects).toBe(2);
  });

  it('leaves behind the metadata that the destination cannot keep, and says each kind once', async () => {
    const from = await bucketOf({});
    const metadata = { 'with-dash': '1', 'also-with-dash': '2', empty: '', umlaut: 'ü', kept: 'a  b' };
    for (const key of ['a', 'b']) await from.put(key, 'x', { metadata });
    const limited = (metadataLimits: NonNullable<Capabilities['metadataLimits']>): Promise<Bucket> =>
      bucketOf(
        {},
        apart,
        capable((c) => ({ ...c, metadataLimits })),
      );

    const strict = await limited({ names: 'identifier', emptyValues: false });
    expect((await ran(from, strict)).notices).toEqual([
      expect.stringMatching(/^metadata with other names than of letters, digits and "_" \(such as ".*with-dash"\) is not carried: the destination \(memory\)/),
      expect.stringMatching(/^metadata with empty values \(such as "empty"\)/),
      expect.stringMatching(/^metadata with values beyond printable ASCII, .* \(such as "umlaut"\)/),
    ]);
    for (const key of ['a', 'b']) expect((await strict.head(key)).headers?.metadata).toEqual({ kept: 'a  b' });

    const lenient = await limited({ names: 'token', emptyValues: true });
    expect((await ran(from, lenient)).notices).toHaveLength(1);
    const { umlaut: _, ...others } = metadata;
    expect((await lenient.head('a')).headers?.metadata).toEqual(others);
  });

  it('copies batches of many objects, and large objects each in a batch of its own', async () => {
    const sizes: number[] = [];
    const counted: Layer = (inner) =>
      delegate(inner, {
        copyMany(items, o) {
          sizes.push(items.length);
          return inner.copyMany(items, o);
        },
      });
    const tree = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`k${i}`, 'x']));
    const from = await bucketOf(tree);
    const { report } = await ran(from, await bucketOf({}, counted));
    expect(report.counts.copied.objects).toBe(2500);
    expect(Math.max(...sizes)).toBe(1000);

    sizes.length = 0;
    const large = await bucketOf({ a: '', b: '', c: '' }, (inner) =>
      delegate(inner, {
        async *list(o) {
          for await (const page of inner.list(o)) yield { ...page, objects: page.objects.map((info) => ({ ...info, size: 100 * 2 ** 20 })) };
        },
      }),
    );
    await ran(large, await bucketOf({}, counted));
    expect(sizes).toEqual([1, 1, 1]);
  });
});

describe('one failure', () => {
  const SOURCE = { a: '1', bad: '22', c: '3' };
  it.each(['AccessDenied', 'Unavailable', 'Timeout', 'Unknown', 'ChecksumMismatch'] as const)('of %s stops no other copy', async (code) => {
    const to = await bucketOf({}, failingCopy('bad', code));
    const { report, outcomes } = await ran(await bucketOf(SOURCE), to);
    expect(byKey(outcomes)).toEqual({ a: 'copied', bad: `failed:${code}`, c: 'copied' });
    expect(report).toMatchObject({ balanced: true, complete: true });
    expect(await treeOf(to)).toEqual({ a: '1', c: '3' });
  });

  it.each([
    ['KeyConflict', 'conflict:key-conflict'],
    ['InvalidKey', 'conflict:invalid-key'],
    ['AlreadyExists', 'conflict:destination-changed'],
    ['NotFound', 'skipped:vanished'],
  ] as const)('of %s is no failure but %s', async (code, expected) => {
    const { outcomes } = await ran(await bucketOf(SOURCE), await bucketOf({}, failingCopy('bad', code)));
    expect(byKey(outcomes)).toEqual({ a: 'copied', bad: expected, c: 'copied' });
  });

  it.each(['OutOfSpace', 'BucketNotFound', 'Unauthenticated'] as const)('of %s ends the run, and every key has its outcome', async (code) => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${String(i).padStart(2, '0')}`, 'x']));
    const to = await bucketOf({}, apart, faultLayer([{ operation: 'put', skip: 3, code }]));
    const { report, outcomes } = await ran(await bucketOf(many), to, { transfers: 1, delete: true });
    expect(report.stopped).toMatchObject({ by: 'store', side: 'destination', error: { code } });
    expect(outcomes.filter(({ kind }) => kind === 'copied')).toHaveLength(3);
    expect(outcomes.filter(({ kind }) => kind === 'failed').map(({ reason }) => reason)).toEqual([code]);
    expect(outcomes.filter(({ reason }) => reason === 'not-attempted')).toHaveLength(46);
    expect(report.balanced).toBe(true);
  });

  it('of a whole batch is the failure of each of its copies', async () => {
    const to = await bucketOf({}, faultLayer([{ operation: 'copy', code: 'Unavailable' }]));
    expect(byKey((await ran(await bucketOf(SOURCE), to)).outcomes)).toEqual({ a: 'failed:Unavailable', bad: 'failed:Unavailable', c: 'failed:Unavailable' });
  });

  it('of a driver that throws something else is told as unexpected', async () => {
    const to = await bucketOf({}, apart, (inner) => delegate(inner, { put: () => Promise.reject(new TypeError('x is not a function')) }));
    const { outcomes } = await ran(await bucketOf({ a: '1' }), to);
    expect(outcomes[0]).toMatchObject({ kind: 'failed', reason: 'Unknown', message: expect.stringContaining('x is not a function') as string });
  });

  it('of reading in mid-body leaves no object', async () => {
    const from = (await bucketOf({ a: 'x'.repeat(200_000), b: '2' })).with(faultLayer([{ operation: 'get', key: 'a', breakBodyAfter: 70_000 }]));
    const to = await bucketOf({}, apart);
    const { outcomes } = await ran(from, to);
    expect(byKey(outcomes)).toEqual({ a: 'failed:Unavailable', b: 'copied' });
    expect(await treeOf(to)).toEqual({ b: '2' });
  });

  it('of a body that ends short without a word leaves no object', async () => {
    const from = (await bucketOf({ a: 'x'.repeat(200_000) })).with(faultLayer([{ operation: 'get', key: 'a', breakBodyAfter: 70_000, silent: true }]));
    const to = await bucketOf({}, apart);
    expect((await ran(from, to)).report.counts.failed.objects).toBe(1);
    expect(await treeOf(to)).toEqual({});
  });
});

describe('a destination that denies every copy', () => {
  const denied: Layer = (inner) => faultLayer(['put', 'copy'].map((operation) => ({ operation, code: 'AccessDenied' as const })))(inner);
  const unreadable: Layer = faultLayer([{ operation: 'get', code: 'AccessDenied' }]);
  const SOURCE = { a: '1', b: '2', same: 's' };
  it.each<[string, Layer[], Layer[], boolean]>([
    ['through this process', [], [apart, denied], true],
    ['on the server', [], [denied], true],
    ['where it is the source that denies, through this process', [unreadable], [apart], false],
    // A copy on the server's side fails alike, whichever of the two denies it.
    ['where it is the source that denies, on the server', [unreadable], [denied], false],
    ['but one', [], [apart, faultLayer([{ operation: 'put', key: 'b', code: 'AccessDenied' }])], false],
    ['but one, which failed otherwise', [], [apart, denied, faultLayer([{ operation: 'put', key: 'b', code: 'Unknown' }])], false],
  ])('is told as such: %s', async (_, sourceLayers, destinationLayers, expected) => {
    const { report } = await ran(await bucketOf(SOURCE, ...sourceLayers), await bucketOf({ same: 's' }, ...destinationLayers));
    expect(report.destinationDenied).toBe(expected);
  });
});

describe('changes while it runs', () => {
  /** Does something to the store just before the copy that meets it. */
  const before = (act: () => Promise<unknown>): Layer => {
    let done = false;
    const once = async (): Promise<void> => {
      if (done) return;
      done = true;
      await act();
    };
    return (inner) =>
      delegate(inner, {
        async put(key, body, o) {
          await once();
          return inner.put(key, body, o);
        },
        async copyMany(items, o) {
          await once();
          return inner.copyMany(items, o);
        },
        async get(key, o) {
          await once();
          return inner.get(key, o);
        },
      });
  };
  it.each([
    ['on the server', []],
    ['through this process', [apart]],
  ] as const)('are told for what they are, %s', async (_, layers) => {
    const vanish = await bucketOf({ a: '1', b: '2' });
    const first = await ran(
      layers.length === 0 ? vanish : vanish.with(before(() => vanish.delete('a'))),
      await bucketOf({}, ...layers, ...(layers.length === 0 ? [before(() => vanish.delete('a'))] : [])),
    );
    expect(byKey(first.outcomes)).toEqual({ a: 'skipped:vanished', b: 'copied' });

    const change = await bucketOf({ a: '1' });
    const edit = (): Promise<unknown> => change.put('a', 'other');
    const second = await ran(
      layers.length === 0 ? change : change.with(before(edit)),
      await bucketOf({ a: 'old' }, ...layers, ...(layers.length === 0 ? [before(edit)] : [])),
    );
    expect(byKey(second.outcomes)).toEqual({ a: 'failed:source-changed' });

    const created = await bucketOf({});
    const third = await ran(
      await bucketOf({ a: '1' }),
      created.with(
        ...layers,
        before(() => created.put('a', 'theirs')),
      ),
    );
    expect(byKey(third.outcomes)).toEqual({ a: 'conflict:destination-changed' });
    expect(await treeOf(created)).toEqual({ a: 'theirs' });

    const written = await bucketOf({ a: 'old' });
    const fourth = await ran(
      await bucketOf({ a: 'new' }),
      written.with(
        ...layers,
        before(() => written.put('a', 'theirs')),
      ),
    );
    expect(byKey(fourth.outcomes)).toEqual({ a: 'conflict:destination-changed' });
    expect(await treeOf(written)).toEqual({ a: 'theirs' });
  });
});

describe('a key in the way', () => {
  /** A disk: no object at `a` beside one at `a/b`. */
  const disk: Layer = (inner) => {
    const guard = async (key: string): Promise<void> => {
      for await (const { objects } of inner.list({})) {
        const other = objects.find((info) => info.key.startsWith(`${key}/`) || key.startsWith(`${info.key}/`));
        if (other !== undefined) throw new StorageError('KeyConflict', `${JSON.stringify(other.key)} is in the way`, { key });
      }
    };
    return delegate(inner, {
      capabilities: { ...inner.capabilities, keys: { ...inner.capabilities.keys, nested: false } },
      canCopyFrom: () => false,
      async put(key, body, o) {
        await guard(key);
        return inner.put(key, body, o);
      },
    });
  };
  it.each([
    ['a file where a folder is due', { 'a/b': '1', 'a/c': '2' }, { a: 'file' }],
    ['a folder where a file is due', { a: 'file' }, { 'a/b': '1', 'a/c': '2' }],
  ] as const)('gives way where it is to be deleted: %s', async (_, source, destination) => {
    const to = await bucketOf(destination, disk);
    const { report } = await ran(await bucketOf(source), to, { delete: true });
    expect(await treeOf(to)).toEqual(source);
    expect(report).toMatchObject({ balanced: true, counts: { conflict: { objects: 0 }, copied: { objects: Object.keys(source).length } } });
  });
  it('is a conflict where it stays', async () => {
    const to = await bucketOf({ a: 'file' }, disk);
    const { outcomes } = await ran(await bucketOf({ 'a/b': '1', c: '2' }), to);
    expect(byKey(outcomes)).toEqual({ a: 'skipped:extra', 'a/b': 'conflict:key-conflict', c: 'copied' });
  });
});

describe('check', () => {
  const untouched: Layer = (inner) => faultLayer(['put', 'copy', 'delete'].map((operation) => ({ operation, code: 'AccessDenied' as const })))(inner);
  it('tells what is missing, differs and is superfluous, and changes nothing', async () => {
    const to = await bucketOf({ b: 'other', c: '3', d: '4' }, untouched);
    const { outcomes, report } = await ran(await bucketOf({ a: '1', b: '2', c: '3' }), to, { mode: 'check' });
    expect(byKey(outcomes)).toEqual({ a: 'copied', b: 'updated:size', c: 'same', d: 'deleted' });
    expect(report.guard).toBeUndefined();
  });
  it('takes an empty source for one that has nothing', async () => {
    const { report } = await ran(await bucketOf({}), await bucketOf({ a: '1' }), { mode: 'check' });
    expect(report.counts.deleted.objects).toBe(1);
  });
  it('tells what it could not read', async () => {
    const from = (await bucketOf({ a: '1' })).with(noChecksums, faultLayer([{ operation: 'get', code: 'AccessDenied' }]));
    const { outcomes } = await ran(from, (await bucketOf({ a: '1' })).with(noChecksums), { mode: 'check', comparison: 'content' });
    expect(byKey(outcomes)).toEqual({ a: 'failed:AccessDenied' });
  });
});

it('plans exactly what it does', async () => {
  const source = { a: '1', b: 'new', 'c/d': '3', same: 's' };
  const destination = { b: 'old', extra: 'x', same: 's' };
  const options: Partial<MirrorOptions> = { delete: true };
  const planned = await ran(await bucketOf(source), await bucketOf(destination), { ...options, dryRun: true });
  const to = await bucketOf(destination);
  const done = await ran(await bucketOf(source), to, options);
  expect(planned.outcomes.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual(done.outcomes.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
  expect(planned.report.counts).toEqual(done.report.counts);
});

describe('stopping', () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${String(i).padStart(3, '0')}`, 'x']));

  it('lets work in flight finish, and gives every key its outcome', async () => {
    const from = await bucketOf(many);
    const to = await bucketOf({}, apart);
    const outcomes: string[] = [];
    const run = balancedMirror(from, to, {
      mode: 'sync',
      scratchFolder: '/nowhere',
      now: () => 0,
      transfers: 2,
      observer: {
        outcomes(batch) {
          outcomes.push(...batch.map(({ kind, reason }) => reason ?? kind));
          if (outcomes.length >= 10) run.stop();
        },
      },
    });
    const report = await run.report;
    expect(report).toMatchObject({ stopped: { by: 'caller' }, complete: false, balanced: true, counts: { failed: { objects: 0 } } });
    expect(Object.keys(await treeOf(to))).toHaveLength(report.counts.copied.objects);
    expect(report.counts.copied.objects).toBeLessThan(50);
    expect(report.counts.skipped.objects).toBe(200 - report.counts.copied.objects);
  });

  it.each([
    ['the time is over', { durationMs: 100 }, 'it has had its 100ms'],
    ['more than the bytes were sent', { bytes: 20 }, 'it has sent more than 20 B;'],
  ])('begins nothing more when %s', async (_, limit, why) => {
    const slowly: Layer = (inner) =>
      delegate(inner, {
        put: async (key, body, o) => {
          await delay(20);
          return await inner.put(key, body, o);
        },
      });
    const to = await bucketOf({}, apart, slowly);
    const { report } = await ran(await bucketOf(many), to, { limit, transfers: 2 });
    expect(report.stopped).toMatchObject({ by: 'limit', error: { message: expect.stringContaining(why) as string } });
    expect(Object.keys(await treeOf(to))).toHaveLength(report.counts.copied.objects);
    expect(report.counts.copied.objects).toBeLessThan(200);
    expect(report.counts.skipped.objects).toBe(200 - report.counts.copied.objects);
    expect(report.counts.failed.objects).toBe(0);
  });

  it('ends work in flight where it is aborted', async () => {
    const controller = new AbortController();
    const to = await bucketOf({}, apart, faultLayer([{ operation: 'put', hang: true }]));
    const run = ran(await bucketOf(many), to, { signal: controller.signal, transfers: 3 });
    setImmediate(() => controller.abort(new Error('enough')));
    const { report, outcomes } = await run;
    expect(report).toMatchObject({ stopped: { by: 'caller' }, balanced: true });
    expect(new Set(outcomes.map(({ reason }) => reason))).toEqual(new Set(['not-attempted']));
  });
});

it('waits for a slow observer, and tells the progress', async () => {
  const from = await bucketOf(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, 'xy'])));
  let taken = 0;
  const run = balancedMirror(from, await bucketOf({}), {
    mode: 'sync',
    scratchFolder: '/nowhere',
    now: () => 0,
    observer: {
      async outcomes(batch) {
        await new Promise((resolve) => setImmediate(resolve));
        taken += batch.length;
      },
    },
  });
  const report = await run.report;
  expect(taken).toBe(3000);
  expect(report.balanced).toBe(true);
  expect(run.progress()).toMatchObject({
    phase: 'finished',
    compared: 3000,
    listed: true,
    toDo: { objects: 3000, bytes: 6000 },
    done: { objects: 3000, bytes: 6000 },
    inFlight: 0,
  });
});

it("ends with the observer's own error", async () => {
  await expect(
    ran(await bucketOf({ a: '1' }), await bucketOf({}), { observer: { outcomes: () => Promise.reject(new Error('disk of the log is full')) } }),
  ).rejects.toThrow('disk of the log is full');
});
