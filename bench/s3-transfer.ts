/**
 * Files to and from an S3 server: `stowage-mirror`, and the library alone, beside the tools that people run.
 *
 *   node bench/s3-transfer.ts [small|large …]
 *
 * `small`: 2,000 files of 16 KiB and 10,000 of 1 KiB, up and down. `large`: one file of 1 GiB, up and down. MinIO runs on core 0,
 * each client on core 1; CPU seconds are the client's own. What each checks is in the README.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMinio } from '@stowage/test-servers';
import { type Contestant, paired, report } from './paired.ts';
import { pinned } from './pinned.ts';
import { type S3Peers, s3Peers } from './s3-peers.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 5);
const MIB = 1024 * 1024;

const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
const chosen = process.argv.slice(2);
const works: Record<string, (peers: S3Peers) => Promise<void>> = {
  small: async (peers) => {
    await both(peers, '2,000 files of 16 KiB', 'small', (folder) => makeFiles(folder, 2000, 16 * 1024));
    await both(peers, '10,000 files of 1 KiB', 'tiny', (folder) => makeFiles(folder, 10_000, 1024));
  },
  large: async (peers) => await both(peers, 'one file of 1 GiB', 'large', (folder) => makeLargeFile(folder, 1024)),
};
const server = await startMinio({ buckets: ['bench'] });
try {
  pinned(server.pid, 0);
  const peers = s3Peers(server, root);
  console.log(`node ${process.version}; MinIO on core 0, clients on core 1; ${RUNS} runs each, in turn; ratios to the first line of each table`);
  for (const line of peers.versions) console.log(line);
  for (const name of chosen.length > 0 ? chosen : Object.keys(works)) {
    const work = works[name];
    if (work === undefined) throw new Error(`expected one of ${Object.keys(works).join(', ')}; got ${name}`);
    await work(peers);
  }
} finally {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
}

async function both({ tools }: S3Peers, title: string, name: string, make: (folder: string) => number): Promise<void> {
  const source = join(root, name);
  const files = make(source);
  // Every run has a prefix and a folder of its own: nothing is there before.
  const prefix = (tool: string, run: number): string => `${name}-${tool.replaceAll(/\W+/g, '-')}-${run}`;
  const up: Contestant[] = tools.map((tool) => ({ name: tool.name, command: (run) => tool.up(source, prefix(tool.name, run)) }));
  report(`${title} up`, await paired(up, RUNS));
  const down: Contestant[] = tools.map((tool) => {
    const folder = (run: number): string => join(root, 'down', prefix(tool.name, run));
    return {
      name: tool.name,
      before: (run) => mkdirSync(folder(run), { recursive: true }),
      command: (run) => tool.down(prefix(tool.name, 0), folder(run)),
      after: (run): void => {
        const got = readdirSync(folder(run), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
        if (got !== files) throw new Error(`${tool.name}: expected ${files} files, got ${got}`);
        rmSync(folder(run), { recursive: true });
      },
    };
  });
  report(`${title} down`, await paired(down, RUNS));
}

/** Files of `size` bytes, 200 a folder, each with content of its own. */
function makeFiles(folder: string, files: number, size: number): number {
  const content = Buffer.alloc(size, 'stowage ');
  for (let i = 0; i < files; i++) {
    const parent = join(folder, String(Math.floor(i / 200)).padStart(3, '0'));
    if (i % 200 === 0) mkdirSync(parent, { recursive: true });
    content.writeUInt32LE(i, 0);
    writeFileSync(join(parent, `file-${i}.bin`), content);
  }
  return files;
}

function makeLargeFile(folder: string, mebibytes: number): number {
  mkdirSync(folder, { recursive: true });
  const handle = openSync(join(folder, 'file.bin'), 'w');
  const block = Buffer.alloc(MIB);
  for (let i = 0; i < mebibytes; i++) {
    block.fill(`${i} `);
    writeSync(handle, block);
  }
  closeSync(handle);
  return 1;
}
