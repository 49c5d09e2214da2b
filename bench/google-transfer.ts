/**
 * Google Cloud Storage: the built package beside `rclone copy` and `rclone size`, in one run, on the strict server of the tests (in
 * memory, core 0; clients on core 1).
 *
 *   node bench/google-transfer.ts [small|large|list …]
 *
 * Both check what they send: Stowage a CRC32C that the server compares, rclone an MD5 that it compares with the answer's. Down, Stowage
 * compares the CRC32C and rclone the MD5. RCLONE names another rclone than the one in PATH.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStrictGcs } from '@stowage/test-servers';
import { type Contestant, paired, report } from './paired.ts';
import { pinned } from './pinned.ts';

const RUNS = Number(process.env['RUNS'] ?? 3);
const MIB = 1024 * 1024;
const SMALL = 2_000;
const LISTED = 100_000;
const RCLONE = process.env['RCLONE'] ?? 'rclone';

const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
const hasRclone = spawnSync(RCLONE, ['version']).status === 0;
await using server = await startStrictGcs({ open: true });
pinned(server.pid, 0);
await fetch(`${server.endpoint}/storage/v1/b?project=bench`, { method: 'POST', body: JSON.stringify({ name: 'bench' }) });

const ours = (work: string, ...rest: readonly string[]): string =>
  ['taskset -c 1', process.execPath, join(import.meta.dirname, 'google-client.mjs'), server.endpoint, 'bench', work, ...rest].join(' ');
const remote = `:gcs,anonymous,no_check_bucket,bucket_policy_only,endpoint="${server.endpoint}/storage/v1/":bench`;
const theirs = (name: string, command: (run: number) => string): Contestant[] =>
  hasRclone ? [{ name, command: (run) => `taskset -c 1 ${RCLONE} ${command(run)} --transfers 16 --checkers 16 -q` }] : [];

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
  rmSync(root, { recursive: true, force: true });
}

async function both(title: string, folder: string): Promise<void> {
  const up: Contestant[] = [
    { name: '@stowage/google', command: (run) => ours('upload', folder, `${title}-ours-${run}/`) },
    ...theirs('rclone copy', (run) => `copy ${folder} '${remote}/${title}-theirs-${run}' --no-check-dest`),
  ];
  report(`${title}, up`, await paired(up, RUNS));
  const down: Contestant[] = [
    { name: '@stowage/google', command: (run) => ours('download', `${title}-ours-1/`, join(root, `${title}-down-ours-${run}`)) },
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
  const send = async (name: string): Promise<void> => {
    const response = await fetch(`${server.endpoint}/upload/storage/v1/b/bench/o?uploadType=media&name=${encodeURIComponent(name)}`, {
      method: 'POST',
      body: 'x',
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    await response.arrayBuffer();
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < LISTED; i = next++) await send(`listed/${String(i % 1000).padStart(4, '0')}/object-${i}.jpg`);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  const contestants: Contestant[] = [
    { name: '@stowage/google', command: () => ours('list', 'listed/') },
    ...theirs('rclone size --fast-list', () => `size '${remote}/listed' --fast-list`),
  ];
  report(`list ${LISTED} keys`, await paired(contestants, RUNS));
}
