import { type Bucket, isStorageError, MAX_KEY_BYTES, type UploadRef } from '@stowage/core';
import { makeBucket, serverOrReason, startMinio } from '@stowage/test-servers';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { type ChildPlace, type ChildRun, openPlace, runMirror } from './children/mirror-places.ts';

/** `STOWAGE_KILLS=100` is the long variant: a hundred kills over 5,000 objects each way. */
const KILLS = Number(process.env['STOWAGE_KILLS'] ?? 20);
const LONG = KILLS > 50;
const SMALL = LONG ? 5000 : 200;
const LARGE = LONG ? 40 : 3;
/** About as many strike one tree before it is whole; then it is compared, and the next one begun from nothing. */
const KILLS_A_TREE = 10;
const PART = 5 * 2 ** 20;

const started = await serverOrReason(startMinio);
let folder: string;
// Its folder goes with it, and holds what MinIO has not yet removed of trees that were deleted.
afterAll(() => started.server?.stop(), LONG ? 300_000 : 30_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-kill-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Small objects of every odd name, and some of one to four parts. */
function plant(root: string): void {
  const names = ['a b', 'ü', 'q%2Fr', "it's", '[x]', '\u{1F600}', '~tilde', 'plus+', 'hash#', '.hidden', 'UPPER', 'x'.repeat(200)];
  const write = (key: string, content: Buffer): void => {
    const path = join(root, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  for (let i = 0; i < SMALL; i++) write(`d${i % 7}/${names[i % names.length]}${i}`, randomBytes(i % 50 === 0 ? 0 : 1 + ((i * 37) % 4000)));
  for (let i = 0; i < LARGE; i++) write(`large/${i}`, randomBytes(PART + 1 + ((i * 3_333_333) % (3 * PART))));
  expect(Buffer.byteLength(`d0/${'x'.repeat(200)}`)).toBeLessThan(MAX_KEY_BYTES);
}

/** Key to hash, without any of the code under test: of a folder, by reading it. */
function manifestOf(root: string): Map<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map((entry): [string, string] => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(root.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')];
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function manifestOfBucket(place: ChildPlace): Promise<Map<string, string>> {
  await using bucket = openPlace(place);
  const hashOf = async (key: string): Promise<[string, string]> => [
    key,
    createHash('sha256')
      .update(await (await bucket.get(key)).bytes())
      .digest('hex'),
  ];
  const found: [string, string][] = [];
  const keys = (await Array.fromAsync(bucket.list())).map(({ key }) => key);
  for (let i = 0; i < keys.length; i += 16) found.push(...(await Promise.all(keys.slice(i, i + 16).map(hashOf))));
  return new Map(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keys whose content is not the same, the first of them. */
function differences(found: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] {
  return [...new Set([...found.keys(), ...wanted.keys()])].filter((key) => found.get(key) !== wanted.get(key)).slice(0, 10);
}

async function openUploads(place: ChildPlace): Promise<string[]> {
  await using bucket = openPlace(place);
  const keys: string[] = [];
  for await (const ref of bucket.listUploads({ prefix: 'large/' })) if (await isOpen(bucket, ref)) keys.push(ref.key);
  return keys;
}

/** MinIO goes on listing an upload that was completed for a process that was killed meanwhile, until it starts anew; it knows no more of it. */
async function isOpen(bucket: Bucket, ref: UploadRef): Promise<boolean> {
  try {
    (await bucket.resumeUpload(ref)).detach();
    return true;
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return false;
    throw error;
  }
}

interface ChildEnd {
  /** Empty where it was struck before it had one. */
  readonly report: string;
  readonly signal: NodeJS.Signals | null;
  /** From the beginning of its work, when all code was loaded. */
  readonly livedMs: number;
  /** Whether the destination took anything of it. */
  readonly wrote: boolean;
}

interface Kill {
  /** Where its clock begins: with all work of a run, or with the first write, before which there is little to break. */
  readonly from: 'begin' | 'first write';
  readonly afterMs: number;
}

/** Runs to its end, or until it is killed. */
async function child(run: ChildRun, kill?: Kill): Promise<ChildEnd> {
  const spawned = spawn(process.execPath, ['--conditions=@stowage/source', join(import.meta.dirname, 'children/mirror-child.ts'), JSON.stringify(run)], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(tmpdir(), 'stowage-transfer-test-compile-cache') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const written = sizeOf(run.log);
  let output = '';
  let began = performance.now();
  spawned.stdout.once('data', () => (began = performance.now()));
  spawned.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => spawned.on('close', (_code, signal) => resolve(signal)));
  if (kill !== undefined) {
    const counts = (): boolean => (kill.from === 'begin' ? output !== '' : sizeOf(run.log) > written);
    while (spawned.exitCode === null && spawned.signalCode === null && !counts()) await delay(2);
    await Promise.race([delay(kill.afterMs, undefined, { ref: false }), ended]);
    spawned.kill('SIGKILL');
  }
  const signal = await ended;
  return { report: output.split('\n')[1] ?? '', signal, livedMs: performance.now() - began, wrote: sizeOf(run.log) > written };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Once its clock goes, each moment is as likely as any other, however long the run lives. Of every other kill it goes from the very
 * beginning: so the opening of the journal, the listings and the closing are struck, too. Of the rest, from the first write: however
 * short the runs, half of all kills strike one that has written.
 */
function randomKill(number: number, meanMs: number): Kill {
  return { from: number % 2 === 0 ? 'begin' : 'first write', afterMs: -Math.log(1 - Math.random()) * meanMs };
}

/** Of a tree that has been looked at: room for the next one. */
async function clear(place: ChildPlace, keys: Iterable<string>): Promise<void> {
  if (place.kind === 'fs') return rmSync(place.root, { recursive: true });
  await using bucket = openPlace(place);
  for await (const outcome of bucket.deleteMany(keys)) expect(outcome.ok).toBe(true);
}

/** How often each write was made: `part-3 "large/1" 5242880`. */
function writesOf(log: string): Map<string, number> {
  const writes = new Map<string, number>();
  for (const line of existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []) if (line !== '') writes.set(line, (writes.get(line) ?? 0) + 1);
  return writes;
}

it.for(['disk → MinIO', 'MinIO → disk'])(
  `%s is equal after ${KILLS} kills at random, with nothing left behind and little sent twice`,
  { timeout: LONG ? 1_800_000 : 120_000 },
  async (direction, ctx) => {
    const { server } = started;
    if (server === undefined) return ctx.skip(started.missing);
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const toMinio = direction.startsWith('disk');
    const inMinio = async (bucket: string): Promise<ChildPlace> => {
      await makeBucket(server, bucket);
      return { kind: 'minio', endpoint, bucket, accessKeyId, secretAccessKey };
    };
    const onDisk = (name: string): ChildPlace => {
      mkdirSync(join(folder, name));
      return { kind: 'fs', root: join(folder, name) };
    };
    const planted = join(folder, 'planted');
    plant(planted);
    const wanted = manifestOf(planted);
    expect(wanted.size).toBe(SMALL + LARGE);
    const common = { stateFolder: join(folder, 'state'), partSize: PART, delete: true };
    let from: ChildPlace = { kind: 'fs', root: planted };
    if (!toMinio) {
      const remote = await inMinio('kill-from');
      await runMirror({ ...common, from, to: remote, log: join(folder, 'log-from') });
      from = remote;
    }

    let kills = 0;
    let again = 0;
    let writes = 0;
    let early = 0;
    // Nothing strikes the first tree: how long its run lives tells how often to strike the others.
    let meanMs: number | undefined;
    const nextKill = (): Kill | undefined => (meanMs === undefined || kills === KILLS ? undefined : randomKill(kills, meanMs));
    for (let tree = 0; kills < KILLS; tree++) {
      const to = toMinio ? await inMinio(`kill-to-${tree}`) : onDisk(`to-${tree}`);
      const run: ChildRun = { ...common, from, to, log: join(folder, `log-${tree}`) };
      const killsBefore = kills;
      let end = await child(run, nextKill());
      // Counted where its work was broken off; else the tree is whole.
      while (end.report === '') {
        expect(end.signal).toBe('SIGKILL');
        kills++;
        if (!end.wrote) early++;
        end = await child(run, nextKill());
      }
      meanMs ??= end.livedMs / KILLS_A_TREE;
      expect(JSON.parse(end.report)).toMatchObject({ balanced: true, counts: { failed: { objects: 0 }, conflict: { objects: 0 } } });

      if (to.kind === 'fs') {
        // Everything under it, whatever its name: no temporary, no folder of unfinished uploads.
        expect(differences(manifestOf(to.root), wanted)).toEqual([]);
        expect(existsSync(join(to.root, '.stowage/uploads'))).toBe(false);
      } else {
        expect(differences(await manifestOfBucket(to), wanted)).toEqual([]);
        expect(await openUploads(to)).toEqual([]);
      }
      // Told by the store, and made again all the same: what was in flight is in no log. The journal may be a moment behind.
      const told = writesOf(run.log);
      const twice = [...told.values()].reduce((sum, times) => sum + times - 1, 0);
      expect(twice).toBeLessThanOrEqual(kills - killsBefore);
      again += twice;
      writes += told.size;
      expect(await runMirror(run)).toMatchObject({ counts: { same: { objects: SMALL + LARGE }, copied: { objects: 0 }, updated: { objects: 0 } } });
      await clear(to, wanted.keys());
    }
    expect(kills).toBe(KILLS);
    process.stderr.write(`${direction}: ${kills} of ${KILLS} killed, ${early} of them before their first write, ${again} writes made again of ${writes}\n`);
  },
);

it('an upload that the store began, and of which a killed run never heard, goes with the next run; those of others stay', async (ctx) => {
  const { server } = started;
  if (server === undefined) return ctx.skip(started.missing);
  const { endpoint, accessKeyId, secretAccessKey } = server;
  await makeBucket(server, 'kill-unheard');
  const to: ChildPlace = { kind: 'minio', endpoint, bucket: 'kill-unheard', accessKeyId, secretAccessKey };
  const planted = join(folder, 'planted');
  mkdirSync(join(planted, 'large'), { recursive: true });
  for (const i of [0, 1]) writeFileSync(join(planted, `large/${i}`), randomBytes(2 * PART));
  await using bucket = openPlace(to);
  const theirs = await bucket.upload('large/2');
  const run: ChildRun = { from: { kind: 'fs', root: planted }, to, stateFolder: join(folder, 'state'), log: join(folder, 'log'), partSize: PART, delete: true };
  expect(await child({ ...run, dieOnUpload: true })).toMatchObject({ report: '', signal: 'SIGKILL' });
  const left = await openUploads(to);
  expect(left.filter((key) => key !== 'large/2').length).toBeGreaterThan(0);
  expect(JSON.parse((await child(run)).report)).toMatchObject({ counts: { copied: { objects: 2 }, failed: { objects: 0 } } });
  expect(await openUploads(to)).toEqual(['large/2']);
  expect(differences(await manifestOfBucket(to), manifestOf(planted))).toEqual([]);
  await theirs.abort();
});
