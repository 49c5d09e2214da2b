import { createHash } from 'node:crypto';
import { FsFault } from './fault.ts';
import { errno, type FileSystem, lstat } from './file-system.ts';
import { OWN_FOLDER } from './names.ts';

/** Parts of Stowage's own folder. */
export type OwnPart = 'locks' | 'meta' | 'uploads' | 'tmp';

export function ownPath(root: string, part: OwnPart): string {
  return `${root}/${OWN_FOLDER}/${part}`;
}

/** Makes a folder and those above it, up to Stowage's own; a link in their place is refused. */
export function makeOwnFolder(fs: FileSystem, root: string, path: string): void {
  let folder = root;
  for (const name of path.slice(root.length + 1).split('/')) {
    folder += `/${name}`;
    const stats = lstat(fs, folder);
    if (stats?.isDirectory()) continue;
    if (stats !== undefined)
      throw new FsFault('AccessDenied', `${JSON.stringify(folder.slice(root.length + 1))} is Stowage's own folder and must be one; move what lies there`);
    try {
      fs.mkdirSync(folder);
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error;
    }
  }
}

/** Whether Stowage keeps anything of the kind under this root: one call, nothing is opened. */
export function hasOwnPart(fs: FileSystem, root: string, part: OwnPart): boolean {
  return lstat(fs, ownPath(root, part))?.isDirectory() === true;
}

/** Removes Stowage's own folder where it holds nothing, so that a plain tree stays one. */
export function removeEmptyOwnFolder(fs: FileSystem, root: string): void {
  for (const path of [ownPath(root, 'locks'), ownPath(root, 'tmp'), ownPath(root, 'uploads'), ownPath(root, 'meta'), `${root}/${OWN_FOLDER}`]) {
    try {
      if (lstat(fs, path)?.isDirectory() === true) fs.rmdirSync(path);
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EBUSY'].includes(errno(error))) throw error;
    }
  }
}

/** A name of fixed length for a key: keys may be longer than a name, and `a` may lie beside `a/b` here. */
export function keyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 40);
}
