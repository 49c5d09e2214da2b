import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';

/**
 * Who made a temporary file or a lock, as text in its name: `<host>-<process>-<start>-<number>`.
 * A process is alive where its number is in use by one that started at the same tick; on another host nobody can tell.
 */
export interface Maker {
  readonly host: string;
  readonly pid: number;
  /** Clock ticks from boot to the start of the process, where `/proc` tells; else 0. */
  readonly start: number;
}

/** Boot and process namespace belong to the host: after a restart, and in another container, process numbers mean something else. */
function identifyHost(): string {
  const parts = [hostname(), readOr('/proc/sys/kernel/random/boot_id'), linkOr('/proc/self/ns/pid')];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // No /proc on this system: the host's name has to do.
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // As above.
  }
}

/** Field 22 of `/proc/<pid>/stat`, behind the name in brackets, which may hold anything; 0 where it cannot be read. */
function startOf(pid: number): number {
  const stat = readOr(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0) || 0;
}

let self: Maker | undefined;
let counter = 0;

/** This process. Read when first needed, so that loading this module does no I/O. */
export function thisProcess(): Maker {
  return (self ??= { host: identifyHost(), pid: process.pid, start: startOf(process.pid) });
}

/** A text that no other process, thread or call will make. */
export function uniqueMark(): string {
  const { host, pid, start } = thisProcess();
  // A thread has numbers of its own: 2^32 of them.
  const number = threadId * 2 ** 32 + counter++;
  return `${host}-${pid.toString(36)}-${start.toString(36)}-${number.toString(36)}`;
}

const MARK = /^([0-9a-f]{12})-([0-9a-z]+)-([0-9a-z]+)-[0-9a-z]+$/;

/** Who made the mark; undefined where it is none of ours. */
export function makerOf(mark: string): Maker | undefined {
  const [, host, pid, start] = MARK.exec(mark) ?? [];
  return host === undefined || pid === undefined || start === undefined ? undefined : { host, pid: parseInt(pid, 36), start: parseInt(start, 36) };
}

/** `unknown`: on another host, or before this one's last start. */
export function livenessOf(maker: Maker): 'alive' | 'dead' | 'unknown' {
  const me = thisProcess();
  if (maker.host !== me.host) return 'unknown';
  if (maker.pid === me.pid) return maker.start === me.start ? 'alive' : 'dead';
  try {
    process.kill(maker.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return 'dead';
  }
  const start = startOf(maker.pid);
  return start !== 0 && maker.start !== 0 && start !== maker.start ? 'dead' : 'alive';
}
