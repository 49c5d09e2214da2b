import { execFileSync } from 'node:child_process';

/** Keeps a running process, with all its threads, on one core, so that a server does not take the core of the client that is measured. */
export function pinned(pid: number, core: number): void {
  execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}
