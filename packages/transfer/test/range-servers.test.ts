import { type Bucket, type BucketDriver, delegate, type Layer, openBucket, retryLayer } from '@stowage/core';
import { minioDriver } from '@stowage/minio';
import { makeBucket, type S3Server, serverOrReason, startCountingProxy, startMinio, startVersitygw } from '@stowage/test-servers';
import { afterAll, describe, expect, it } from 'vitest';
import { bucketOf, noChecksums, ran, treeOf } from './trees.ts';

const servers = {
  minio: await serverOrReason(startMinio),
  versitygw: await serverOrReason(startVersitygw),
};
afterAll(async () => {
  for (const { server } of Object.values(servers)) await server?.stop();
});

const PAGE = 40;

interface Watched {
  readonly layer: Layer;
  /** Pages of listings that were asked for at once at most, and listings that began behind a boundary. */
  most: number;
  behind: number;
}

/** Small pages, counted. Single keys, which the search for boundaries asks for, are not. */
function watched(): Watched {
  let under = 0;
  const seen: Watched = {
    most: 0,
    behind: 0,
    layer: (inner) =>
      delegate(inner, {
        async *list(o): ReturnType<BucketDriver['list']> {
          const page = o.limit === undefined;
          if (page && o.startAfter !== undefined) seen.behind++;
          const pages = inner.list({ ...o, limit: o.limit ?? PAGE })[Symbol.asyncIterator]();
          try {
            for (;;) {
              if (page) seen.most = Math.max(seen.most, ++under);
              const next = await pages.next().finally(() => page && under--);
              if (next.done === true) return;
              yield next.value;
            }
          } finally {
            await pages.return?.();
          }
        },
      }),
  };
  return seen;
}

/** Keys that share long beginnings, that a folder's name begins, and of several alphabets. */
function planted(count: number): Record<string, string> {
  const tree: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const n = String(i).padStart(6, '0');
    const names = [
      `photos/2026/${n.slice(0, 4)}/image-${n}.jpg`,
      `photos/2026-${n}`,
      `${((i * 2_654_435_761) >>> 0).toString(16)}.bin`,
      `é/\uE000${n}`,
      `é/😀${n}`,
    ];
    tree[names[i % 7] ?? `photos/2026/${n.slice(0, 4)}/image-${n}.jpg`] = `content ${i % 13}`;
  }
  return tree;
}

describe.each(['minio', 'versitygw'] as const)('%s', (name) => {
  const started = servers[name];
  const store = (server: S3Server, endpoint: string, bucket: string): Bucket => {
    const { accessKeyId, secretAccessKey } = server;
    return openBucket(minioDriver({ endpoint, credentials: { accessKeyId, secretAccessKey }, store: name }, bucket), { layers: [retryLayer()] });
  };

  it('is listed in ranges side by side, and each key has its outcome', { timeout: 120_000 }, async (ctx) => {
    const { server } = started;
    if (server === undefined) return ctx.skip(started.missing);
    await makeBucket(server, 'ranges');
    const tree = planted(2000);
    await using to = store(server, server.endpoint, 'ranges');
    const from = await bucketOf(tree, noChecksums);
    expect((await ran(from, to, { now: () => performance.now(), transfers: 16 })).report.counts.copied.objects).toBe(Object.keys(tree).length);

    await using proxy = await startCountingProxy(server.endpoint, { delayMs: 60 });
    const seen = watched();
    await using remote = store(server, proxy.endpoint, 'ranges').with(seen.layer);
    // By default settings: the pages are few, and slow enough.
    const check = await ran(from, remote, { mode: 'check', comparison: 'size', now: () => performance.now() });
    expect(check.report).toMatchObject({ complete: true, balanced: true, keys: Object.keys(tree).length });
    expect(check.report.counts.same.objects).toBe(Object.keys(tree).length);
    expect(seen.behind).toBeGreaterThan(2);
    // Listed one page after another, there would be one.
    expect(seen.most).toBeGreaterThan(2);

    const other = { ...tree };
    const keys = Object.keys(tree);
    for (const [i, key] of keys.entries()) {
      if (i % 10 === 3) delete other[key];
      if (i % 10 === 5) other[key] = `other and longer ${i}`;
      if (i % 10 === 7) other[`${key}+new`] = 'new';
    }
    const again = watched();
    await using target = store(server, server.endpoint, 'ranges').with(again.layer);
    const { report, outcomes } = await ran(await bucketOf(other, noChecksums), target, {
      delete: true,
      comparison: 'size',
      maxDelete: { percent: 100 },
      now: () => performance.now(),
      ranges: { afterPages: 2, afterMs: 0 },
    });
    expect(again.behind).toBeGreaterThan(2);
    expect(report).toMatchObject({ complete: true, balanced: true });
    const expected = (key: string): string => (!(key in other) ? 'deleted' : !(key in tree) ? 'copied' : other[key] === tree[key] ? 'same' : 'updated');
    expect(outcomes).toHaveLength(new Set([...keys, ...Object.keys(other)]).size);
    expect(outcomes.filter(({ key, kind }) => kind !== expected(key))).toEqual([]);
    expect(await treeOf(to)).toEqual(other);
  });
});
