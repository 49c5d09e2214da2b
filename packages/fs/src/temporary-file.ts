import { errno, type FileSystem, lstat } from './file-system.ts';
import { isTemporaryName } from './names.ts';
import { livenessOf, makerOf, uniqueMark } from './process-identity.ts';

/** How old what another host made must be before it counts as abandoned. */
const FOREIGN_AGE_MS = 7 * 24 * 3600 * 1000;

/** A file under a name of ours, open for writing. */
export interface TemporaryFile {
  readonly path: string;
  readonly fd: number;
}

/** A name for a temporary file that no other process or thread will make. */
export function temporaryName(): string {
  return `.stowage-${uniqueMark()}.tmp`;
}

/** Makes a temporary file in the folder, which must exist. `wx` neither follows a link nor opens a file that is there. */
export function createTemporary(fs: FileSystem, folder: string, name: string = temporaryName()): TemporaryFile {
  const path = `${folder}/${name}`;
  return { path, fd: fs.openSync(path, 'wx', 0o666) };
}

/** Removes a file if it is there. */
export function removeIfThere(fs: FileSystem, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
  }
}

/** Removes a folder that was made aside, and the files in it. */
export function removeTemporaryFolder(fs: FileSystem, path: string): void {
  try {
    for (const { name } of fs.readdirSync(path, { encoding: 'latin1', withFileTypes: true })) removeIfThere(fs, `${path}/${name}`);
    fs.rmdirSync(path);
  } catch (error) {
    // Another sweep was faster.
    if (errno(error) !== 'ENOENT') throw error;
  }
}

/** Whether the process that made the temporary file is gone, so that nobody will finish it. */
function isAbandoned(fs: FileSystem, path: string, name: string, now: number = Date.now()): boolean {
  const maker = makerOf(name.slice('.stowage-'.length, -'.tmp'.length));
  if (maker === undefined) return false;
  const liveness = livenessOf(maker);
  if (liveness !== 'unknown') return liveness === 'dead';
  const stats = lstat(fs, path);
  return stats !== undefined && now - stats.ctimeMs > FOREIGN_AGE_MS;
}

/** Removes the temporary file if its maker is gone. One that may not be removed stays: it is in nobody's way. */
export function sweepTemporary(fs: FileSystem, path: string, name: string, inOwnFolder = false): boolean {
  try {
    if (!isAbandoned(fs, path, name)) return false;
    const isFolder = lstat(fs, path)?.isDirectory() === true;
    // In the tree itself no folder is ours, whatever its name.
    if (isFolder && !inOwnFolder) return false;
    if (isFolder) removeTemporaryFolder(fs, path);
    else removeIfThere(fs, path);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errno(error))) return false;
    throw error;
  }
}

/** Removes the abandoned temporaries of one folder; 0 where there is no such folder. */
export function sweepFolder(fs: FileSystem, folder: string): number {
  if (lstat(fs, folder)?.isDirectory() !== true) return 0;
  let swept = 0;
  for (const { name } of fs.readdirSync(folder, { encoding: 'latin1', withFileTypes: true }))
    if (isTemporaryName(name) && sweepTemporary(fs, `${folder}/${name}`, name, true)) swept++;
  return swept;
}
