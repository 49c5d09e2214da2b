import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Bucket, openBucket, retryLayer } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { minioDriver } from '@stowage/minio';
import { faultServer, makeBucket, type Misbehave, pass, serverOrReason, startMinio } from '@stowage/test-servers';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MirrorOptions } from '../src/index.ts';
import { byKey, ran, type Tree, treeOf } from './trees.ts';

const PART = 5 * 2 ** 20;
const started = await serverOrReason(startMinio);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-network-test-'));
  mkdirSync(join(folder, 'disk'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Contents as their hashes: they are long. */
const hashesOf = (tree: Tree): Tree => Object.fromEntries(Object.entries(tree).map(([key, content]) => [key, hash('sha256', content)]));

const isRead = ({ method, url = '' }: IncomingMessage): boolean => method === 'GET' && !url.includes('list-type=2') && !url.includes('uploads');
const isWrite = ({ method, headers }: IncomingMessage): boolean => method === 'PUT' && headers['x-amz-copy-source'] === undefined;
const isCopy = ({ method, headers }: IncomingMessage): boolean => method === 'PUT' && headers['x-amz-copy-source'] !== undefined;
const isCompletion = ({ method, url = '' }: IncomingMessage): boolean => method === 'POST' && url.includes('uploadId=');

function refuse(answer: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>A fault of the test.</Message></Error>`;
  answer.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}

/** Answers when the request has come in whole: before that, a client may still be writing. */
const refused =
  (status: number, code: string, headers?: Record<string, string>): Misbehave =>
  (incoming, answer) => {
    incoming.once('end', () => refuse(answer, status, code, headers)).resume();
    return true;
  };

/** The answer of the store, of which half arrives; then it is reset, or ends as if that were all, or nothing comes any more. */
const halved =
  (behind: string, end: 'reset' | 'as if whole' | 'announced' | 'silence'): Misbehave =>
  (incoming, answer) => {
    pass(incoming, answer, behind, (response) => {
      const { 'content-length': length, ...others } = response.headers;
      const half = Math.floor(Number(length) / 2);
      const announced = end === 'as if whole' ? others : end === 'announced' ? { ...withoutChecksums(others), 'content-length': half } : response.headers;
      answer.writeHead(response.statusCode ?? 500, announced);
      let sent = 0;
      response.on('data', (chunk: Buffer) => {
        if (sent < half) answer.write(chunk.subarray(0, half - sent));
        sent += chunk.byteLength;
      });
      response.once('end', () => {
        if (end === 'as if whole' || end === 'announced') answer.end();
        else if (end === 'reset') setTimeout(() => answer.destroy(), 5);
      });
      return true;
    });
    return true;
  };

/** As of an object that was written without any. */
function withoutChecksums(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum')));
}

/** What is asked for as a range is answered with all of it, and 200. */
const wholeForRange =
  (behind: string): Misbehave =>
  (incoming, answer) => {
    if (incoming.headers.range === undefined) return false;
    pass(incoming, answer, behind, (response) => {
      answer.writeHead(200, response.headers);
      response.pipe(answer);
      return true;
    });
    return true;
  };

/** The bytes go up, and the connection is reset in the middle of them. */
const resetWhileSending: Misbehave = (incoming) => {
  let got = 0;
  incoming.on('data', (chunk: Buffer) => {
    got += chunk.byteLength;
    if (got > 100_000) incoming.socket.resetAndDestroy();
  });
  return true;
};

const { endpoint = '', accessKeyId = '', secretAccessKey = '' } = started.server ?? {};
beforeEach((context) => {
  if (started.server === undefined) context.skip(started.missing);
});
afterAll(() => started.server?.stop(), 60_000);

const content = (seed: number, size: number): string => String.fromCharCode(97 + seed).repeat(size);
const TREE: Tree = { 'a small one': content(0, 300_000), 'b empty': '', 'c of parts': content(2, 2 * PART + 7), d: content(3, 10) };
const open = (at: string, name: string, retried: boolean): Bucket =>
  openBucket(
    minioDriver({ endpoint: at, credentials: { accessKeyId, secretAccessKey }, store: 'minio', answerTimeoutMs: 1500, silenceMs: 400 }, name),
    retried ? { layers: [retryLayer({ baseDelayMs: 10 })] } : {},
  );
const disk = (): Bucket => openBucket(fsDriver({ root: join(folder, 'disk'), durability: 'none' }));
const fill = async (bucket: Bucket): Promise<void> => {
  for (const [key, text] of Object.entries(TREE)) await bucket.put(key, text);
};
let count = 0;
const make = async (): Promise<string> => {
  const name = `network-${++count}`;
  if (started.server !== undefined) await makeBucket(started.server, name);
  return name;
};
const run = (from: Bucket, to: Bucket, o: Partial<MirrorOptions> = {}): ReturnType<typeof ran> =>
  ran(from, to, { partSize: PART, now: () => performance.now(), ...o });

describe.each<[what: string, matches: (incoming: IncomingMessage) => boolean, misbehave: Misbehave]>([
  ['a reset in mid-body', isRead, halved(endpoint, 'reset')],
  ['a body that is short, with a right status', isRead, halved(endpoint, 'as if whole')],
  ['a body that is short, and announced as such', isRead, halved(endpoint, 'announced')],
  ['a socket that stalls', isRead, halved(endpoint, 'silence')],
  ['a range that is answered with all of it', (incoming) => isRead(incoming) && incoming.headers.range !== undefined, wholeForRange(endpoint)],
  ['a 503', isRead, refused(503, 'SlowDown', { 'retry-after': '0' })],
])('%s, on the way down', (_, matches, misbehave) => {
  it('is got over: every object is exact', async () => {
    const name = await make();
    await fill(open(endpoint, name, false));
    let left = 3;
    await using faults = await faultServer((incoming, answer) => matches(incoming) && left-- > 0 && misbehave(incoming, answer), endpoint);
    const { report } = await run(open(faults.endpoint, name, true), disk(), { retries: 2 });
    expect(left).toBeLessThan(0);
    expect(report.counts).toMatchObject({ copied: { objects: 4 }, failed: { objects: 0 } });
    expect(hashesOf(await treeOf(disk()))).toEqual(hashesOf(TREE));
  });

  it('that stays is the failure of the keys that it strikes, and leaves no part of them', async () => {
    const name = await make();
    await fill(open(endpoint, name, false));
    const struck = new Set<string>();
    await using faults = await faultServer((incoming, answer) => {
      const key = Object.keys(TREE).find((each) => incoming.url?.includes(encodeURIComponent(each)));
      if (key === undefined || !['a small one', 'c of parts'].includes(key) || !matches(incoming)) return false;
      struck.add(key);
      return misbehave(incoming, answer);
    }, endpoint);
    const { outcomes } = await run(open(faults.endpoint, name, false), disk());
    expect(struck).toContain('c of parts');
    for (const { key, kind, reason } of outcomes)
      expect([key, `${kind}:${reason}`]).toEqual([
        key,
        struck.has(key) ? (expect.stringMatching(/^failed:(?:Unavailable|Timeout|RateLimited)$/) as string) : 'copied:undefined',
      ]);
    expect(hashesOf(await treeOf(disk()))).toEqual(hashesOf(Object.fromEntries(Object.entries(TREE).filter(([key]) => !struck.has(key)))));
  });
});

describe.each<[what: string, matches: (incoming: IncomingMessage) => boolean, misbehave: Misbehave]>([
  ['a reset while content goes up', (incoming) => isWrite(incoming) && Number(incoming.headers['content-length']) > 200_000, resetWhileSending],
  ['an answer that never comes', isWrite, (incoming) => incoming.resume() !== undefined],
  ['a 503', isWrite, refused(503, 'SlowDown', { 'retry-after': '0' })],
  ['a 200 with an error in it, on completion', isCompletion, refused(200, 'InternalError')],
  ['a 500 on completion', isCompletion, refused(500, 'InternalError')],
])('%s', (_, matches, misbehave) => {
  it('is got over: every object is exact, and no upload is left open', async () => {
    const name = await make();
    await fill(disk());
    let left = 2;
    await using faults = await faultServer((incoming, answer) => matches(incoming) && left-- > 0 && misbehave(incoming, answer), endpoint);
    const { report } = await run(disk(), open(faults.endpoint, name, true), { retries: 2 });
    expect(left).toBeLessThanOrEqual(0);
    expect(report.counts).toMatchObject({ copied: { objects: 4 }, failed: { objects: 0 } });
    const direct = open(endpoint, name, false);
    expect(hashesOf(await treeOf(direct))).toEqual(hashesOf(TREE));
    expect(await Array.fromAsync(direct.listUploads({ prefix: 'c of parts' }))).toEqual([]);
  });

  it('that stays is the failure of the keys that it strikes, and the old objects stay', async () => {
    const name = await make();
    await fill(disk());
    const direct = open(endpoint, name, false);
    await direct.put('c of parts', 'old');
    await using faults = await faultServer(
      (incoming, answer) => matches(incoming) && (incoming.url ?? '').includes('parts') && misbehave(incoming, answer),
      endpoint,
    );
    const { outcomes } = await run(disk(), open(faults.endpoint, name, false));
    const { 'c of parts': struck, ...others } = byKey(outcomes);
    expect(struck).toMatch(/^failed:(?:Unavailable|Timeout|RateLimited)$/);
    expect(others).toEqual({ 'a small one': 'copied', 'b empty': 'copied', d: 'copied' });
    expect(hashesOf(await treeOf(direct))).toEqual(hashesOf({ ...TREE, 'c of parts': 'old' }));
  });
});

it('a 200 with an error in it, on a copy within the store, is no copy', async () => {
  const [from, to] = [await make(), await make()];
  const { 'c of parts': _, ...small } = TREE;
  const direct = open(endpoint, from, false);
  for (const [key, text] of Object.entries(small)) await direct.put(key, text);
  let left = 2;
  const misbehave = refused(200, 'InternalError');
  await using faults = await faultServer((incoming, answer) => isCopy(incoming) && left-- > 0 && misbehave(incoming, answer), endpoint);
  const bucket = (name: string, retried: boolean): Bucket => open(faults.endpoint, name, retried);
  const first = await run(bucket(from, false), bucket(to, false), { transfers: 1 });
  expect(first.report.counts).toMatchObject({ failed: { objects: 2 }, copied: { objects: 1 } });
  expect(Object.keys(await treeOf(open(endpoint, to, false)))).toHaveLength(1);
  left = 2;
  const second = await run(bucket(from, true), bucket(to, true), { retries: 2 });
  expect(second.report.counts).toMatchObject({ failed: { objects: 0 }, copied: { objects: 2 } });
  expect(hashesOf(await treeOf(open(endpoint, to, false)))).toEqual(hashesOf(small));
});

it('a burst of 503 with Retry-After is waited out as long as asked, is no failure, and slows the run down', async () => {
  const name = await make();
  await fill(disk());
  const asked = new Map<string, number[]>();
  let left = 6;
  const slowDown = refused(503, 'SlowDown', { 'retry-after': '1' });
  await using faults = await faultServer((incoming, answer) => {
    if (!isWrite(incoming)) return false;
    const path = incoming.url ?? '';
    if (left-- <= 0) {
      asked.get(path)?.push(performance.now());
      return false;
    }
    asked.set(path, [performance.now()]);
    return slowDown(incoming, answer);
  }, endpoint);
  const { report, progress } = await run(disk(), open(faults.endpoint, name, true));
  expect(report.counts).toMatchObject({ copied: { objects: 4 }, failed: { objects: 0 } });
  expect(progress.throttled).toBe(6);
  for (const [first = 0, second = Infinity] of asked.values()) expect(second - first).toBeGreaterThanOrEqual(1000);
});

it.each(['source', 'destination'] as const)(
  'credentials that expire half-way, of the %s, end the run; nothing is deleted, and the next run does the rest',
  async (side) => {
    const name = await make();
    const direct = open(endpoint, name, false);
    const [from, to] = side === 'source' ? [direct, disk()] : [disk(), direct];
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${String(i).padStart(2, '0')}`, content(i % 26, 100)]));
    for (const [key, text] of Object.entries(many)) await from.put(key, text);
    await to.put('extra', 'kept');
    let good = 8;
    const expired = refused(400, 'ExpiredToken');
    await using faults = await faultServer((incoming, answer) => {
      const matches = side === 'source' ? isRead(incoming) : isWrite(incoming);
      if (matches) good--;
      return good < 0 && expired(incoming, answer);
    }, endpoint);
    const bucket = open(faults.endpoint, name, true);
    const { report, outcomes } = await run(side === 'source' ? bucket : from, side === 'source' ? to : bucket, { delete: true, transfers: 2 });
    expect(report).toMatchObject({ stopped: { by: 'store', side, error: { code: 'Unauthenticated' } }, guard: { guard: 'interrupted' } });
    expect(report.counts.copied.objects).toBe(8);
    expect(outcomes.filter(({ reason }) => reason === 'not-attempted').length).toBeGreaterThan(15);
    expect((await treeOf(to))['extra']).toBe('kept');
    expect((await run(from, to, { delete: true })).report.counts).toMatchObject({ same: { objects: 8 }, copied: { objects: 22 }, deleted: { objects: 1 } });
    expect(hashesOf(await treeOf(to))).toEqual(hashesOf(many));
  },
);
