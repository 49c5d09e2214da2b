import { errno, type FileSystem, lstat, writeAllSync } from './file-system.ts';
import { keyHash, makeOwnFolder, ownPath } from './own-folder.ts';
import { livenessOf, makerOf, uniqueMark } from './process-identity.ts';
import { removeIfThere } from './temporary-file.ts';

/**
 * A lock on a key, between processes: a symbolic link whose text says who holds it. A link is made with its text in one step, or
 * not at all. It is held for the few calls that compare a file's state and replace it, never while bytes move or anybody waits.
 *
 * The lock of a process that is gone is broken by whoever first makes the link `<lock>.<its mark>`, which is a lock itself, on the
 * right to break that one: two that find the same dead holder cannot both remove a lock, the second perhaps of a new holder.
 */
export interface Lock {
  readonly path: string;
  readonly mark: string;
}

/** Locks are held for microseconds: one of another host that is older than this was left behind. */
const FOREIGN_LEASE_MS = 60_000;

/** Takes the lock on a key; undefined where another holds it. Never waits. */
export function tryLock(fs: FileSystem, root: string, key: string): Lock | undefined {
  return tryLockPath(fs, root, `${ownPath(root, 'locks')}/${keyHash(key)}`);
}

function tryLockPath(fs: FileSystem, root: string, path: string): Lock | undefined {
  const mark = uniqueMark();
  for (;;) {
    if (makeLock(fs, root, path, mark)) return { path, mark };
    const holder = readHolder(fs, path);
    if (holder === undefined) continue; // It was given back between the two calls.
    if (!isLeftBehind(fs, path, holder)) return undefined;
    const right = tryLockPath(fs, root, `${path}.${holder === '' ? 'unnamed' : holder}`);
    if (right === undefined) return undefined;
    // Only the holder of this right removes that lock, so that it cannot change hands between these two calls.
    if (readHolder(fs, path) === holder) removeIfThere(fs, path);
    unlock(fs, right);
  }
}

export function unlock(fs: FileSystem, lock: Lock): void {
  // On a lease that was taken from a sleeper by mistake, the lock is another's by now.
  if (readHolder(fs, lock.path) === lock.mark) removeIfThere(fs, lock.path);
}

/** False where the lock is there already. */
function makeLock(fs: FileSystem, root: string, path: string, mark: string): boolean {
  for (;;) {
    try {
      fs.symlinkSync(mark, path);
      return true;
    } catch (error) {
      const code = errno(error);
      if (code === 'EEXIST') return false;
      if (code === 'ENOENT') makeOwnFolder(fs, root, ownPath(root, 'locks'));
      else if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) return makeLockFile(fs, root, path, mark);
      else throw error;
    }
  }
}

/** Where the disk has no symbolic links (FAT): a file. For a moment it is empty; an empty one counts as held until its lease is over. */
function makeLockFile(fs: FileSystem, root: string, path: string, mark: string): boolean {
  makeOwnFolder(fs, root, ownPath(root, 'locks'));
  let fd: number;
  try {
    fd = fs.openSync(path, 'wx', 0o666);
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    writeAllSync(fs, fd, Buffer.from(mark), 0);
  } finally {
    fs.closeSync(fd);
  }
  return true;
}

/** The text of the lock; undefined where there is none. */
function readHolder(fs: FileSystem, path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    const code = errno(error);
    if (code === 'ENOENT') return undefined;
    if (code !== 'EINVAL') throw error;
  }
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY);
    try {
      const buffer = new Uint8Array(128);
      return Buffer.from(buffer.subarray(0, fs.readSync(fd, buffer, 0, buffer.length, 0))).toString('latin1');
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isLeftBehind(fs: FileSystem, path: string, holder: string): boolean {
  const maker = makerOf(holder);
  const liveness = maker === undefined ? 'unknown' : livenessOf(maker);
  if (liveness !== 'unknown') return liveness === 'dead';
  const stats = lstat(fs, path);
  return stats !== undefined && Date.now() - stats.mtimeMs > FOREIGN_LEASE_MS;
}

/** Breaks the locks that were left behind under a root. */
export function sweepLocks(fs: FileSystem, root: string): void {
  const folder = ownPath(root, 'locks');
  if (lstat(fs, folder)?.isDirectory() !== true) return;
  for (const { name } of fs.readdirSync(folder, { encoding: 'latin1', withFileTypes: true })) {
    const path = `${folder}/${name}`;
    const holder = readHolder(fs, path);
    if (holder === undefined || !isLeftBehind(fs, path, holder)) continue;
    const taken = tryLockPath(fs, root, path);
    if (taken !== undefined) unlock(fs, taken);
  }
}
