/** Times commands in turn, A B A B …, so that both meet the same machine at nearly the same time; the ratio of each pair counts. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One run of a command, as the operating system accounts for it. */
export interface Run {
  readonly wallSeconds: number;
  /** User and system time of the command and of what it started. */
  readonly cpuSeconds: number;
  /** Highest resident memory of the greatest process of the command, in MiB. */
  readonly peakMiB: number;
}

export interface Contestant {
  readonly name: string;
  /** A shell command for the run of that number. */
  command(run: number): string;
  /** Work before and after a run, not timed. */
  before?(run: number): void;
  after?(run: number): void;
}

/** Nothing that runs here may look for credentials or services off this machine. */
const ENVIRONMENT = {
  ...process.env,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  RCLONE_CONFIG: '/dev/null',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  MC_UPDATE: 'off',
};

/** A command that did not end with 0; `said` is the last that it wrote to standard error. */
export class CommandFailed extends Error {
  readonly said: string;

  constructor(code: number | null, command: string, errors: string) {
    super(`exit ${code}: ${command}\n${errors}`);
    // The very last line is the shell's, with the times.
    this.said = errors.trim().split('\n').at(-2) ?? `exit ${code}`;
  }
}

/** Runs the contestants in turn, after one round that is not counted. */
export async function paired(contestants: readonly Contestant[], runs: number): Promise<Map<string, Run[]>> {
  const results = new Map<string, Run[]>(contestants.map(({ name }) => [name, []]));
  for (let run = 0; run <= runs; run++) {
    for (const contestant of contestants) {
      contestant.before?.(run);
      // What the one before left to be written back must not be this one's to wait for.
      execFileSync('sync');
      const result = await time(contestant.command(run));
      contestant.after?.(run);
      if (run > 0) results.get(contestant.name)?.push(result);
    }
  }
  return results;
}

/** Runs one shell command, and ends it after so many seconds. Throws where it fails: a tool that did not do the work has no time. */
export async function time(command: string, limitSeconds: number = Number.POSITIVE_INFINITY): Promise<Run> {
  // The shell's own `time` counts children as well; its format is fixed by POSIX.
  const child = spawn('bash', ['-c', `TIMEFORMAT='%R %U %S'; time { ${command}; }`], { stdio: ['ignore', 'ignore', 'pipe'], env: ENVIRONMENT });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  let peakKiB = 0;
  let ended = false;
  const started = performance.now();
  const poll = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOfDescendants(child.pid ?? 0));
    if (ended || performance.now() - started < limitSeconds * 1000) return;
    ended = true;
    // A list of numbers, of which one may have ended by now: `kill` goes on with the others.
    execFileSync('bash', ['-c', `kill -KILL ${descendantsOf(child.pid ?? 0).join(' ')} || true`], { stdio: 'ignore' });
  }, 10);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(poll);
  if (ended) throw new Error(`ended after ${limitSeconds.toFixed(0)} s`);
  if (code !== 0) throw new CommandFailed(code, command, errors);
  const [wall = 0, user = 0, system = 0] = (errors.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakMiB: peakKiB / 1024 };
}

/** Processes that a process started, and that those started. One that ended meanwhile has none. */
function descendantsOf(pid: number): number[] {
  const children = contentOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The kernel keeps each process's highest resident size (VmHWM); the greatest among those that the shell started is the command's. */
function peakOfDescendants(shell: number): number {
  return Math.max(0, ...descendantsOf(shell).map((pid) => Number(/VmHWM:\s+(\d+)/.exec(contentOf(`/proc/${pid}/status`))?.[1] ?? 0)));
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended between two readings: what was read before stands.
    return '';
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Prints medians, and the ratio of each contestant to the first, pair by pair: below 1 the first is faster. */
export function report(title: string, results: ReadonlyMap<string, readonly Run[]>): void {
  console.log(`\n${title}`);
  const [[, first = []] = []] = results;
  for (const [name, runs] of results) {
    const figure = (pick: (run: Run) => number, digits: number): string => median(runs.map(pick)).toFixed(digits).padStart(8);
    const ratio = median(runs.map((run, i) => run.wallSeconds / (first[i]?.wallSeconds ?? Number.NaN)));
    const cpuRatio = median(runs.map((run, i) => run.cpuSeconds / (first[i]?.cpuSeconds ?? Number.NaN)));
    console.log(
      `  ${name.padEnd(34)} wall ${figure((run) => run.wallSeconds, 2)} s  cpu ${figure((run) => run.cpuSeconds, 2)} s  peak ${figure((run) => run.peakMiB, 0)} MiB  wall × ${ratio.toFixed(2)}  cpu × ${cpuRatio.toFixed(2)}`,
    );
  }
}
