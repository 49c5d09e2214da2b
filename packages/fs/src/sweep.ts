import * as nodeFs from 'node:fs';
import { errno, type FileSystem, lstat } from './file-system.ts';
import { sweepLocks } from './lock.ts';
import { isTemporaryName, OWN_FOLDER } from './names.ts';
import { ownPath } from './own-folder.ts';
import { sweepFolder, sweepTemporary } from './temporary-file.ts';
import { toText } from './walk.ts';

/** Removes temporaries and locks of processes that are gone from Stowage's own folder. Unfinished uploads stay: they can be resumed. */
export function sweepOwnFolder(fs: FileSystem, root: string): void {
  if (lstat(fs, `${root}/${OWN_FOLDER}`)?.isDirectory() !== true) return;
  try {
    sweepFolder(fs, ownPath(root, 'tmp'));
    sweepLocks(fs, root);
  } catch (error) {
    // A root that may only be read is listed all the same.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errno(error))) throw error;
  }
}

/**
 * Removes what processes that are gone have left under a root: temporary files in every folder, temporaries and locks in
 * Stowage's own. Gives the number of files removed. Those of living processes, of other hosts within a week, and files of any other
 * name are left alone. Listings do the same by the way.
 */
export function sweepTemporaries(root: string, fs: FileSystem = nodeFs): number {
  sweepOwnFolder(fs, root);
  let swept = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of fs.readdirSync(folder, { encoding: 'latin1', withFileTypes: true })) {
      const path = `${folder}/${toText(entry.name)}`;
      if (entry.isDirectory()) folders.push(path);
      else if (isTemporaryName(entry.name) && sweepTemporary(fs, path, entry.name)) swept++;
    }
  }
  return swept;
}
