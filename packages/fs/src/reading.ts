import type { DriverObject, GetOptions, HeadOptions, ObjectInfo, ResolvedRange } from '@stowage/core';
import { assertReadConditions, resolveRange } from '@stowage/core';
import { FsFault } from './fault.ts';
import { errno, type FileStats, type FileSystem, lstat, readSome, safeReadFlags } from './file-system.ts';
import { hasFolders, look, type Place, type Root } from './place.ts';
import { ReadPace } from './read-pace.ts';
import { type FileState, revisionOf } from './revision.ts';
import { readHeaders } from './sidecar.ts';

/** Bytes of a chunk: fewer calls than with small ones, and little memory for one that is read slowly. */
const CHUNK_BYTES = 512 * 1024;

/** How often a file may be replaced while it is looked at. */
const MAX_TURNS = 100;

/** One for the process: which disk keeps it waiting is of no matter to whoever waits. */
const pace = new ReadPace();

const NO_CHECKSUMS = Object.freeze({});

export function infoOf(key: string, stats: FileState, headers: ObjectInfo['headers']): ObjectInfo {
  const info = { key, size: stats.size, lastModified: new Date(Math.floor(stats.mtimeMs)), revision: revisionOf(stats), checksums: NO_CHECKSUMS };
  return headers === undefined ? info : { ...info, headers };
}

/** The file that the key names. Throws `NotFound`, `BucketNotFound` where the root itself is gone. */
export function findFile(root: Root, place: Place): { readonly stats: FileStats; readonly path: string } {
  const found = hasFolders(root, place) ? look(root, place) : ({ kind: 'nothing' } as const);
  if (found.kind === 'file') return found;
  if (found.kind === 'no-object') {
    if (found.what === 'link' && found.why.includes('leaves the root')) throw new FsFault('AccessDenied', found.why);
    throw new FsFault('NotFound', `there is no object: ${found.why}`);
  }
  throw missing(root);
}

/** An absence, told apart from that of the whole root: on an unmounted disk every file is missing. */
export function missing(root: Root): FsFault {
  return lstat(root.fs, root.path) === undefined
    ? new FsFault('BucketNotFound', 'its folder is not there')
    : new FsFault('NotFound', 'there is no such object');
}

export function headFile(root: Root, place: Place, o: HeadOptions): ObjectInfo {
  for (let turn = 0; ; turn++) {
    const { stats } = findFile(root, place);
    const headers = readHeaders(root.fs, root.path, place.key, stats);
    // Without a sidecar, the file may have been replaced since, and its sidecar removed.
    if (Object.keys(headers).length === 0 && turn < MAX_TURNS && findFile(root, place).stats.ino !== stats.ino) continue;
    const info = infoOf(place.key, stats, headers);
    assertReadConditions(place.key, info, o);
    return info;
  }
}

export function getFile(root: Root, place: Place, o: GetOptions): DriverObject {
  const { fs } = root;
  const { fd, stats } = openFile(root, place);
  try {
    const info = infoOf(place.key, stats, readHeaders(fs, root.path, place.key, stats));
    assertReadConditions(place.key, info, o);
    const range = resolveRange(o.range, stats.size);
    const into = o.into !== undefined && o.into.length >= range.end - range.start ? o.into : undefined;
    const body = new FileBody(fs, fd, range, o.ifMatch === undefined ? undefined : stats, into, o.signal);
    return { info, range, body, close: () => body.close() };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Opens the file that the key names; what was looked at is what is opened, or it is looked at again. */
function openFile(root: Root, place: Place): { readonly fd: number; readonly stats: FileStats; readonly path: string } {
  const { fs } = root;
  for (let turn = 0; ; turn++) {
    const found = findFile(root, place);
    let fd: number;
    try {
      fd = fs.openSync(found.path, safeReadFlags(fs));
    } catch (error) {
      // It became a link, or went, since it was looked at.
      if (['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].includes(errno(error)) && turn < MAX_TURNS) continue;
      throw error;
    }
    const stats = fs.fstatSync(fd);
    if (stats.isFile() && stats.ino === found.stats.ino) return { fd, stats, path: found.path };
    fs.closeSync(fd);
    if (turn >= MAX_TURNS) throw new FsFault('Unavailable', 'it is replaced faster than it can be opened');
  }
}

/** The bytes of an open file, which is closed when they end, fail or are no longer wanted. */
class FileBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #fs: FileSystem;
  readonly #start: number;
  readonly #end: number;
  readonly #into: Uint8Array | undefined;
  readonly #asked: FileState | undefined;
  readonly #signal: AbortSignal | undefined;
  #fd: number | undefined;
  #at: number;
  #left = false;

  /**
   * @param asked the state that the reader asked for: the content must be that until its last byte has been read
   * @param into memory for all of it
   */
  constructor(
    fs: FileSystem,
    fd: number,
    { start, end }: ResolvedRange,
    asked: FileState | undefined,
    into: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#fs = fs;
    this.#fd = fd;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.#into = into;
    this.#asked = asked;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const fd = this.#fd;
    if (fd === undefined) return { done: true, value: undefined };
    try {
      this.#signal?.throwIfAborted();
      const wanted = Math.min(CHUNK_BYTES, this.#end - this.#at);
      if (wanted === 0) {
        this.#close();
        return { done: true, value: undefined };
      }
      // Each chunk is memory of its own: the reader may keep it. It is not filled with zeros first, which costs as much as the read.
      const chunk = this.#into?.subarray(this.#at - this.#start, this.#at - this.#start + wanted) ?? Buffer.allocUnsafeSlow(wanted);
      this.#fd = undefined; // Nobody closes it while the disk is at work.
      let count: number;
      try {
        count = pace.readsHere(wanted)
          ? pace.timed(() => this.#fs.readSync(fd, chunk, 0, wanted, this.#at))
          : await readSome(this.#fs, fd, chunk, wanted, this.#at);
      } finally {
        this.#fd = fd;
        if (this.#left) this.#close();
      }
      this.#signal?.throwIfAborted();
      if (count === 0) throw new FsFault('Unavailable', `the file ended at byte ${this.#at} of ${this.#end}: it was cut short while it was read`);
      this.#at += count;
      if (this.#at === this.#end) {
        this.#assertUnchanged(fd);
        this.#close();
      }
      return { done: false, value: count === wanted ? chunk : chunk.subarray(0, count) };
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Before the last bytes are given, so that nobody takes for whole what is of two states. */
  #assertUnchanged(fd: number): void {
    if (this.#asked === undefined) return;
    const { size, mtimeMs } = this.#fs.fstatSync(fd);
    // Not the change time: a file that lost its name to another one has that changed, and its content is what it was.
    if (size !== this.#asked.size || mtimeMs !== this.#asked.mtimeMs) throw new FsFault('PreconditionFailed', 'the file was written while it was read');
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  async close(): Promise<void> {
    this.#left = true;
    this.#close();
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) this.#fs.closeSync(fd);
  }
}
