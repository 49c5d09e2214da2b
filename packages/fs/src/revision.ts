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
export function diskTime(ms: number): number | Date {
  if (ms < 0) return new Date(Math.floor(ms));
  const seconds = ms / 1000;
  const whole = Math.floor(seconds);
  return (seconds - whole) * 1e6 < ms * 1000 - whole * 1e6 ? seconds + 2 ** -22 : seconds;
}

let latest = 0;

/** Now, in milliseconds with fractions, and later than any time given before in this thread by a microsecond at least. */
function freshTime(): number {
  latest = Math.max(performance.timeOrigin + performance.now(), Date.now(), latest + 0.001);
  return latest;
}

/** Times this far ahead are a clock's fault, not a writer's a moment ago: a new file need not come behind them. */
const MAX_SKEW_MS = 10_000;

/**
 * Sets the times of a file just written, and gives its state.
 *
 * Without a given time it is now, but later than `old`, the file to be replaced: disks give a freed inode to the next file, and
 * their clocks tick every few milliseconds, so a file that is replaced twice could look as it did before. A given time is kept to
 * the millisecond; where `old` has that very time, the microseconds differ.
 */
export function stampFile(fs: FileSystem, file: number | string, given: Date | undefined, old: FileState | undefined, now: () => FileState): FileState {
  let wanted = given?.getTime() ?? freshTime();
  if (old !== undefined) {
    if (given === undefined) {
      if (old.mtimeMs >= wanted && old.mtimeMs < wanted + MAX_SKEW_MS) wanted = old.mtimeMs + 0.001;
    } else if (Math.floor(old.mtimeMs) === wanted && wanted >= 0) {
      wanted += ((micros(old.mtimeMs - wanted) + 2) % 1000) / 1000;
    }
  }
  setTime(fs, file, wanted);
  let state = now();
  // A disk of coarse times has cut it: go on by whole milliseconds, then by the two seconds of FAT.
  for (const step of [1, 2000]) {
    const floor = given === undefined ? coarseFloor(state.mtimeMs, wanted, old) : undefined;
    if (floor === undefined) break;
    latest = Math.max(latest, floor + step);
    setTime(fs, file, floor + step);
    state = now();
  }
  coarseLatest = Math.max(coarseLatest, given === undefined ? state.mtimeMs : 0);
  return state;
}

let coarseLatest = 0;

/** The time to get past, where the disk has cut the wanted one to one that was in use. */
function coarseFloor(got: number, wanted: number, old: FileState | undefined): number | undefined {
  if (wanted - got < 0.01) return undefined;
  const floor = Math.max(coarseLatest, old !== undefined && old.mtimeMs < wanted + MAX_SKEW_MS ? old.mtimeMs : 0);
  return got > floor ? undefined : floor;
}

function setTime(fs: FileSystem, file: number | string, ms: number): void {
  const time = diskTime(ms);
  if (typeof file === 'number') fs.futimesSync(file, time, time);
  else fs.utimesSync(file, time, time);
}
