import { createFsFromVolume, Volume } from 'memfs';
import type { FileSystem } from '../src/file-system.ts';
import { systemError } from './faulty-fs.ts';

/**
 * A file system in memory, with an empty folder `/root`. memfs 4.80 differs from a disk in two points that matter here, and is put
 * right: after a rename onto a file its folder can never be removed, and a rename onto a folder succeeds; `chmod` moves the
 * modification time, where a disk moves the change time.
 */
export function memoryFs(): FileSystem {
  const fs = createFsFromVolume(new Volume());
  fs.mkdirSync('/root');
  // memfs declares wider types than Node's for what both do alike.
  const base = fs as unknown as FileSystem;
  const corrected: Partial<FileSystem> = {
    renameSync: (from, to) => {
      const old = base.lstatSync(to, { throwIfNoEntry: false });
      if (old?.isDirectory()) throw systemError('EISDIR', 'rename');
      if (old !== undefined) {
        if (base.lstatSync(from, { throwIfNoEntry: false }) === undefined) throw systemError('ENOENT', 'rename');
        base.unlinkSync(to);
      }
      base.renameSync(from, to);
    },
    chmodSync: (path, mode) => {
      const before = base.lstatSync(path, { throwIfNoEntry: false });
      base.chmodSync(path, mode);
      if (before !== undefined) base.utimesSync(path, new Date(before.mtimeMs), new Date(before.mtimeMs));
    },
  };
  return new Proxy(base, { get: (target, name: keyof FileSystem): unknown => corrected[name] ?? Reflect.get(target, name) });
}
