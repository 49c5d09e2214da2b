/**
 * Azure Blob Storage: the built package beside `rclone copy` and `rclone size`, in one run, on Azurite (content on disk, core 0; clients
 * on core 1). Azurite is slower than either client: what tells them apart is the CPU of the client, not the wall.
 *
 *   node bench/azure-transfer.ts [small|large|list …]
 *
 * rclone sends an MD5 with what goes up; Stowage sends none unless it is given one. Down, both compare the MD5 that the service keeps
 * of blobs written in one request. BENCH_PEERS names the folder of rclone (1.60 of Debian cannot speak to an emulator; as in
 * s3-peers.ts); LISTED another number of keys. azcopy is not
 * measured: the Go module proxy refuses it, and Microsoft gives binaries on its own servers alone.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { azureDriver } from '@stowage/azure';
import { openBucket } from '@stowage/core';
import { startAzurite } from '@stowage/test-servers';
import { type Contestant, paired, report } from './paired.ts';
import { pinned } from './pinned.ts';

const RUNS = Number(process.env['RUNS'] ?? 3);
const MIB = 1024 * 1024;
const SMALL = 2_000;
const LISTED = Number(process.env['LISTED'] ?? 100_000);
const PEER = join(process.env['BENCH_PEERS'] ?? join(homedir(), '.cache/stowage/peers'), 'rclone');
const RCLONE = existsSync(PEER) ? PEER : 'rclone';
const CONTAINER = 'bench';

const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
const hasRclone = spawnSync(RCLONE, ['version']).status === 0;
await using server = await startAzurite({ disk: true });
pinned(server.pid, 0);
const { name: account, key } = server.account;
const bucket = openBucket(azureDriver({ endpoint: server.endpoint, signIn: { kind: 'account-key', account, key } }, CONTAINER));
await ((await bucket.native()) as { create(): Promise<unknown> }).create();

const ours = (work: string, ...rest: readonly string[]): string =>
  [
    `BENCH_ACCOUNT_KEY=${key} taskset -c 1`,
    process.execPath,
    join(import.meta.dirname, 'azure-client.mjs'),
    server.endpoint,
    account,
    CONTAINER,
    work,
    ...rest,
  ].join(' ');
const settings = `RCLONE_AZUREBLOB_ACCOUNT=${account} RCLONE_AZUREBLOB_KEY=${key} RCLONE_AZUREBLOB_ENDPOINT=${server.endpoint} RCLONE_AZUREBLOB_NO_CHECK_CONTAINER=true`;
const remote = `:azureblob:${CONTAINER}`;
const theirs = (name: string, command: (run: number) => string): Contestant[] =>
  hasRclone ? [{ name, command: (run) => `${settings} taskset -c 1 ${RCLONE} ${command(run)} --transfers 16 --checkers 16 -q` }] : [];

const works: Record<string, () => Promise<void>> = { small, large, list };
const chosen = process.argv.slice(2);
try {
  console.log(`node ${process.version}, ${availableParallelism()} cores, ${RUNS} runs each, in turn; ratios to the first line of each table`);
  if (hasRclone) console.log(spawnSync(RCLONE, ['version'], { encoding: 'utf8' }).stdout.split('\n')[0]);
  else console.log('rclone is missing: its lines are left out');
  for (const name of chosen.length > 0 ? chosen : Object.keys(works)) {
    const work = works[name];
    if (work === undefined) throw new Error(`expected one of ${Object.keys(works).join(', ')}; got ${name}`);
    await work();
  }
} finally {
  await bucket.close();
  rmSync(root, { recursive: true, force: true });
}

async function both(title: string, folder: string): Promise<void> {
  const up: Contestant[] = [
    { name: '@stowage/azure', command: (run) => ours('upload', folder, `${title}-ours-${run}/`) },
    ...theirs('rclone copy', (run) => `copy ${folder} '${remote}/${title}-theirs-${run}' --no-check-dest`),
  ];
  report(`${title}, up`, await paired(up, RUNS));
  const down: Contestant[] = [
    { name: '@stowage/azure', command: (run) => ours('download', `${title}-ours-1/`, join(root, `${title}-down-ours-${run}`)) },
    ...theirs('rclone copy', (run) => `copy '${remote}/${title}-ours-1' ${join(root, `${title}-down-theirs-${run}`)}`),
  ];
  report(`${title}, down`, await paired(down, RUNS));
}

async function small(): Promise<void> {
  const folder = join(root, 'small');
  mkdirSync(folder);
  const content = Buffer.alloc(16 * 1024, 'stowage ');
  for (let i = 0; i < SMALL; i++) {
    content.writeUInt32LE(i, 0);
    writeFileSync(join(folder, `file-${i}.bin`), content);
  }
  await both('small', folder);
}

async function large(): Promise<void> {
  const folder = join(root, 'large');
  mkdirSync(folder);
  const file = openSync(join(folder, 'file.bin'), 'w');
  const content = Buffer.alloc(MIB, 'stowage ');
  for (let i = 0; i < 1024; i++) {
    content.writeUInt32LE(i, 0);
    writeSync(file, content);
  }
  closeSync(file);
  await both('large', folder);
}

async function list(): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < LISTED; i = next++) await bucket.put(`listed/${String(i % 1000).padStart(4, '0')}/object-${i}.jpg`, 'x');
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  const contestants: Contestant[] = [
    { name: '@stowage/azure', command: () => ours('list', 'listed/') },
    ...theirs('rclone size --fast-list', () => `size '${remote}/listed' --fast-list`),
  ];
  report(`list ${LISTED} keys`, await paired(contestants, RUNS));
}
