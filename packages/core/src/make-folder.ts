import { dirname } from 'node:path';

/** The part of `node:fs` that folders are made with. */
export interface FolderMaker {
  mkdirSync(path: string, options?: { readonly mode?: number }): unknown;
  statSync(path: string, options: { readonly throwIfNoEntry: false }): { isDirectory(): boolean } | undefined;
}

/**
 * Makes a folder, and those above it that are missing; one that is there stays as it is. Throws what the file system throws: `EEXIST`
 * where something else lies there. Unlike `mkdir` with `recursive`, which asks for ever where a folder refuses new ones with `ENOENT`
 * as those of /proc do.
 *
 * @param mode of the folders that are made. Default: what the system gives.
 */
export function makeFolder(fs: FolderMaker, path: string, mode?: number): void {
  const options = mode === undefined ? {} : { mode };
  try {
    fs.mkdirSync(path, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(path) !== path) {
      makeFolder(fs, dirname(path), mode);
      fs.mkdirSync(path, options);
    } else if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
