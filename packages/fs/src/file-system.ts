/** What the driver asks of a file: the part of `fs.Stats` that it uses. */
export interface FileStats {
  readonly ino: number;
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** What the driver asks of a folder's entry: the part of `fs.Dirent` that it uses. */
export interface FolderEntry {
  readonly name: string;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/**
 * The part of `node:fs` that this package uses, as a parameter: an in-memory file system or one that injects faults can take its place.
 *
 * Calls on names and times are synchronous: they cost 2 to 50 µs, a promise for each costs several times that. What moves
 * content or waits for the disk (`read`, `write`, `fsync`) has a callback form, which the main thread uses.
 */
export interface FileSystem {
  readonly constants: {
    readonly O_RDONLY: number;
    readonly O_WRONLY: number;
    readonly O_NOFOLLOW?: number;
    readonly O_NONBLOCK?: number;
    /** Linux has it. */
    readonly O_DIRECT?: number;
    readonly COPYFILE_FICLONE_FORCE: number;
  };
  /** Names as byte strings (`latin1`): `<` on them is UTF-8 byte order, and names that are not UTF-8 can be told. */
  readdirSync(path: string, options: { readonly encoding: 'latin1'; readonly withFileTypes: true }): FolderEntry[];
  lstatSync(path: string, options: { readonly throwIfNoEntry: false }): FileStats | undefined;
  fstatSync(fd: number): FileStats;
  realpathSync(path: string): string;
  readlinkSync(path: string): string;
  openSync(path: string, flags: number | string, mode?: number): number;
  closeSync(fd: number): void;
  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  futimesSync(fd: number, atime: number | Date, mtime: number | Date): void;
  utimesSync(path: string, atime: number | Date, mtime: number | Date): void;
  chmodSync(path: string, mode: number): void;
  mkdirSync(path: string): unknown;
  rmdirSync(path: string): void;
  linkSync(existing: string, path: string): void;
  symlinkSync(target: string, path: string): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  copyFileSync(from: string, to: string, mode?: number): void;
  accessSync(path: string, mode: number): void;
  read(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: NodeJS.ErrnoException | null, bytes: number) => void,
  ): void;
  write(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: NodeJS.ErrnoException | null, bytes: number) => void,
  ): void;
  fsync(fd: number, done: (error: NodeJS.ErrnoException | null) => void): void;
}

/** The entry at the path itself (a symbolic link is not followed); undefined where there is none. */
export function lstat(fs: FileSystem, path: string): FileStats | undefined {
  return fs.lstatSync(path, NO_THROW);
}

const NO_THROW = { throwIfNoEntry: false } as const;

/** The error's `code` (`ENOENT`, …), or an empty string. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Writes all of the bytes at the position, however few the disk takes at once. */
export function writeAllSync(fs: FileSystem, fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/**
 * Bytes of a write. The page cache looks for one block of memory for all of it: measured on ext4 (Linux 6.18), 384 MiB took 0.08 s of
 * CPU by 512 KiB or 1 MiB, and 0.5 to 0.7 s by 8 MiB.
 */
const WRITE_BYTES = 512 * 1024;

/** As {@link writeAllSync}, without holding up the thread. */
export async function writeAll(fs: FileSystem, fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await writeSome(fs, fd, bytes.subarray(done, done + WRITE_BYTES), position + done);
}

/** Writes once; gives how many bytes the disk took. */
export function writeSome(fs: FileSystem, fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, 0, bytes.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Reads once into the buffer; 0 at the end of the file. */
export function readSome(fs: FileSystem, fd: number, buffer: Uint8Array, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Waits until the file's content and size are on the disk. */
export function sync(fs: FileSystem, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fsync(fd, (error) => (error ? reject(error) : resolve()));
  });
}

/** Waits until a file's content, or a folder's entries, are on the disk: a new name is not before its folder is. */
export async function syncPath(fs: FileSystem, path: string): Promise<void> {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    await sync(fs, fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** As {@link syncPath}, for a folder that a deletion may have emptied and removed since: its own sync covers that. */
export async function syncFolderIfThere(fs: FileSystem, path: string): Promise<void> {
  try {
    await syncPath(fs, path);
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
  }
}

/** Flags to open an entry for reading that must be no link, and may turn out to be a FIFO: neither followed nor waited for. */
export function safeReadFlags(fs: FileSystem): number {
  return fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);
}

/** Larger than any that this package writes: what is larger is none. */
const MAX_SMALL_BYTES = 1024 * 1024;

/** A small file of this package's own; undefined where there is none. */
export function readSmallText(fs: FileSystem, path: string): string | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, safeReadFlags(fs));
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(Math.min(fs.fstatSync(fd).size, MAX_SMALL_BYTES));
    return buffer.toString('utf8', 0, fs.readSync(fd, buffer, 0, buffer.length, 0));
  } finally {
    fs.closeSync(fd);
  }
}
