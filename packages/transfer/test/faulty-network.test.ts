import { type Bucket, openBucket, retryLayer } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { minioDriver } from '@stowage/minio';
import { makeBucket, serverOrReason, startMinio } from '@stowage/test-servers';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import type { JournalOptions } from '../src/index.ts';
import { faultProxy, PROXY_FAULTS, type ProxyFault } from './fault-proxy.ts';
import { ran } from './trees.ts';

const started = await serverOrReason(startMinio);
afterAll(() => started.server?.stop());
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-faults-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PART = 5 * 2 ** 20;
const SMALL = 250;
const LARGE = 3;
const EXTRA = 20;

function plant(root: string, count: number, large: number, salt = ''): void {
  const write = (key: string, content: Buffer): void => {
    mkdirSync(dirname(join(root, key)), { recursive: true });
    writeFileSync(join(root, key), content);
  };
  for (let i = 0; i < count; i++) write(`d${i % 5}/f${i}${salt}`, randomBytes((i * 97) % 3000));
  for (let i = 0; i < large; i++) write(`large/${i}`, randomBytes(2 * PART + 7 * i));
}

async function manifestOf(bucket: Bucket): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { key } of bucket.list())
    found.set(
      key,
      createHash('sha256')
        .update(await (await bucket.get(key)).bytes())
        .digest('hex'),
    );
  return found;
}

/** The same numbers in each run of the test. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it.for([
  ['up', 1],
  ['up', 2],
  ['down', 3],
  ['down', 4],
] as const)('one request in twenty fails, on the way %s (seed %i): exact, or each failed key named', { timeout: 120_000 }, async ([way, seed], ctx) => {
  const { server } = started;
  if (server === undefined) return ctx.skip(started.missing);
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const name = `faults-${seed}`;
  await makeBucket(server, name);
  const keys = { accessKeyId, secretAccessKey };
  const random = seeded(seed);
  let next = 0;
  const choose = (): ProxyFault | undefined => (random() < 0.05 ? PROXY_FAULTS[next++ % PROXY_FAULTS.length] : undefined);
  await using proxy = await faultProxy(endpoint, choose);
  const open = (at: string): Bucket =>
    openBucket(minioDriver({ endpoint: at, credentials: keys, store: 'minio', answerTimeoutMs: 1500, silenceMs: 1000 }, name), {
      layers: [retryLayer({ baseDelayMs: 10 })],
    });
  await using remote = open(endpoint);
  await using faulty = open(proxy.endpoint);
  const planted = join(folder, 'planted');
  plant(planted, SMALL, LARGE);
  const stale = join(folder, 'stale');
  plant(stale, EXTRA, 0, '-extra');
  await using from = openBucket(fsDriver({ root: planted, durability: 'none' }));
  await using old = openBucket(fsDriver({ root: stale, durability: 'none' }));
  const to = way === 'up' ? remote : old;
  if (way === 'up') await ran(old, remote, {});
  else await ran(from, remote, { partSize: PART });
  const wanted = await manifestOf(from);
  const before = await manifestOf(to);

  const journal: JournalOptions = {
    stateFolder: join(folder, 'state'),
    source: { store: 'from', path: [] },
    destination: { store: 'to', path: [] },
    today: () => new Date(),
  };
  const run = (): ReturnType<typeof ran> =>
    ran(way === 'up' ? from : faulty, way === 'up' ? faulty : old, { delete: true, partSize: PART, journal, retries: 2, now: () => performance.now() });
  let exact = false;
  for (let i = 0; i < 8 && !exact; i++) {
    const { report, outcomes } = await run().catch((error: unknown) => {
      // A listing that fails from its first page on is told as such, and nothing is done.
      if (error instanceof Error && error.name === 'MirrorRefusal') return { report: undefined, outcomes: [] };
      throw error;
    });
    if (report === undefined) continue;
    expect(report.balanced).toBe(true);
    const now = await manifestOf(to);
    const troubled = new Set(outcomes.filter(({ kind }) => kind === 'failed' || kind === 'conflict' || kind === 'skipped').map(({ key }) => key));
    const untold = [...wanted].filter(([key, hash]) => now.get(key) !== hash && !troubled.has(key) && report.complete);
    expect(untold).toEqual([]);
    // Never torn: what is there is the one or the other. Never a deletion too many.
    for (const [key, hash] of now) expect([wanted.get(key), before.get(key)]).toContain(hash);
    const kept = [...before.keys()].filter((key) => now.has(key)).length;
    if (!report.complete || report.counts.failed.objects > 0) expect(kept).toBe(before.size);
    exact = now.size === wanted.size && [...wanted].every(([key, hash]) => now.get(key) === hash);
    if (!exact) expect(report.counts.failed.objects + report.counts.conflict.objects + report.counts.skipped.objects).toBeGreaterThan(0);
  }
  expect(exact).toBe(true);
  expect(proxy.struck.size).toBeGreaterThanOrEqual(5);
});
