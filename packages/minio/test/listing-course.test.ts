import { type Bucket, compareKeys, type ListOptions, type ObjectInfo, openBucket } from '@stowage/core';
import { makeBucket, serverOrReason, startCountingProxy, startMinio } from '@stowage/test-servers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minioDriver } from '../src/index.ts';
import { listPages } from '../src/list-objects.ts';
import { MinioCourse } from '../src/minio-course.ts';
import type { UploadHost } from '../src/minio-upload.ts';
import type { ListRequest } from '../src/object-calls.ts';
import type { ListedPage } from '../src/xml/listing.ts';

/** Of two sets of drives: each ends its part of a page by itself. */
const { server, missing } = await serverOrReason(() => startMinio({ sets: 2 }));
const urls: URL[] = [];
const proxy = server && (await startCountingProxy(server.endpoint, { onRequest: ({ url }) => urls.push(new URL(url, 'http://proxy')) }));
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await server?.stop();
});

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const number = (i: number, length: number): string => String(i).padStart(length, '0');

const KEYS = [
  // Folders that are worth a request each, and what MinIO takes for found beside them.
  ...range(24).flatMap((f) => range(180).map((i) => `f/${number(f, 3)}/${number(i, 4)}`)),
  'f/003-x',
  'f/003.txt',
  'f/0030',
  'f/0031/k',
  'f/00',
  'f/é/😀',
  'f/\uE000/x',
  'f0',
  'f-',
  'f.x/y',
  // One of several pages, with folders in it.
  ...range(2300).map((i) => `big/${number(i, 6)}`),
  ...range(3).flatMap((f) => range(5).map((i) => `big/001000.d/${f}/${i}`)),
  // Folders that are not worth it, at several depths, and few among many that are.
  ...range(7).flatMap((a) => range(8).flatMap((b) => range(25).map((i) => `deep/${a}/${b}/x/${number(i, 2)}`))),
  ...range(12).flatMap((f) => range(f % 5 === 0 ? 400 : 3).map((i) => `mixed/${number(f, 2)}/${number(i, 3)}`)),
  'z',
].toSorted(compareKeys);

const keysIn = ({ prefix = '', startAfter, until }: ListOptions): string[] =>
  KEYS.filter(
    (key) => key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0) && (until === undefined || compareKeys(key, until) < 0),
  );

async function listed(bucket: Bucket, o: ListOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { objects } of bucket.listPages(o)) found.push(...objects.map(({ key }) => key));
  return found;
}

describe('pages of MinIO', () => {
  let bucket: Bucket;
  beforeAll(async () => {
    if (server === undefined || proxy === undefined) return;
    await makeBucket(server, 'course');
    const { accessKeyId, secretAccessKey } = server;
    bucket = openBucket(minioDriver({ endpoint: proxy.endpoint, credentials: { accessKeyId, secretAccessKey }, store: 'minio' }, 'course'));
    const left = [...KEYS];
    await Promise.all(
      range(32).map(async () => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) await bucket.put(key, '');
      }),
    );
  }, 120_000);

  it.for<ListOptions>([{}, { prefix: 'f/' }, { prefix: 'f/00' }, { prefix: 'big/' }, { prefix: 'deep/' }, { prefix: 'mixed/' }, { prefix: 'deep/3/' }])(
    'have every key once, in order: %j',
    { timeout: 60_000 },
    async (o, ctx) => {
      if (server === undefined) return ctx.skip(missing);
      expect(await listed(bucket, o)).toEqual(keysIn(o));
    },
  );

  const mark = fc.oneof(
    fc.constantFrom(...KEYS),
    fc.constantFrom(...KEYS).map((key) => `${key.slice(0, -1)}\u{10FFFF}`),
    fc.constantFrom(...KEYS).map((key) => key.slice(0, Math.max(1, key.lastIndexOf('/')))),
    fc.constantFrom('f//x', 'f/./x', 'f/003/', 'deep', 'mixed/05/\u{10FFFF}'),
  );
  const interval = fc
    .record({ startAfter: mark, until: mark, prefix: fc.constantFrom('', '', 'f/', 'deep/', 'mixed/', 'f/01') }, { requiredKeys: [] })
    .filter(({ startAfter, until }) => startAfter === undefined || until === undefined || compareKeys(startAfter, until) < 0);

  it('have every key of any interval, from whichever page they are gone on behind', { timeout: 240_000 }, async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    await fc.assert(
      fc.asyncProperty(interval, fc.nat(6), async (o, pages) => {
        const wanted = keysIn(o);
        expect(await listed(bucket, o)).toEqual(wanted);
        // Some pages of one listing, the rest of another that goes on behind the last of them.
        const found: string[] = [];
        let cursor: string | undefined;
        let read = 0;
        for await (const page of bucket.listPages(o)) {
          found.push(...page.objects.map(({ key }) => key));
          cursor = page.cursor;
          if (read++ === pages) break;
        }
        if (cursor !== undefined) found.push(...(await listed(bucket, { ...o, cursor })));
        expect(found).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it('read folders that are worth a request each by one each, and nothing of others', async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    urls.length = 0;
    const o = { prefix: 'f/', startAfter: 'f/005/0009', until: 'f/018/0020' };
    expect(await listed(bucket, o)).toEqual(keysIn(o));
    // The first page, its folder's rest, what lies between that and the next, the folders, and each of these.
    expect(urls.length).toBeLessThanOrEqual(20);
    const asked = urls.map(({ searchParams }) => searchParams.get('prefix'));
    expect(asked.filter((prefix) => /^f\/\d{3}\/$/.test(prefix ?? '')).length).toBeGreaterThan(7);
    expect(urls.filter(({ searchParams }) => searchParams.has('continuation-token'))).toEqual([]);
  });

  it('let the server keep no listing of more than the interval', async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    for (const o of [
      { prefix: 'deep/', startAfter: 'deep/2', until: 'deep/4' },
      { startAfter: 'deep/0/3/x/04', until: 'deep/6/0/x/00' },
    ]) {
      urls.length = 0;
      expect(await listed(bucket, o)).toEqual(keysIn(o));
      const kept = urls.filter(({ searchParams }) => searchParams.has('continuation-token')).map(({ searchParams }) => searchParams.get('prefix') ?? '');
      for (const prefix of kept) expect(prefix.startsWith('deep/')).toBe(true);
    }
  });

  it('end with their reader, in the middle of folders that are read ahead', async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    for (const stop of [2, 4, 7]) {
      let pages = 0;
      for await (const { objects } of bucket.listPages({ prefix: 'f/' })) {
        expect(objects.length).toBeGreaterThan(0);
        if (++pages === stop) break;
      }
      const asked = urls.length;
      const over = new AbortController();
      await expect(
        (async () => {
          for await (const _ of bucket.listPages({ prefix: 'f/', signal: over.signal })) if (urls.length > asked + stop) over.abort();
        })(),
      ).rejects.toMatchObject({ name: 'AbortError' });
    }
    // The bucket goes on to answer.
    expect(await listed(bucket, { prefix: 'mixed/' })).toEqual(keysIn({ prefix: 'mixed/' }));
  });
});

describe('folders that are emptied while they are read', () => {
  /** As MinIO answers; these folders are told of, and have nothing by the time that they are listed. */
  function hostOf(keys: readonly string[], emptied: readonly string[]): UploadHost {
    const list = ({ prefix = '', startAfter = '', delimiter, limit }: ListRequest): Promise<ListedPage> => {
      const known = [...keys, ...(delimiter === undefined ? [] : emptied)].filter((key) => key.startsWith(prefix) && compareKeys(key, startAfter) > 0);
      const grouped = known.map((key) => (delimiter === undefined ? key : key.slice(0, key.indexOf(delimiter, prefix.length) + 1 || undefined)));
      const entries = [...new Set(grouped)].sort(compareKeys);
      const given = entries.slice(0, limit);
      return Promise.resolve({
        objects: given.filter((key) => delimiter === undefined || !key.endsWith('/')).map((key) => ({ key }) as ObjectInfo),
        prefixes: given.filter((key) => delimiter !== undefined && key.endsWith('/')),
        token: entries.length > limit ? Buffer.from(`${given.at(-1)}[minio_cache:v2,return:]`).toString('base64') : undefined,
      });
    };
    return { calls: { list } } as unknown as UploadHost;
  }

  it.each([1, 5, 8, 20])('%i of them hide no key behind them', async (count) => {
    const folders = (name: string, of: number, each: number): string[] => range(of).flatMap((f) => range(each).map((i) => `${name}/${f}/${number(i, 3)}`));
    const keys = [...folders('a', 2, 501), ...folders('b', 3, 300), 'c'];
    const emptied = range(count).map((i) => `a/2${number(i, 2)}/`);
    const found: string[] = [];
    for await (const page of listPages(hostOf(keys, emptied), {}, () => ({ minioListing: true }))) {
      found.push(...page.objects.map(({ key }) => key));
      expect(page.prefixes).toEqual([]);
    }
    expect(found).toEqual(keys);
  });
});

describe('MinioCourse', () => {
  const page = (keys: readonly string[]) => ({ objects: keys.map((key) => ({ key }) as never), prefixes: [], issues: [] });

  it('goes by key where the page has folders, for as long as that is not the whole of a long listing', () => {
    const small = page(range(1000).map((i) => `a/${number(Math.floor(i / 20), 2)}/${i}`));
    const unbounded = new MinioCourse({});
    const went = range(30).map(() => unbounded.goesByKey(small));
    expect(went).toEqual([...range(24).map(() => true), ...range(6).map(() => false)]);
    const bounded = new MinioCourse({ until: 'b' });
    expect(range(30).every(() => bounded.goesByKey(small))).toBe(true);
    expect([unbounded.manyFolders, unbounded.byFolder]).toEqual([true, false]);
  });

  it('goes by token where there are no folders below the prefix, where few keys are asked for, and where they are grouped', () => {
    const folders = page(range(1000).map((i) => `a/${Math.floor(i / 500)}/${i}`));
    expect(new MinioCourse({}).goesByKey(page(range(1000).map(String)))).toBe(false);
    expect(new MinioCourse({ prefix: 'a/' }).goesByKey(page(range(1000).map((i) => `a/${i}`)))).toBe(false);
    expect(new MinioCourse({ limit: 10 }).goesByKey(folders)).toBe(false);
    expect(new MinioCourse({ delimiter: '/' }).goesByKey(folders)).toBe(false);
  });

  it('goes folder by folder from 150 keys each on, and not where many have less than half of that', () => {
    const course = new MinioCourse({});
    course.goesByKey(page(range(1000).map((i) => `a/${Math.floor(i / 200)}/${i}`)));
    expect([course.manyFolders, course.byFolder]).toEqual([true, true]);
    for (const _ of range(7)) course.folder(10);
    expect(course.byFolder).toBe(true);
    course.folder(10);
    expect(course.byFolder).toBe(false);
    course.goesByKey(page(range(1000).map((i) => `a/one/${i}`)));
    expect([course.manyFolders, course.byFolder]).toEqual([false, true]);
  });
});
