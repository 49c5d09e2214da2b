import type { WriteCondition } from '@stowage/core';
import { FsFault } from './fault.ts';
import { errno, type FileStats, type FileSystem, lstat } from './file-system.ts';
import { type Lock, tryLock, unlock } from './lock.ts';
import { look, type Place, type Root } from './place.ts';
import { type FileState, isRevision, micros, stampFile } from './revision.ts';
import { rebindHeaders, removeHeaders } from './sidecar.ts';
import { removeIfThere } from './temporary-file.ts';

/** A complete temporary file that is to become an object. */
export interface Commit {
  readonly place: Place;
  readonly temporary: string;
  /** The temporary's state once its content and times were set. */
  readonly written: FileState;
  readonly condition: WriteCondition | undefined;
  readonly lastModified: Date | undefined;
  /** The sidecar that was written for it. */
  readonly sidecar: string | undefined;
}

/** What a commit came to; `busy`: another process is at the key this moment. */
export type Committed = { readonly stats: FileState } | 'busy';

/** Links are not to be had everywhere: FAT, some network and FUSE disks. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/**
 * Gives a complete temporary its name, if the condition holds; else the temporary is left to the caller. All of it is a few
 * synchronous calls.
 *
 * A new name is made by `link`, which the disk refuses if the name is taken: exact between all programs, without a lock. A name
 * that is taken is replaced by `rename` under the key's lock, so that nobody of ours writes between the comparison and the rename.
 */
export function tryCommit(root: Root, commit: Commit): Committed {
  const { place, condition } = commit;
  // Who asks for a new name hardly ever meets one that is taken: that is left to `link` to find out.
  if (condition === 'absent' || lstat(root.fs, place.path) === undefined) {
    if (condition !== undefined && condition !== 'absent') throw notThere();
    if (linkNew(root.fs, commit)) return { stats: finalState(root.fs, place.path, commit.written) };
  }
  if (condition === 'absent') {
    // Where the disk has no links, the lock stands in for them.
    if (lstat(root.fs, place.path) !== undefined) throw taken(root, place);
  }
  const lock = tryLock(root.fs, root.path, place.key);
  return lock === undefined ? 'busy' : replace(root, commit, lock);
}

function linkNew(fs: FileSystem, { temporary, place }: Commit): boolean {
  try {
    fs.linkSync(temporary, place.path);
  } catch (error) {
    if (errno(error) === 'EEXIST' || NO_LINKS.has(errno(error))) return false;
    throw error;
  }
  removeIfThere(fs, temporary);
  return true;
}

function replace(root: Root, commit: Commit, lock: Lock): Committed {
  const { fs } = root;
  const { place, condition, lastModified, temporary } = commit;
  let { written, sidecar } = commit;
  try {
    const old = assertReplaceable(root, place, condition);
    if (old !== undefined && looksLike(written, old, lastModified)) {
      written = stampFile(fs, temporary, lastModified, old, () => lstat(fs, temporary) ?? written);
      if (sidecar !== undefined) sidecar = rebindHeaders(fs, root.path, place.key, sidecar, written);
    }
    fs.renameSync(temporary, place.path);
    if (old !== undefined) removeHeaders(fs, root.path, place.key, old, sidecar);
    return { stats: finalState(fs, place.path, written) };
  } finally {
    unlock(fs, lock);
  }
}

/** Whether the file's time would not tell it from the one that it replaces. */
function looksLike(written: FileState, old: FileState, given: Date | undefined): boolean {
  return given === undefined ? written.mtimeMs <= old.mtimeMs : micros(written.mtimeMs) === micros(old.mtimeMs);
}

/** The file that a rename onto the place would replace; throws where the condition does not hold or something else lies there. */
export function assertReplaceable(root: Root, place: Place, condition: WriteCondition | undefined): FileStats | undefined {
  const found = look(root, place);
  if (found.kind === 'no-object' && found.what !== 'link') throw conflict(found.why);
  if (condition === 'absent') {
    if (found.kind !== 'nothing') throw taken(root, place);
  } else if (condition !== undefined) {
    if (found.kind !== 'file') throw notThere();
    if (!isRevision(found.stats, condition)) throw new FsFault('PreconditionFailed', 'it is not the revision that was expected: it has been written since');
  }
  return found.kind === 'file' ? found.stats : undefined;
}

function conflict(why: string): FsFault {
  return new FsFault('KeyConflict', `no file can be made at its path: ${why}`);
}

function taken(root: Root, place: Place): FsFault {
  const found = look(root, place);
  if (found.kind === 'no-object' && found.what !== 'link') return conflict(found.why);
  return new FsFault('AlreadyExists', found.kind === 'no-object' ? `its name is taken: ${found.why}` : 'it exists already');
}

function notThere(): FsFault {
  return new FsFault('PreconditionFailed', 'it is not there any more, a revision of it was expected');
}

/** The state of the file under its name: getting the name has changed its change time. */
function finalState(fs: FileSystem, path: string, written: FileState): FileState {
  const now = lstat(fs, path);
  // Replaced or deleted in this very moment: the state that it had before it got its name is one that no later file has.
  return now !== undefined && now.ino === written.ino && now.size === written.size && now.mtimeMs === written.mtimeMs ? now : written;
}
