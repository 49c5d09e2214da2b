import { type Bucket, type BucketDriver, delegate, faultLayer, type Layer, StorageError } from '@stowage/core';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalOptions } from '../src/index.ts';
import { journalPath } from '../src/journal/journal-file.ts';
import type { UnfinishedUploads } from '../src/journal/unfinished-uploads.ts';
import { MemoryBudget } from '../src/memory-budget.ts';
import { partRange, partSizeFor } from '../src/parts/part-plan.ts';
import { sweepUploads } from '../src/parts/upload-sweep.ts';
import { balancedMirror } from './balanced-mirror.ts';
import { apart, bucketOf, byKey, capable, ran, type Tree, treeOf } from './trees.ts';

let stateFolder: string;
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'stowage-parts-test-'));
});
afterEach(() => rmSync(stateFolder, { recursive: true, force: true }));
const journal = (): JournalOptions => ({
  stateFolder,
  source: { store: 'file', path: ['from'] },
  destination: { store: 'memory', path: ['to'] },
  today: () => new Date(),
});

const PART = 1000;
/** Contents as their hashes: they are long. */
const hashesOf = async (bucket: Bucket): Promise<Tree> =>
  Object.fromEntries(Object.entries(await treeOf(bucket)).map(([key, content]) => [key, hash('sha256', content)]));
const big = (bytes: number): string => Array.from({ length: bytes }, (_, i) => String.fromCharCode(97 + ((i * 7 + Math.floor(i / 26)) % 26))).join('');

/** Sees each call of an operation: what it asked for. */
function spy(seen: { operation: string; range?: unknown; pinned?: boolean; index?: number }[]): Layer {
  return (inner) =>
    delegate(inner, {
      get(key, o) {
        seen.push({ operation: 'get', range: o.range, pinned: o.ifMatch !== undefined });
        return inner.get(key, o);
      },
      async startUpload(key, o) {
        return spiedUpload(await inner.startUpload(key, o), seen);
      },
      async resumeUpload(ref, o) {
        return spiedUpload(await inner.resumeUpload(ref, o), seen);
      },
    });
}

function spiedUpload(upload: Awaited<ReturnType<BucketDriver['startUpload']>>, seen: { operation: string; index?: number }[]): typeof upload {
  return {
    ref: upload.ref,
    part(index, bytes, o) {
      seen.push({ operation: 'part', index });
      return upload.part(index, bytes, o);
    },
    parts: (o) => upload.parts(o),
    complete: (parts, o) => upload.complete(parts, o),
    abort: (o) => upload.abort(o),
    detach: () => upload.detach(),
    [Symbol.asyncDispose]: () => upload[Symbol.asyncDispose](),
  };
}

async function uploadsOf(bucket: Bucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.listUploads()) keys.push(key);
  return keys;
}

describe('the size of parts', () => {
  const limits = { minPart: 5 * 2 ** 20, maxPart: 5 * 2 ** 30, maxParts: 10_000, equalParts: false, abort: 'explicit' } as const;
  const MIB = 2 ** 20;
  it.each([
    ['a small object', 10, 8 * MIB],
    ['one that fits into 9,000 parts', 9000 * 8 * MIB, 8 * MIB],
    ['one byte more', 9000 * 8 * MIB + 1, 9 * MIB],
    ['5 TiB', 5 * 2 ** 40, 583 * MIB],
  ])('of %s', (_, size, expected) => {
    const partSize = partSizeFor(size, 8 * MIB, limits);
    expect(partSize).toBe(expected);
    expect(Math.ceil(size / partSize)).toBeLessThanOrEqual(9000);
  });

  it('is no less than the store takes, and covers the content without a gap', () => {
    expect(partSizeFor(2 ** 30, 1000, limits)).toBe(5 * MIB);
    expect([0, 1, 2].map((index) => partRange(index, 2500, PART))).toEqual([
      { start: 0, end: 1000 },
      { start: 1000, end: 2000 },
      { start: 2000, end: 2500 },
    ]);
  });
});

it('the memory budget lets in what fits, in order, and what is larger than it alone', async () => {
  const budget = new MemoryBudget(10);
  const order: string[] = [];
  let held = 0;
  let most = 0;
  const work = (name: string, bytes: number): Promise<void> =>
    budget.hold(bytes, async () => {
      held += bytes;
      most = Math.max(most, bytes > 10 ? 0 : held);
      if (bytes > 10) expect(held).toBe(bytes);
      order.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      held -= bytes;
    });
  await Promise.all([work('a', 6), work('b', 4), work('c', 25), work('d', 1), work('e', 10)]);
  expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(most).toBe(10);
  await expect(budget.hold(10, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await work('f', 10);
});

it('an upload that nobody heard of is found behind one that the store lists and knows no more of', async () => {
  const at = Date.now();
  // As MinIO does where the completion's client was killed.
  const ghost: Layer = (inner) =>
    delegate(inner, {
      async *listUploads(o) {
        yield { key: 'v', id: 'gone', startedAt: new Date(at).toISOString() };
        yield* inner.listUploads(o);
      },
    });
  const store = await bucketOf({});
  const unheard = await store.upload('v');
  unheard.detach();
  const forgotten: string[] = [];
  const uploads = {
    orphans: () => [],
    intents: () => [{ key: 'v', at }],
    knows: () => false,
    forgetIntent: ({ key }: { key: string }) => void forgotten.push(key),
  } as unknown as UnfinishedUploads;
  await sweepUploads(store.with(ghost), uploads, false, (text) => expect.unreachable(text));
  expect([await uploadsOf(store), forgotten]).toEqual([[], ['v']]);
});

describe('an object in parts', () => {
  it('is read by ranges of the listed revision, and whole at the destination with its headers', async () => {
    const seen: { operation: string; range?: unknown; pinned?: boolean }[] = [];
    const from = (await bucketOf({})).with(spy(seen));
    const headers = { contentType: 'video/mp4', cacheControl: 'no-store', metadata: { m: '1' } };
    await from.put('v', big(2500), headers);
    const to = await bucketOf({}, apart);
    const { outcomes } = await ran(from, to, { partSize: PART, journal: journal() });
    expect(byKey(outcomes)).toEqual({ v: 'copied' });
    expect(seen.filter(({ operation }) => operation === 'get')).toEqual([
      { operation: 'get', range: { start: 0, end: 1000 }, pinned: true },
      { operation: 'get', range: { start: 1000, end: 2000 }, pinned: true },
      { operation: 'get', range: { start: 2000, end: 2500 }, pinned: true },
    ]);
    expect(await hashesOf(to)).toEqual(await hashesOf(from));
    expect((await to.head('v')).headers).toEqual(headers);
    expect((await to.head('v')).lastModified).toEqual((await from.head('v')).lastModified);
    expect(await uploadsOf(to)).toEqual([]);
  });

  it.each([
    [PART - 1, 0],
    [PART, 0],
    [PART + 1, 2],
    [0, 0],
    [10 * PART, 10],
  ])('of %i bytes goes in %i parts', async (size, parts) => {
    const seen: { operation: string }[] = [];
    const from = await bucketOf({ v: big(size) });
    const to = await bucketOf({}, apart, spy(seen));
    expect(byKey((await ran(from, to, { partSize: PART })).outcomes)).toEqual({ v: 'copied' });
    expect(seen.filter(({ operation }) => operation === 'part')).toHaveLength(parts);
    expect(await hashesOf(to)).toEqual(await hashesOf(from));
  });

  it('of more parts than the store takes goes in fewer, larger ones', async () => {
    const seen: { operation: string }[] = [];
    const from = await bucketOf({ v: big(5 * 2 ** 20 + 1) });
    const few = capable((c) => ({ ...c, multipart: { ...c.multipart, maxParts: 4 } }));
    const to = await bucketOf({}, apart, spy(seen), few);
    expect(byKey((await ran(from, to, { partSize: PART, journal: journal() })).outcomes)).toEqual({ v: 'copied' });
    expect(seen.filter(({ operation }) => operation === 'part')).toHaveLength(3);
    expect(await hashesOf(to)).toEqual(await hashesOf(from));
  });

  it('that is overwritten in mid-read fails alone, and leaves the old object and no upload', async () => {
    const from = await bucketOf({ a: '1', v: big(5000) });
    const old = await bucketOf({ v: 'old' });
    const to = old.with(apart);
    let gets = 0;
    const changing: Layer = (inner) =>
      delegate(inner, {
        async get(key, o) {
          if (key === 'v' && ++gets === 3) await from.put('v', big(5001));
          return await inner.get(key, o);
        },
      });
    const { outcomes } = await ran(from.with(changing), to, { partSize: PART, transfers: 1, journal: journal() });
    expect(byKey(outcomes)).toEqual({ a: 'copied', v: 'failed:source-changed' });
    expect(await treeOf(old)).toEqual({ a: '1', v: 'old' });
    expect(await uploadsOf(old)).toEqual([]);
  });

  it('goes on in the next run with the parts that are there', async () => {
    const from = await bucketOf({ v: big(9500) });
    const store = await bucketOf({});
    const broken = store.with(apart, faultLayer([{ operation: 'part', skip: 6, code: 'Unavailable' }]));
    expect(byKey((await ran(from, broken, { partSize: PART, transfers: 1, journal: journal() })).outcomes)).toEqual({ v: 'failed:Unavailable' });
    expect(await uploadsOf(store)).toEqual(['v']);
    const seen: { operation: string; index?: number }[] = [];
    const { outcomes, report } = await ran(from, store.with(apart, spy(seen)), { partSize: PART, journal: journal() });
    expect(byKey(outcomes)).toEqual({ v: 'copied' });
    expect(report.counts.copied.bytes).toBe(9500);
    expect(seen).toEqual([6, 7, 8, 9].map((index) => ({ operation: 'part', index })));
    expect(await hashesOf(store)).toEqual(await hashesOf(from));
    expect(await uploadsOf(store)).toEqual([]);
  });

  it('is begun anew where the source was changed since, or is cut otherwise, and the old upload goes', async () => {
    const from = await bucketOf({ v: big(9500), w: big(4000) });
    const store = await bucketOf({});
    const broken = (): Bucket => store.with(apart, faultLayer([{ operation: 'complete', code: 'Unavailable' }]));
    await ran(from, broken(), { partSize: PART, journal: journal() });
    expect(await uploadsOf(store)).toEqual(['v', 'w']);
    await from.put('v', big(9500).toUpperCase());
    const seen: { operation: string; index?: number }[] = [];
    await ran(from, store.with(apart, spy(seen)), { partSize: PART, journal: journal() });
    expect(seen.filter(({ operation }) => operation === 'part')).toHaveLength(10);
    expect(await hashesOf(store)).toEqual(await hashesOf(from));
    expect(await uploadsOf(store)).toEqual([]);

    await from.put('w', big(4000).toUpperCase());
    await ran(from, broken(), { partSize: PART, journal: journal() });
    await ran(from, store.with(apart), { partSize: PART * 2, journal: journal() });
    expect(await hashesOf(store)).toEqual(await hashesOf(from));
    expect(await uploadsOf(store)).toEqual([]);
  });

  it('is stopped between two parts, and gone on with', async () => {
    const from = await bucketOf({ v: big(50 * PART) });
    const store = await bucketOf({});
    let stop: () => void = () => undefined;
    const seen: { operation: string; index?: number }[] = [];
    const slow: Layer = (inner) =>
      delegate(inner, {
        async get(key, o) {
          if (seen.length >= 10) stop();
          return await inner.get(key, o);
        },
      });
    const outcomes: string[] = [];
    const run = balancedMirror(from.with(slow), store.with(apart, spy(seen)), {
      mode: 'sync',
      partSize: PART,
      scratchFolder: tmpdir(),
      now: () => 0,
      journal: journal(),
      observer: { outcomes: (batch) => void outcomes.push(...batch.map(({ kind, reason, message }) => `${kind}:${reason}: ${message}`)) },
    });
    stop = () => run.stop();
    const report = await run.report;
    expect(report).toMatchObject({ stopped: { by: 'caller' }, balanced: true });
    expect(outcomes).toEqual([
      expect.stringMatching(/^skipped:not-attempted: interrupted while it was copied; 1\d of 50 parts are there; run again to go on$/),
    ]);
    const before = seen.length;
    await ran(from, store.with(apart, spy(seen)), { partSize: PART, journal: journal() });
    expect(seen).toHaveLength(50);
    expect(before).toBeLessThan(20);
    expect(await hashesOf(store)).toEqual(await hashesOf(from));
  });

  it('whose bytes are not those that the source has the checksum of is not made', async () => {
    const from = await bucketOf({ v: big(3000) });
    const sum = 'AAAAAA==';
    const wrong: Layer = (inner) => delegate(inner, { head: async (key, o) => ({ ...(await inner.head(key, o)), checksums: { crc32: sum } }) });
    const to = await bucketOf({}, apart);
    const { outcomes } = await ran(from.with(wrong), to, { partSize: PART, journal: journal() });
    expect(byKey(outcomes)).toEqual({ v: 'failed:ChecksumMismatch' });
    expect(await hashesOf(to)).toEqual({});
    expect(await uploadsOf(to)).toEqual([]);
  });

  it('that the store tells another checksum of fails', async () => {
    const from = await bucketOf({ v: big(3000) });
    const lying: Layer = (inner) =>
      delegate(inner, {
        async startUpload(key, o) {
          const upload = await inner.startUpload(key, o);
          return { ...spiedUpload(upload, []), complete: async (parts, c) => ({ ...(await upload.complete(parts, c)), checksums: { crc32: 'AAAAAA==' } }) };
        },
      });
    const { outcomes } = await ran(from, await bucketOf({}, apart, lying), { partSize: PART, journal: journal() });
    expect(outcomes[0]).toMatchObject({ kind: 'failed', reason: 'ChecksumMismatch' });
  });

  it('that was completed, and the run killed before it was noted, is not sent again', async () => {
    const from = await bucketOf({ v: big(3000) });
    const store = await bucketOf({});
    const lost: Layer = (inner) =>
      delegate(inner, {
        async startUpload(key, o) {
          const upload = await inner.startUpload(key, o);
          return {
            ...spiedUpload(upload, []),
            async complete(parts, c) {
              await upload.complete(parts, c);
              throw new StorageError('Unknown', 'killed here');
            },
          };
        },
      });
    expect(byKey((await ran(from, store.with(apart, lost), { partSize: PART, journal: journal() })).outcomes)).toEqual({ v: 'failed:Unknown' });
    const seen: { operation: string; index?: number }[] = [];
    // As the listing had it before: an update of what is there now.
    const elder: Layer = (inner) =>
      delegate(inner, {
        async *list(o): ReturnType<BucketDriver['list']> {
          for await (const page of inner.list(o)) yield { ...page, objects: page.objects.map((info) => ({ ...info, size: 1, checksums: {} })) };
        },
      });
    const { outcomes } = await ran(from, store.with(apart, elder, spy(seen)), { partSize: PART, journal: journal() });
    expect(byKey(outcomes)).toEqual({ v: 'updated:size' });
    expect(seen).toEqual([]);
  });
});

describe('unfinished uploads', () => {
  it('of others are left; those that this pair asked for and heard nothing of go', async () => {
    const from = await bucketOf({ v: big(3000) });
    const store = await bucketOf({});
    await store.upload('v/other');
    const deaf: Layer = (inner) =>
      delegate(inner, {
        async startUpload(key, o) {
          await inner.startUpload(key, o);
          throw new StorageError('Timeout', 'no answer');
        },
      });
    await ran(from, store.with(apart, deaf), { partSize: PART, journal: journal() });
    // The run that had asked has looked for it.
    expect(await uploadsOf(store)).toEqual(['v/other']);
    await store.upload('v');
    await ran(from, store.with(apart), { partSize: PART, journal: journal() });
    expect((await uploadsOf(store)).toSorted()).toEqual(['v', 'v/other']);
  });

  it('that nothing was copied with, though everything was, go', async () => {
    const from = await bucketOf({ v: big(3000), w: '1' });
    const store = await bucketOf({});
    await ran(from, store.with(apart, faultLayer([{ operation: 'complete', code: 'Unavailable' }])), { partSize: PART, journal: journal() });
    await from.delete('v');
    await ran(from, store.with(apart), { partSize: PART, journal: journal() });
    expect(await uploadsOf(store)).toEqual([]);
    const db = new DatabaseSync(journalPath(stateFolder, journal()), { readOnly: true });
    expect(db.prepare('SELECT (SELECT count(*) FROM upload) + (SELECT count(*) FROM part) + (SELECT count(*) FROM orphan) AS n').get()).toEqual({ n: 0 });
    db.close();
  });

  it('without a journal, one that fails is removed at once', async () => {
    const from = await bucketOf({ v: big(3000) });
    const store = await bucketOf({});
    await ran(from, store.with(apart, faultLayer([{ operation: 'complete', code: 'Unavailable' }])), { partSize: PART });
    expect(await uploadsOf(store)).toEqual([]);
  });
});
