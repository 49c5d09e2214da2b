import { MAX_KEY_BYTES } from '@stowage/core';
import { makeBucket, serverOrReason, startMinio } from '@stowage/test-servers';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { type ChildPlace, type ChildRun, openPlace, runMirror } from './children/mirror-places.ts';

/** `STOWAGE_KILLS=100` is the long variant: a hundred kills over 5,000 objects each way. */
const KILLS = Number(process.env['STOWAGE_KILLS'] ?? 20);
const LONG = KILLS > 50;
const SMALL = LONG ? 5000 : 600;
const LARGE = LONG ? 40 : 5;
const PART = 5 * 2 ** 20;

const started = await serverOrReason(startMinio);
let folder: string;
afterAll(() => started.server?.stop());
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
  const found: [string, string][] = [];
  for await (const { key } of bucket.list())
    found.push([
      key,
      createHash('sha256')
        .update(await (await bucket.get(key)).bytes())
        .digest('hex'),
    ]);
  return new Map(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keys whose content is not the same, the first of them. */
function differences(found: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] {
  return [...new Set([...found.keys(), ...wanted.keys()])].filter((key) => found.get(key) !== wanted.get(key)).slice(0, 10);
}

async function openUploads(place: ChildPlace): Promise<string[]> {
  await using bucket = openPlace(place);
  const keys: string[] = [];
  // MinIO gives those of one key alone.
  for (let i = 0; i < LARGE; i++) for await (const { key } of bucket.listUploads({ prefix: `large/${i}` })) keys.push(key);
  return keys;
}

/** Runs to its end, or until it is killed after so many milliseconds. */
async function child(run: ChildRun, killAfterMs?: number): Promise<{ killed: boolean; output: string }> {
  const spawned = spawn(process.execPath, ['--conditions=@stowage/source', join(import.meta.dirname, 'children/mirror-child.ts'), JSON.stringify(run)], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(tmpdir(), 'stowage-transfer-test-compile-cache') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  spawned.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => spawned.on('close', (_code, signal) => resolve(signal)));
  if (killAfterMs !== undefined) {
    // Counted from the first write: before that there is nothing to break.
    const began = existsSync(run.log) ? readFileSync(run.log).length : 0;
    while (spawned.exitCode === null && spawned.signalCode === null && (existsSync(run.log) ? readFileSync(run.log).length : 0) === began) await delay(2);
    await Promise.race([delay(killAfterMs), ended]);
    spawned.kill('SIGKILL');
  }
  return { killed: (await ended) === 'SIGKILL', output };
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
    const bucket = direction.startsWith('disk') ? 'kill-to' : 'kill-from';
    await makeBucket(server, bucket);
    const remote: ChildPlace = { kind: 'minio', endpoint, bucket, accessKeyId, secretAccessKey };
    const planted = join(folder, 'planted');
    plant(planted);
    const local: ChildPlace = { kind: 'fs', root: planted };
    const log = join(folder, 'log');
    const to: ChildPlace = direction.startsWith('disk') ? remote : { kind: 'fs', root: join(folder, 'to') };
    if (to.kind === 'fs') {
      mkdirSync(to.root);
      await runMirror({ from: local, to: remote, stateFolder: join(folder, 'state-0'), log: join(folder, 'log-0'), partSize: PART, delete: false });
    }
    const run: ChildRun = { from: to.kind === 'fs' ? remote : local, to, stateFolder: join(folder, 'state'), log, partSize: PART, delete: true };

    let kills = 0;
    // Short enough that the last run still has something to do: to a disk it goes faster.
    const longestMs = !LONG ? 60 : to.kind === 'fs' ? 100 : 250;
    for (let i = 0; i < KILLS; i++) if ((await child(run, 1 + Math.random() * longestMs)).killed) kills++;
    const { output } = await child(run);
    expect(JSON.parse(output)).toMatchObject({ balanced: true, counts: { failed: { objects: 0 }, conflict: { objects: 0 } } });

    const wanted = manifestOf(planted);
    expect(wanted.size).toBe(SMALL + LARGE);
    if (to.kind === 'fs') {
      // Everything under it, whatever its name: no temporary, no folder of unfinished uploads.
      expect(differences(manifestOf(to.root), wanted)).toEqual([]);
      expect(existsSync(join(to.root, '.stowage/uploads'))).toBe(false);
    } else {
      expect(differences(await manifestOfBucket(to), wanted)).toEqual([]);
      expect(await openUploads(to)).toEqual([]);
    }
    // Told by the store, and made again all the same: what was in flight is in no log. The journal may be a moment behind.
    const again = [...writesOf(log).values()].reduce((sum, times) => sum + times - 1, 0);
    expect(again).toBeLessThanOrEqual(kills);
    expect(kills).toBeGreaterThan(LONG ? KILLS - 1 : 0);
    const last = await child(run);
    expect(JSON.parse(last.output)).toMatchObject({ counts: { same: { objects: SMALL + LARGE }, copied: { objects: 0 }, updated: { objects: 0 } } });
    process.stderr.write(`${direction}: ${kills} of ${KILLS} killed, ${again} writes made again of ${writesOf(log).size}\n`);
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
  const { output } = await child({ ...run, dieOnUpload: true });
  expect(output).toBe('');
  const left = await openUploads(to);
  expect(left.filter((key) => key !== 'large/2').length).toBeGreaterThan(0);
  expect(JSON.parse((await child(run)).output)).toMatchObject({ counts: { copied: { objects: 2 }, failed: { objects: 0 } } });
  expect(await openUploads(to)).toEqual(['large/2']);
  expect(differences(await manifestOfBucket(to), manifestOf(planted))).toEqual([]);
  await theirs.abort();
});
