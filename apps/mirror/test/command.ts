import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

const MAIN = join(import.meta.dirname, '../src/main.ts');
export const NODE_ARGUMENTS: readonly string[] = ['--conditions=@stowage/source', MAIN];

/** One modification time for all files of a tree, unless a test sets another. */
export const THEN: Date = new Date('2026-01-02T03:04:05.678Z');

/** Stripping types of all sources at every start would take most of the tests' time. */
export const COMPILE_CACHE: string = join(tmpdir(), 'stowage-mirror-test-compile-cache');

export type Tree = Readonly<Record<string, string>>;

/** A folder for each test, under which nothing is left. Everybody may pass through it. */
export function useFolder(): { readonly path: string } {
  const folder = { path: '' };
  beforeEach(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'stowage-mirror-test-'));
    chmodSync(folder.path, 0o777);
  });
  afterEach(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}

/** Writes files; a key is a path under the folder. */
export function plant(folder: string, tree: Tree): string {
  mkdirSync(folder, { recursive: true });
  for (const [key, content] of Object.entries(tree)) {
    const path = join(folder, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, THEN, THEN);
  }
  return folder;
}

/** Enough small files that a signal comes in the middle. */
export function plantFiles(folder: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const group = join(folder, `d${Math.floor(i / 500)}`);
    if (i % 500 === 0) mkdirSync(group, { recursive: true });
    writeFileSync(join(group, `f${String(i).padStart(5, '0')}`), `content of ${i}`);
  }
}

/** Every regular file under the folder, whatever its name; undefined where there is no folder. */
export function treeOf(folder: string): Tree | undefined {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return undefined;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path, 'utf8')];
    }),
  );
}

/** Names of all that lies under the folder: files, folders and everything else. */
export function namesIn(folder: string): Set<string> {
  return new Set<string>(readdirSync(folder, { recursive: true, encoding: 'utf8' }));
}

export interface RunOptions {
  /** An open file in place of standard output. */
  readonly stdout?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as somebody whom permissions bind; the superuser is refused nothing. */
  readonly asNobody?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const NOBODY = 65534;
export const isRoot: boolean = process.getuid?.() === 0;

/** Whether a process of nobody can start here and read the sources. */
export function nobodyCanRun(): boolean {
  return (
    !isRoot || spawnSync(process.execPath, ['-e', `require('fs').readFileSync(${JSON.stringify(MAIN)})`], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status === 0
  );
}

/** Starts the command from its sources. The environment holds nothing of the caller's but PATH. */
export function start(args: readonly string[], { cwd = tmpdir(), env = {}, asNobody = false, stdout }: RunOptions = {}): ChildProcess {
  return spawn(process.execPath, [...NODE_ARGUMENTS, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], TMPDIR: tmpdir(), NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
    stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
    ...(asNobody && isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
}

export async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  assertBalanced(stdout + stderr);
  return { code, signal, stdout, stderr };
}

export function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return ended(start(args, options));
}

/** Every run of the command is judged by its own sums: what says that they do not match fails the test that ran it. */
export function assertBalanced(text: string): void {
  if (/The sums do not match|"balanced":false/.test(text)) throw new Error(`the sums of a run do not match: ${text.slice(-2000)}`);
}

/** Events of `--json`; every line must be one. */
export function eventsOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
