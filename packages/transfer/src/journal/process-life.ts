import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that can be asked for later, by another one: also after its number was given to a new one. */
export interface ProcessMark {
  /** Host, boot and process namespace: elsewhere, the number means nothing. */
  readonly host: string;
  readonly hostName: string;
  readonly pid: number;
  /** Clock ticks from boot to its start, where `/proc` tells; else 0. */
  readonly started: number;
}

export function thisProcess(): ProcessMark {
  const hostName = hostname();
  const host = createHash('sha256')
    .update([hostName, read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()), read(() => readlinkSync('/proc/self/ns/pid'))].join('\n'))
    .digest('hex')
    .slice(0, 16);
  return { host, hostName, pid: process.pid, started: startOf(process.pid) };
}

/** Whether the process is known to be gone. One of another host never is: nobody can tell from here. */
export function isGone(mark: Pick<ProcessMark, 'host' | 'pid' | 'started'>, me: ProcessMark): boolean {
  if (mark.host !== me.host) return false;
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true;
  }
  const started = startOf(mark.pid);
  return started !== 0 && mark.started !== 0 && started !== mark.started;
}

/** Field 22 of `/proc/<pid>/stat`, behind the name in brackets, which may hold anything (proc_pid_stat(5)). */
function startOf(pid: number): number {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0) || 0;
}

function read(from: () => string): string {
  try {
    return from();
  } catch {
    return ''; // No /proc on this system: the host's name and the number have to do.
  }
}
