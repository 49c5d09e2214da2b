/** Files to and from a store that is not S3, and its listing: the built package beside rclone, in one run; the server on core 0, clients on core 1. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFiles, makeLargeFile } from './made-files.ts';
import { type Contestant, paired, report } from './paired.ts';
import { findRclone } from './peers.ts';
import { pinned } from './pinned.ts';
import { runWorks } from './works.ts';

const RUNS = Number(process.env['RUNS'] ?? 3);
const LISTED = Number(process.env['LISTED'] ?? 100_000);

export interface BenchedStore {
  /** The package that is measured. */
  readonly name: string;
  readonly serverPid: number;
  /** The package's client program with all that comes before its work, and variables before that. */
  readonly client: { readonly variables?: string; readonly words: readonly string[] };
  /** How rclone finds the bucket: variables before its name, and the name. */
  readonly rclone: { readonly variables?: string; readonly remote: string };
  /** Makes an object of one byte, without being measured. */
  readonly put: (key: string) => Promise<unknown>;
}

/** Runs the works that the command line names, else all: `small`, `large`, `list`. */
export async function benchStore({ name: ourName, serverPid, client, rclone, put }: BenchedStore): Promise<void> {
  const root = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-bench-'));
  const found = await findRclone();
  const { remote } = rclone;

  const ours = (work: string, ...rest: readonly string[]): string =>
    [client.variables ?? '', 'taskset -c 1', process.execPath, ...client.words, work, ...rest].join(' ');
  const theirs = (name: string, command: (run: number) => string): Contestant[] =>
    found === undefined
      ? []
      : [{ name, command: (run) => `${rclone.variables ?? ''} taskset -c 1 ${found.path} ${command(run)} --transfers 16 --checkers 16 -q` }];

  const both = async (title: string, folder: string): Promise<void> => {
    const up: Contestant[] = [
      { name: ourName, command: (run) => ours('upload', folder, `${title}-ours-${run}/`) },
      ...theirs('rclone copy', (run) => `copy ${folder} '${remote}/${title}-theirs-${run}' --no-check-dest`),
    ];
    report(`${title}, up`, await paired(up, RUNS));
    const down: Contestant[] = [
      { name: ourName, command: (run) => ours('download', `${title}-ours-1/`, join(root, `${title}-down-ours-${run}`)) },
      ...theirs('rclone copy', (run) => `copy '${remote}/${title}-ours-1' ${join(root, `${title}-down-theirs-${run}`)}`),
    ];
    report(`${title}, down`, await paired(down, RUNS));
  };

  const works: Record<string, () => Promise<void>> = {
    async small() {
      makeFiles(join(root, 'small'), 2000, 16 * 1024);
      await both('small', join(root, 'small'));
    },
    async large() {
      makeLargeFile(join(root, 'large'), 1024);
      await both('large', join(root, 'large'));
    },
    async list() {
      let next = 0;
      const lane = async (): Promise<void> => {
        for (let i = next++; i < LISTED; i = next++) await put(`listed/${String(i % 1000).padStart(4, '0')}/object-${i}.jpg`);
      };
      await Promise.all(Array.from({ length: 16 }, lane));
      const contestants: Contestant[] = [
        { name: ourName, command: () => ours('list', 'listed/') },
        ...theirs('rclone size --fast-list', () => `size '${remote}/listed' --fast-list`),
      ];
      report(`list ${LISTED} keys`, await paired(contestants, RUNS));
    },
  };

  try {
    pinned(serverPid, 0);
    console.log(`node ${process.version}, ${availableParallelism()} cores, ${RUNS} runs each, in turn; ratios to the first line of each table`);
    await runWorks(works);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
