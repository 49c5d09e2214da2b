/**
 * Local folders: `stowage-mirror` beside `rclone sync` and `cp`, in one run.
 *
 *   node bench/local-mirror.ts [small|large|memory …]
 *
 * rclone does not flush what it wrote to the disk, and `cp` does not either; `stowage-mirror` does, unless told `--no-fsync`. So both
 * are measured both ways: each tool's default, and each with the same promise. Nothing to do over a million files: `mirror.ts`.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFiles } from './made-files.ts';
import { type Contestant, paired, report, time } from './paired.ts';
import { findRclone } from './peers.ts';
import { runWorks } from './works.ts';

const RUNS = 5;
const MIB = 1024 * 1024;
const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
const mirror = `${process.execPath} ${join(import.meta.dirname, '../apps/mirror/dist/main.js')}`;
const peer = await findRclone();

const works: Record<string, () => Promise<void>> = { small: smallFiles, large: largeFile, memory: flatMemory };
try {
  console.log(`node ${process.version}, ${availableParallelism()} cores, ${RUNS} runs each, in turn; ratios to the first line of each table`);
  await runWorks(works);
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** A destination of its own for every run: ext4 creates files far slower where many were just deleted. */
function fresh(name: string, run: number): string {
  return join(root, `${name.replaceAll(/\W+/g, '-')}-${run}`);
}

function rclone(name: string, source: string, destination: (run: number) => string, transfers: number, behind = ''): Contestant[] {
  if (peer === undefined) return [];
  return [{ name, command: (run) => `${peer.path} sync ${source} ${destination(run)} --transfers ${transfers} --checkers 8 -q${behind}` }];
}

async function smallFiles(): Promise<void> {
  const source = join(root, 'small');
  makeFiles(source, 20_000, 4096);
  execFileSync('sync');
  let best = 4;
  if (peer !== undefined) {
    const trials: [number, number][] = [];
    for (const transfers of [4, 8, 16])
      trials.push([(await time(`${peer.path} sync ${source} ${fresh('trial', transfers)} --transfers ${transfers} -q`)).wallSeconds, transfers]);
    best = trials.sort((a, b) => a[0] - b[0])[0]?.[1] ?? 4;
  }
  const contestants: Contestant[] = [
    { name: 'stowage-mirror', command: (run) => `${mirror} sync ${source} ${fresh('stowage', run)} --quiet` },
    { name: 'stowage-mirror --no-fsync', command: (run) => `${mirror} sync ${source} ${fresh('stowage-no-fsync', run)} --quiet --no-fsync` },
    ...rclone(`rclone --transfers ${best}`, source, (run) => fresh('rclone', run), best),
    ...rclone(`rclone --transfers ${best}, then sync -f`, source, (run) => fresh('rclone-sync', run), best, ` && sync -f ${root}`),
    { name: 'cp -r', command: (run) => `cp -r ${source} ${fresh('cp', run)}` },
  ];
  report('20,000 files of 4 KiB, disk to disk, into an empty folder', await paired(contestants, RUNS));
}

async function largeFile(): Promise<void> {
  const source = join(root, 'large');
  mkdirSync(source);
  const handle = openSync(join(source, 'file.bin'), 'w');
  const block = Buffer.alloc(16 * MIB);
  for (let i = 0; i < 256; i++) {
    block.fill(`${i} `);
    writeSync(handle, block);
  }
  fsyncSync(handle);
  closeSync(handle);
  const removed = (name: string): Pick<Contestant, 'after'> => ({ after: (run) => rmSync(fresh(name, run), { recursive: true, force: true }) });
  const contestants: Contestant[] = [
    { name: 'stowage-mirror', command: (run) => `${mirror} sync ${source} ${fresh('stowage', run)} --quiet`, ...removed('stowage') },
    { name: 'stowage-mirror --no-fsync', command: (run) => `${mirror} sync ${source} ${fresh('no-fsync', run)} --quiet --no-fsync`, ...removed('no-fsync') },
    { name: 'cp -r', command: (run) => `cp -r ${source} ${fresh('cp', run)}`, ...removed('cp') },
    { name: 'cp -r, then sync -f', command: (run) => `cp -r ${source} ${fresh('cp-sync', run)} && sync -f ${root}`, ...removed('cp-sync') },
  ];
  report('one file of 4 GiB, disk to disk', await paired(contestants, RUNS));
}

/** Memory must not grow with the number of files: the same work at two sizes. */
async function flatMemory(): Promise<void> {
  for (const files of [200_000, 1_000_000]) {
    const source = join(root, `memory-${files}`);
    const copy = `${source}-copy`;
    makeFiles(source, files, 0);
    const first = await time(`${mirror} sync ${source} ${copy} --quiet`);
    const again = await time(`${mirror} sync ${source} ${copy} --quiet`);
    console.log(
      `\n${files} files: first run ${first.wallSeconds.toFixed(1)} s, peak ${first.peakMiB.toFixed(0)} MiB; nothing to do ${again.wallSeconds.toFixed(1)} s, peak ${again.peakMiB.toFixed(0)} MiB`,
    );
  }
}
