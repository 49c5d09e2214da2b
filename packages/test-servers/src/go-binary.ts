import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A program that `go install` builds. The version is pinned: what was tested is what runs. */
export interface GoProgram {
  /** Name of the binary. */
  readonly name: string;
  /** Path of its main package, without a version. */
  readonly package: string;
  readonly version: string;
}

/** A build of MinIO takes about two minutes on two cores with an empty module cache. */
const BUILD_LIMIT_MS = 20 * 60_000;

/** Where built programs stay between runs. */
function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'stowage');
}

/**
 * Path of the built program. Built once per version and kept in `~/.cache/stowage/<name>-<version>`; processes that want it at the
 * same time wait for one build. Throws with a plain reason where Go is not there or the build fails.
 */
export async function goBinary(program: GoProgram): Promise<string> {
  const folder = join(cacheFolder(), `${program.name}-${program.version}`);
  const path = join(folder, program.name);
  if (existsSync(path)) return path;
  await mkdir(cacheFolder(), { recursive: true });
  const release = await lock(`${folder}.lock`);
  try {
    if (!existsSync(path)) await build(program, folder, path);
    return path;
  } finally {
    await release();
  }
}

async function build(program: GoProgram, folder: string, path: string): Promise<void> {
  const scratch = await mkdtemp(`${folder}.build-`);
  try {
    await run('go', ['install', `${program.package}@${program.version}`], {
      timeout: BUILD_LIMIT_MS,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, GOBIN: scratch, GOFLAGS: '-buildvcs=false' },
    });
    await mkdir(folder, { recursive: true });
    // The name appears with the whole file behind it, or not at all.
    await rename(join(scratch, program.name), path);
  } catch (error) {
    throw new Error(`${program.name} ${program.version} could not be built with "go install ${program.package}": ${reason(error)}`, { cause: error });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return 'Go is not installed';
  const stderr = 'stderr' in error ? String(error.stderr) : '';
  return stderr.trim().split('\n').at(-1) ?? error.message;
}

/** A lock between processes: a file that is created exclusively and names its holder, whose death frees it. */
async function lock(path: string): Promise<() => Promise<void>> {
  const give = Date.now() + BUILD_LIMIT_MS;
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (await abandoned(path)) await rm(path, { force: true });
    else if (Date.now() > give) throw new Error(`waited ${BUILD_LIMIT_MS / 60_000} minutes for another build; if none runs, remove ${path}`);
    else await sleep(250);
  }
}

async function abandoned(path: string): Promise<boolean> {
  const holder = await readFile(path, 'utf8').catch(() => '');
  // Created, and its holder's number not yet written.
  if (holder === '')
    return (
      (await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      )) > 10_000
    );
  try {
    process.kill(Number(holder), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
