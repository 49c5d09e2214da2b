import type { Revision } from '@stowage/core';
import type { FileStats, FileSystem } from './file-system.ts';

/** What tells one state of a file from another. */
export type FileState = Pick<FileStats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

/** A time of the disk in whole microseconds, which is what a double of milliseconds holds of it. */
export function micros(ms: number): number {
  return Math.floor(ms * 1000);
}

/** Inode, size, modification and change time, so that neither a replaced file nor one rewritten in place passes for the old one. */
export function etagOf({ ino, size, mtimeMs, ctimeMs }: FileState): string {
  return `${ino}-${size}-${digits(mtimeMs)}-${digits(ctimeMs)}`;
}

/** Seconds and microseconds apart: small integers become text several times faster than large ones. */
function digits(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${seconds}.${Math.floor((ms - seconds * 1000) * 1000)}`;
}

export function revisionOf(state: FileState): Revision {
  return { etag: etagOf(state) };
}

/** Whether the file is in the state that the revision names. */
export function isRevision(state: FileState, revision: Revision): boolean {
  return revision.etag !== undefined && revision.etag === etagOf(state);
}

/**
 * A modification time for `futimes`, in seconds where possible. A double of seconds falls up to 0.24 µs short of the wanted time,
 * and the millisecond read back would be the one before: such a time is raised by that much. Negative numbers mean "now" to
 * `futimes`, so times before 1970 go as a `Date`.
 */
function diskTime(ms: number): number | Date {
  if (ms < 0) return new Date(Math.floor(ms));
  const seconds = ms / 1000;
  const whole = Math.floor(seconds);
  return (seconds - whole) * 1e6 < ms * 1000 - whole * 1e6 ? seconds + 2 ** -22 : seconds;
}

/** The last time given and the last one that a coarse disk made of one, in microseconds: of this thread. */
let latest = 0;
let latestOnDisk = 0;

/** Now, later by a microsecond at least than any time given before in this thread. */
function freshMicros(): number {
  latest = Math.max(Math.floor((performance.timeOrigin + performance.now()) * 1000), Date.now() * 1000, latest + 1);
  return latest;
}

/** Times this far ahead are a clock's fault, not a writer's a moment ago: a new file need not come behind them. */
const MAX_SKEW_MICROS = 10_000_000;

/**
 * Sets the times of a file just written, and gives its state.
 *
 * Without a given time it is now, but later than `old`, the file to be replaced: disks give a freed inode to the next file, and
 * their clocks tick every few milliseconds, so a file that is replaced twice could look as it did before. A given time is kept to
 * the millisecond; where `old` has that very time, the microseconds differ.
 */
export function stampFile(fs: FileSystem, file: number | string, given: Date | undefined, old: FileState | undefined, now: () => FileState): FileState {
  if (given !== undefined) return setTime(fs, file, old === undefined ? given.getTime() : apartFrom(old.mtimeMs, given.getTime()), now);
  let wanted = freshMicros();
  if (old !== undefined && micros(old.mtimeMs) < wanted + MAX_SKEW_MICROS) wanted = Math.max(wanted, micros(old.mtimeMs) + 1);
  let state = setTime(fs, file, middleOf(wanted), now);
  if (micros(state.mtimeMs) < wanted) {
    // The disk has cut it to a time that may be in use: go on from there by a millisecond, then by the two seconds of FAT.
    const used = Math.max(latestOnDisk, old !== undefined && micros(old.mtimeMs) < wanted + MAX_SKEW_MICROS ? micros(old.mtimeMs) : 0);
    for (const step of [1000, 2_000_000]) if (micros(state.mtimeMs) <= used) state = setTime(fs, file, middleOf(used + step), now);
    latestOnDisk = Math.max(latestOnDisk, micros(state.mtimeMs));
  }
  return state;
}

/** Milliseconds in the middle of a microsecond, so that no rounding on the way leads to the one before. */
function middleOf(us: number): number {
  return (us + 0.5) / 1000;
}

/** The given time, with other microseconds than the old one if both are of one millisecond. */
function apartFrom(oldMs: number, givenMs: number): number {
  return givenMs < 0 || Math.floor(oldMs) !== givenMs ? givenMs : middleOf(givenMs * 1000 + ((micros(oldMs) + 1) % 1000));
}

function setTime(fs: FileSystem, file: number | string, ms: number, now: () => FileState): FileState {
  const time = diskTime(ms);
  if (typeof file === 'number') fs.futimesSync(file, time, time);
  else fs.utimesSync(file, time, time);
  return now();
}
