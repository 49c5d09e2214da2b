import { FsFault } from './fault.ts';
import { errno, type FileSystem, lstat } from './file-system.ts';
import type { FsOptions } from './fs-options.ts';
import type { NameFolding } from './name-folding.ts';
import type { Root } from './place.ts';

/** Finds the root's folder, through links if it is one, and makes it where that was asked for. */
export function openRoot(fs: FileSystem, path: string, o: Pick<FsOptions, 'create' | 'symlinks'>, folding: NameFolding): Root {
  if (o.create === true) makeFolderPath(fs, path);
  let real: string;
  try {
    real = fs.realpathSync(path);
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR')
      throw new FsFault('BucketNotFound', `there is no folder ${JSON.stringify(path)}; make it, or mount its disk`);
    throw error;
  }
  if (lstat(fs, real)?.isDirectory() !== true)
    throw new FsFault('BucketNotFound', `${JSON.stringify(path)} is no folder; name the folder that holds the files`);
  if (real === '/') throw new FsFault('Config', 'the whole file system is no bucket; name a folder of it');
  return { fs, path: real, followLinks: o.symlinks !== 'skip', folding };
}

export function makeFolderPath(fs: FileSystem, path: string): void {
  let folder = '';
  for (const name of path.split('/').filter((part) => part !== '')) {
    folder += `/${name}`;
    if (lstat(fs, folder) !== undefined) continue;
    try {
      fs.mkdirSync(folder);
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error;
    }
  }
}
