import { type Bucket, compareKeys, openBucket } from '@stowage/core';
import { makeBucket, serverOrReason, startMinio, startVersitygw } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minioDriver, type MinioOptions } from '../src/index.ts';

const started = { minio: await serverOrReason(startMinio), versitygw: await serverOrReason(startVersitygw) };
afterAll(async () => {
  for (const { server } of Object.values(started)) await server?.stop();
});

/** Folders, and beside each so many names that begin as it does: MinIO takes these for found when it looks for a mark in the folder. */
const KEYS = [
  ...Array.from({ length: 12 }, (_, i) => [`a-${i}`, `a/b-${i}`, `a/b.${i}`, `a/b/c/${i}`, `a/b/c-${i}`, `a/b/c0${i}`, `a0${i}`, `a/b0${i}`]).flat(),
  'a/b/c0',
  'a0',
  'é/😀',
  'é/\uE000',
  'z/y/x',
  'z/y0',
  'z0/y',
  // Names that a mark begins with.
  ...Array.from({ length: 9 }, (_, i) => `m/n${'-'.repeat(i)}`),
].toSorted(compareKeys);

const MARKS = [
  ...KEYS.filter((_, i) => i % 5 === 0),
  ...KEYS.filter((_, i) => i % 7 === 0).map((key) => `${key}\u{10FFFF}`),
  'a',
  'a/',
  'a/b',
  'a/b/',
  'a/b/c',
  'a/b/c/',
  'a/b/c/5/',
  'a/b/zz',
  'a/\u{10FFFF}',
  'a/b/\u{10FFFF}',
  'm/n----------',
  'm/n/x',
  'q/r/s',
  'z/y/x/w',
];

interface Interval {
  readonly prefix?: string;
  readonly startAfter?: string;
  readonly until?: string;
  readonly delimiter?: string;
  readonly limit?: number;
}

function expected({ prefix = '', startAfter, until, delimiter }: Interval): string[] {
  const entries = new Set<string>();
  for (const key of KEYS.filter((k) => k.startsWith(prefix))) {
    if (until !== undefined && compareKeys(key, until) >= 0) continue;
    const at = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    const entry = at < 0 ? key : key.slice(0, at + 1);
    if (startAfter === undefined || compareKeys(entry, startAfter) > 0) entries.add(entry);
  }
  return [...entries];
}

async function listed(bucket: Bucket, interval: Interval, again: boolean): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    // Each page may be the last that this listing lives to see.
    for await (const page of bucket.listPages({ ...interval, ...(cursor === undefined ? {} : { cursor }) })) {
      found.push(...[...page.objects.map(({ key }) => key), ...page.prefixes].toSorted(compareKeys));
      expect(page.objects.length + page.prefixes.length).toBeLessThanOrEqual(interval.limit ?? 1000);
      cursor = page.cursor;
      if (again) break;
    }
  } while (cursor !== undefined);
  return found;
}

describe.each<['minio' | 'versitygw', MinioOptions['store']]>([
  ['minio', 'minio'],
  ['minio', 's3'],
  ['versitygw', 'versitygw'],
])('%s, configured as %s', (name, store) => {
  const { server, missing } = started[name];
  let bucket: Bucket;
  beforeAll(async () => {
    if (server === undefined) return;
    await makeBucket(server, `marks-${store}`);
    const { endpoint, accessKeyId, secretAccessKey } = server;
    bucket = openBucket(minioDriver({ endpoint, credentials: { accessKeyId, secretAccessKey }, ...(store === undefined ? {} : { store }) }, `marks-${store}`));
    for (let i = 0; i < KEYS.length; i += 20) await Promise.all(KEYS.slice(i, i + 20).map((key) => bucket.put(key, '')));
  });

  it.for<Interval & { readonly again?: boolean }>([
    { limit: 1, until: 'a/b.5' },
    { limit: 9 },
    { limit: 9, again: true },
    { limit: 40, until: 'a/b/c/7' },
    { limit: 2, prefix: 'a/b' },
    { limit: 7, prefix: 'a/b/', until: 'a/b/c0' },
    { limit: 2, delimiter: '/' },
    { limit: 3, delimiter: '/', prefix: 'a/', again: true },
  ])('gives every key behind a mark: %j', { timeout: 120_000 }, async ({ again = false, ...interval }, ctx) => {
    if (server === undefined) return ctx.skip(missing);
    const wrong: unknown[] = [];
    // Each is a question of its own; a few at once.
    for (let i = 0; i < MARKS.length; i += 8)
      await Promise.all(
        MARKS.slice(i, i + 8).map(async (startAfter) => {
          const found = await listed(bucket, { ...interval, startAfter }, again);
          const wanted = expected({ ...interval, startAfter });
          if (JSON.stringify(found) !== JSON.stringify(wanted))
            wrong.push({ startAfter, found: found.slice(0, 5), wanted: wanted.slice(0, 5), of: [found.length, wanted.length] });
        }),
      );
    expect(wrong).toEqual([]);
  });
});
