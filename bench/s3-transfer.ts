/**
 * Files to and from an S3 server: `stowage-mirror`, and the library alone, beside the tools that people run.
 *
 *   node bench/s3-transfer.ts [small|large …]
 *
 * `small`: 2,000 files of 16 KiB and 10,000 of 1 KiB, up and down. `large`: one file of 1 GiB, up and down. MinIO runs on core 0,
 * each client on core 1; CPU seconds are the client's own. What each checks is in the README.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMinio } from '@stowage/test-servers';
import { makeFiles, makeLargeFile } from './made-files.ts';
import { type Contestant, paired, report } from './paired.ts';
import { pinned } from './pinned.ts';
import { type S3Peers, s3Peers } from './s3-peers.ts';
import { runWorks } from './works.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 5);

const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
const works = (peers: S3Peers): Record<string, () => Promise<void>> => ({
  small: async () => {
    await both(peers, '2,000 files of 16 KiB', 'small', (folder) => makeFiles(folder, 2000, 16 * 1024));
    await both(peers, '10,000 files of 1 KiB', 'tiny', (folder) => makeFiles(folder, 10_000, 1024));
  },
  large: async () => await both(peers, 'one file of 1 GiB', 'large', (folder) => makeLargeFile(folder, 1024)),
});
const server = await startMinio({ buckets: ['bench'] });
try {
  pinned(server.pid, 0);
  const peers = s3Peers(server, root);
  console.log(`node ${process.version}; MinIO on core 0, clients on core 1; ${RUNS} runs each, in turn; ratios to the first line of each table`);
  for (const line of peers.versions) console.log(line);
  await runWorks(works(peers));
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
