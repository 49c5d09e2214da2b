import type { FileSystem } from './file-system.ts';

/** How a folder is opened as a bucket. */
export interface FsOptions {
  /** The folder whose files are the objects. Made absolute when the driver is made; may be a symbolic link, which is resolved once. */
  readonly root: string;
  /** The bucket's name, in links and messages: the storage ID. Default: the folder's name. */
  readonly bucket?: string;
  /** Make the folder, and those above it, where it is missing. Default false: `BucketNotFound`, as a disk that is not mounted looks like that. */
  readonly create?: boolean;
  /** `files`: a symbolic link to a regular file inside the root is read as that file; other links are told in listings. `skip`: every link is only told. Default `files`. */
  readonly symlinks?: 'files' | 'skip';
  /** `full`: what a write has answered survives a power cut. `none`: writes are whole or not at all to every reader, and may be lost with the power. Default `full`. */
  readonly durability?: 'full' | 'none';
  /** Listings remove temporaries and locks of processes that are gone, as they meet them. Default true; turn off to leave the disk untouched by reading. */
  readonly sweep?: boolean;
  /** Threads that copy; 0 copies and lists in the caller's thread. Default: the machine's cores, 4 at most. Ignored with `fs`. */
  readonly threads?: number;
  /** How far a time read back may be from the one that was set, in milliseconds. Default: as the folder's own times tell, 2,000 where they are of whole seconds, as on FAT; 1 with `fs`. */
  readonly timePrecisionMs?: number;
  /** Another file system in the place of `node:fs`: in memory, or one that fails on purpose. Works in the caller's thread. */
  readonly fs?: FileSystem;
}

/** What `native()` gives: the folder and the file system. A key's file lies at `keyToPath(key)` below the folder. */
export interface FsNative {
  readonly root: string;
  readonly fs: FileSystem;
  readonly followLinks: boolean;
}
