import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bucket, compareKeys, type ListOptions, openBucket } from '@stowage/core';
import { makeBucket, type S3Server, serverOrReason, startCountingProxy, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minioDriver, type MinioOptions } from '../src/index.ts';

/** MinIO that can be ended and begun anew while its address stays. Each of its sets of drives ends its part of a page by itself, which leaves holes. */
const SETS = 2;
const drive = await mkdtemp(join(tmpdir(), 'stowage-tokens-'));
const { server: first, missing } = await serverOrReason(() => startMinio({ drive, sets: SETS }));
let server: S3Server | undefined = first;
const urls: string[] = [];
const proxy = first && (await startCountingProxy(() => (server as S3Server).endpoint, { onRequest: ({ url }) => urls.push(url) }));
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await server?.stop();
  await rm(drive, { recursive: true, force: true });
});

async function restart(): Promise<void> {
  await server?.stop();
  server = await startMinio({ drive, sets: SETS });
}

/** Folders, and beside each so many names that begin as it does: MinIO takes these for found when it looks for a mark in the folder. */
const KEYS = [
  ...Array.from({ length: 9 }, (_, i) => [`a-${i}`, `a.${i}`, `a/${i}`, `a/b-${i}`, `a/b.${i}`, `a/b/c/${i}`, `a/b/c-${i}`, `a/b/c0${i}`, `a0${i}`]).flat(),
  'a/b0',
  'a0',
  'é/😀',
  'é/\uE000',
  'm/a[minio_cache:v2,return:]',
  'z/y/x',
  'z/y0',
  'z0/y',
].toSorted(compareKeys);

function grouped(prefix: string): string[] {
  const under = KEYS.filter((key) => key.startsWith(prefix));
  return [...new Set(under.map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1 || undefined)))];
}

/** Nothing of it is known to the server that has begun anew. */
function forgotten(cursor: string): string {
  if (!cursor.startsWith('t')) return cursor;
  const token = Buffer.from(cursor.slice(1), 'base64').toString();
  return `t${Buffer.from(token.replace(/id:[^,\]]+/, 'id:00000000-0000-4000-8000-000000000000')).toString('base64')}`;
}

async function listed(bucket: Bucket, o: ListOptions, between: (cursor: string) => string | Promise<string>): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.listPage({ ...o, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...[...page.objects.map(({ key }) => key), ...page.prefixes].toSorted(compareKeys));
    cursor = page.cursor === undefined ? undefined : await between(page.cursor);
  } while (cursor !== undefined);
  return found;
}

describe.each<MinioOptions['store']>(['minio', 's3'])('pages of MinIO that lie far apart, configured as %s', (store) => {
  let open: () => Bucket;
  beforeAll(async () => {
    if (server === undefined || proxy === undefined) return;
    await makeBucket(server, `tokens-${store}`);
    const { accessKeyId, secretAccessKey } = server;
    open = () =>
      openBucket(
        minioDriver({ endpoint: proxy.endpoint, credentials: { accessKeyId, secretAccessKey }, ...(store === undefined ? {} : { store }) }, `tokens-${store}`),
      );
    const bucket = open();
    for (let i = 0; i < KEYS.length; i += 20) await Promise.all(KEYS.slice(i, i + 20).map((key) => bucket.put(key, '')));
  });

  it.for([1, 2, 3, 4, 5, 6, 7, 20])('lack no key where the server has forgotten the listing, %i a page', { timeout: 60_000 }, async (limit, ctx) => {
    if (server === undefined) return ctx.skip(missing);
    for (const forgets of [1, 2, 3]) {
      let pages = 0;
      const between = (cursor: string): string => (++pages % forgets === 0 ? forgotten(cursor) : cursor);
      expect(await listed(open(), { limit }, between)).toEqual(KEYS);
      for (const prefix of ['a/', 'a/b', 'é/', 'a/b/c'])
        expect(await listed(open(), { limit, prefix }, between)).toEqual(KEYS.filter((key) => key.startsWith(prefix)));
      expect(await listed(open(), { limit, until: 'a/b/c05' }, between)).toEqual(KEYS.filter((key) => compareKeys(key, 'a/b/c05') < 0));
      for (const prefix of ['', 'a/', 'a/b/']) expect(await listed(open(), { limit, prefix, delimiter: '/' }, between)).toEqual(grouped(prefix));
    }
  });

  it('lack no key where the server began anew between them', { timeout: 120_000 }, async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    const found: string[] = [];
    let pages = 0;
    for await (const { objects } of open().listPages({ limit: 7 })) {
      found.push(...objects.map(({ key }) => key));
      // The third page and later ones are asked for by the name of a listing that the server keeps.
      if (++pages % 3 === 2) await restart();
    }
    expect(found).toEqual(KEYS);
  });

  it('lack no key behind a cursor that was kept while the server began anew', { timeout: 120_000 }, async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    let pages = 0;
    const found = await listed(open(), { limit: 9 }, async (cursor) => {
      if (++pages % 3 === 2) await restart();
      return cursor;
    });
    expect(found).toEqual(KEYS);
  });

  it('cost a few requests more at the end of the listing', async (ctx) => {
    if (server === undefined) return ctx.skip(missing);
    const bucket = open();
    await bucket.listPage({ limit: 1 });
    urls.length = 0;
    let pages = 0;
    for await (const { objects } of bucket.listPages({ limit: 4 })) if (objects.length > 0) pages++;
    expect(pages).toBeGreaterThan(20);
    expect(urls.length).toBeLessThanOrEqual(pages + 6);
  });
});
