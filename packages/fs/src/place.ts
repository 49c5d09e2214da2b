import { FsFault } from './fault.ts';
import { errno, type FileStats, type FileSystem, lstat } from './file-system.ts';
import { keyToNames, OWN_FOLDER } from './names.ts';
import type { NameFolding } from './name-folding.ts';

/** What a driver knows of its root: shared by everything that works on paths. */
export interface Root {
  readonly fs: FileSystem;
  /** Absolute, with no link in it and no slash behind it. */
  readonly path: string;
  /** Whether a link to a regular file inside the root counts as that file. */
  readonly followLinks: boolean;
  readonly folding: NameFolding;
}

/** A key on the disk. */
export interface Place {
  readonly key: string;
  readonly path: string;
  /** The folders below the root that it lies in, from the top: as absolute paths. */
  readonly folders: readonly string[];
  /** The folder that holds the file; the root's path for a key without a slash. */
  readonly folder: string;
  readonly name: string;
}

/** Where the key lies. No I/O. */
export function placeOf(root: Root, key: string): Place {
  const names = keyToNames(key);
  const folders: string[] = [];
  let folder = root.path;
  for (let i = 0; i < names.length - 1; i++) {
    folder += `/${names[i] ?? ''}`;
    folders.push(folder);
  }
  const name = names[names.length - 1] ?? '';
  return { key, path: `${folder}/${name}`, folders, folder, name };
}

/**
 * Whether every folder above the file is a real one under the very name. Throws `AccessDenied` at a symbolic link: what lies
 * behind it may be anywhere. A folder that is missing, a file, or under a name of other case: false.
 */
export function hasFolders(root: Root, place: Place): boolean {
  let parent = root.path;
  for (const folder of place.folders) {
    const stats = lstat(root.fs, folder);
    if (stats === undefined) return false;
    if (stats.isSymbolicLink()) throw linkOnPath(root, folder);
    if (!stats.isDirectory()) return false;
    if (!root.folding.isExact(root.fs, parent, folder.slice(parent.length + 1), stats)) return false;
    parent = folder;
  }
  return true;
}

/**
 * Makes the folders above the file that are missing, and gives them, from the top. Throws `KeyConflict` where a file or a name of
 * other case is in the way, `AccessDenied` at a symbolic link.
 */
export function makeFolders(root: Root, place: Place): string[] {
  const made: string[] = [];
  let parent = root.path;
  for (const folder of place.folders) {
    const name = folder.slice(parent.length + 1);
    if (makeFolder(root, parent, folder, name)) made.push(folder);
    parent = folder;
  }
  return made;
}

function makeFolder(root: Root, parent: string, folder: string, name: string): boolean {
  for (let attempt = 0; ; attempt++) {
    const stats = lstat(root.fs, folder);
    if (stats?.isSymbolicLink()) throw linkOnPath(root, folder);
    if (stats?.isDirectory()) {
      if (root.folding.isExact(root.fs, parent, name, stats)) return false;
      throw new FsFault('KeyConflict', `this disk does not tell ${JSON.stringify(name)} from a folder that it holds under other letters; rename one of them`);
    }
    if (stats !== undefined)
      throw new FsFault('KeyConflict', `a file lies at ${JSON.stringify(relative(root, folder))}, where its folder would be; a disk holds one of them`);
    try {
      root.fs.mkdirSync(folder);
      return true;
    } catch (error) {
      // EEXIST: another writer made it between the two calls. ENOENT: a deletion removed the emptied parent: the caller starts again.
      if (errno(error) !== 'EEXIST' || attempt > 2) throw error;
    }
  }
}

/** Removes folders that were made for nothing, the last one first; one that has got entries stays. */
export function removeMadeFolders(root: Root, made: readonly string[]): void {
  for (const folder of made.toReversed()) if (!removeEmptyFolder(root.fs, folder)) return;
}

/** Removes the folders above a deleted file that it leaves empty, never the root. Gives the lowest folder that is left. */
export function removeEmptiedFolders(root: Root, place: Place): string {
  for (let i = place.folders.length - 1; i >= 0; i--) {
    const folder = place.folders[i] ?? root.path;
    if (!removeEmptyFolder(root.fs, folder)) return folder;
  }
  return root.path;
}

/** False where the folder has entries, is gone already, or may not be removed: all of these end the work, none is a failure. */
function removeEmptyFolder(fs: FileSystem, folder: string): boolean {
  try {
    fs.rmdirSync(folder);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EBUSY', 'EROFS'].includes(errno(error))) return errno(error) === 'ENOENT';
    throw error;
  }
}

/** What lies at a path that a key names. */
export type Found =
  | {
      readonly kind: 'file';
      readonly stats: FileStats;
      /** Where to open it: behind a link, the file that it leads to. */ readonly path: string;
      readonly link: boolean;
    }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'no-object'; readonly what: 'folder' | 'link' | 'special' | 'other-name'; readonly why: string };

/** Looks at a path without opening it. A link is followed only as far as {@link resolveLink} allows. */
export function look(root: Root, place: Place): Found {
  const stats = lstat(root.fs, place.path);
  if (stats === undefined) return { kind: 'nothing' };
  if (!root.folding.isExact(root.fs, place.folder, place.name, stats))
    return { kind: 'no-object', what: 'other-name', why: 'the disk holds this name in other letters' };
  if (stats.isFile()) return { kind: 'file', stats, path: place.path, link: false };
  if (stats.isDirectory()) return { kind: 'no-object', what: 'folder', why: 'it is a folder' };
  if (!stats.isSymbolicLink()) return { kind: 'no-object', what: 'special', why: 'it is a FIFO, socket or device, no file' };
  const link = resolveLink(root, place.path);
  return 'fault' in link ? { kind: 'no-object', what: 'link', why: link.fault } : { kind: 'file', stats: link.stats, path: link.path, link: true };
}

/** The regular file inside the root that a symbolic link leads to, or why it counts for none. */
export function resolveLink(root: Root, path: string): { readonly stats: FileStats; readonly path: string } | { readonly fault: string } {
  if (!root.followLinks) return { fault: 'it is a symbolic link; this root is opened with symlinks: skip' };
  try {
    const target = root.fs.realpathSync(path);
    if (!target.startsWith(`${root.path}/`))
      return { fault: 'it is a symbolic link that leaves the root; copy the file here, or open the folder that it leads to' };
    const inside = target.slice(root.path.length + 1);
    if (inside === OWN_FOLDER || inside.startsWith(`${OWN_FOLDER}/`)) return { fault: `it is a symbolic link into ${OWN_FOLDER}` };
    const stats = lstat(root.fs, target);
    if (stats === undefined) return { fault: 'it is a symbolic link to nothing' };
    if (stats.isDirectory()) return { fault: 'it is a symbolic link to a folder; folders are not entered through links' };
    if (!stats.isFile()) return { fault: 'it is a symbolic link to something that is no file' };
    return { stats, path: target };
  } catch (error) {
    switch (errno(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return { fault: 'it is a symbolic link to nothing' };
      case 'ELOOP':
        return { fault: 'it is a symbolic link that leads in a circle' };
      case 'EACCES':
        return { fault: 'it is a symbolic link to where nothing may be read' };
      default:
        throw error;
    }
  }
}

function linkOnPath(root: Root, folder: string): FsFault {
  return new FsFault('AccessDenied', `${JSON.stringify(relative(root, folder))} on its path is a symbolic link; folders are not entered through links`);
}

function relative(root: Root, path: string): string {
  return path.slice(root.path.length + 1);
}
