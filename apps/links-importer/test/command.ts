import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach } from 'vitest';
import { runCli } from '../src/cli.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
/** Stripping types of all sources at every start would take most of the tests' time. */
const COMPILE_CACHE = join(tmpdir(), 'stowage-links-test-compile-cache');

/** A folder for each test, with a storage `pics`, one `archive` and a main storage. */
export function useFolder(): { readonly path: string } {
  const folder = { path: '' };
  beforeEach(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'stowage-links-app-'));
    for (const name of ['pics', 'archive', 'data/storage/private']) mkdirSync(join(folder.path, name), { recursive: true });
    const entry = (name: string): string => `${name}:\n  provider: fs\n  path: ${join(folder.path, name)}\n`;
    writeFileSync(join(folder.path, 'remote_links.yml'), entry('pics') + entry('archive'));
    writeFileSync(join(folder.path, '.env'), `DATA_PATH=${join(folder.path, 'data')}\n`);
  });
  afterEach(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}

/** Writes files; a key is a path under the folder. */
export function plant(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [key, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), content);
  }
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

export interface RunOptions extends StartOptions {
  readonly importPackage?: (name: string) => Promise<unknown>;
}

/** Starts the command from its sources. The environment holds nothing of the caller's but PATH. */
export function start(cwd: string, args: readonly string[], { env = {} }: StartOptions = {}): ChildProcess {
  return spawn(process.execPath, ['--conditions=@stowage/source', MAIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], TMPDIR: tmpdir(), NODE_COMPILE_CACHE: COMPILE_CACHE, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  });
}

export async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, stdout, stderr };
}

/** Runs the command in this process, from its arguments to its exit code: a process for each of many would take the tests' time. */
export async function run(
  cwd: string,
  args: readonly string[],
  { env = {}, input = '', importPackage = (name) => import(name) }: RunOptions = {},
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const code = await runCli(args, {
    stdin: Readable.from([Buffer.from(input)]) as AsyncIterable<Uint8Array>,
    stdout,
    stderr,
    cwd,
    env,
    scratchFolder: cwd,
    now: () => performance.now(),
    today: () => new Date(),
    onSignal: () => () => undefined,
    importPackage,
    exitNow: () => undefined,
  });
  stdout.end();
  stderr.end();
  const [out, error] = await texts;
  return { code, stdout: out, stderr: error };
}

/** Objects of `--json`; every line must be one. */
export function objectsOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
