import type { ErrorCode, ObjectHeaders, Revision, WriteCondition } from '@stowage/core';
import { type Committed, tryCommit } from './commit.ts';
import { FsFault, faultOf } from './fault.ts';
import { errno, type FileStats, type FileSystem, lstat, safeReadFlags, writeAllSync } from './file-system.ts';
import { NameFolding } from './name-folding.ts';
import { diskKeyFault } from './names.ts';
import { hasFolders, look, makeFolders, type Place, placeOf, removeMadeFolders, type Root } from './place.ts';
import { type FileState, isRevision, stampFile } from './revision.ts';
import { nameHeaders, readHeaders, removeHeaders, writeHeaders } from './sidecar.ts';
import { createTemporary, removeIfThere } from './temporary-file.ts';

/** One file to be copied, as plain data: it goes to a thread. */
export interface CopyOrder {
  /** The source's root, with no link in it, and whether its links are followed. */
  readonly fromRoot: string;
  readonly followLinks: boolean;
  readonly from: string;
  readonly to: string;
  readonly condition?: WriteCondition;
  readonly sourceIf?: Revision;
  readonly headers?: ObjectHeaders;
  /** Milliseconds since 1970. */
  readonly lastModified?: number;
}

/** A copy that is written and has not its name yet. */
export interface WrittenCopy {
  readonly temporary: string;
  readonly state: FileState;
  readonly headers: ObjectHeaders;
  readonly sidecar?: string;
  /** Folders that were made for it. */
  readonly made: readonly string[];
}

export interface CopyFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

export type Written = WrittenCopy | CopyFailure;
/** The object's state under its name. */
export type Named = { readonly state: FileState } | CopyFailure;

/** Files above this are copied by the disk itself where it can share their blocks, and in pieces where not. */
const SMALL_BYTES = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/** How often a deletion may remove the emptied folder that a copy is to be made in. */
const MAX_TURNS = 20;

/** Copies for one destination root; keeps, for the length of a slice, which folders were looked at. */
export class CopyTask {
  readonly #to: Root;
  readonly #sources = new Map<string, Root>();
  readonly #isAborted: () => boolean;
  #sourceFolder: string | undefined;
  #folder: string | undefined;
  #buffer: Uint8Array | undefined;

  constructor(to: Root, isAborted: () => boolean) {
    this.#to = to;
    this.#isAborted = isAborted;
  }

  /** Writes temporaries. One failure is one outcome. */
  write(orders: readonly CopyOrder[]): Written[] {
    return orders.map((order) => {
      try {
        if (this.#isAborted()) throw new FsFault('Unavailable', 'the copy was aborted');
        return this.#write(order);
      } catch (error) {
        return failureOf(error);
      }
    });
  }

  #write(order: CopyOrder): WrittenCopy {
    const from = this.#source(order);
    // The destination's key has passed its driver's check; the source's bucket was not asked.
    const fault = diskKeyFault(order.from, from.path);
    if (fault !== undefined) throw new FsFault('InvalidKey', `the source's key cannot be on this disk: ${fault}`);
    const source = placeOf(from, order.from);
    const place = placeOf(this.#to, order.to);
    const { fd, stats } = this.#openSource(from, source, order);
    try {
      assertWritable(this.#to, place, order.condition);
      const { temporary, made } = this.#create(place);
      let sidecar: string | undefined;
      let state: FileState | undefined;
      try {
        try {
          this.#copyBytes(from.fs, fd, stats, temporary.fd);
          const after = from.fs.fstatSync(fd);
          if (!isSame(stats, after)) throw new FsFault('PreconditionFailed', 'the source was written or removed while it was copied');
          state = stampFile(this.#to.fs, temporary.fd, order.lastModified === undefined ? undefined : new Date(order.lastModified), undefined, () => this.#to.fs.fstatSync(temporary.fd));
        } finally {
          this.#to.fs.closeSync(temporary.fd);
        }
        const headers = order.headers ?? readHeaders(from.fs, from.path, order.from, stats);
        const written = writeHeaders(this.#to.fs, this.#to.path, order.to, headers, state);
        if (written !== undefined) nameHeaders(this.#to.fs, written);
        sidecar = written?.path;
        return { temporary: temporary.path, state: plainState(state), headers, ...(sidecar === undefined ? {} : { sidecar }), made };
      } catch (error) {
        discardCopy(this.#to, order.to, { temporary: temporary.path, state: state ?? stats, headers: {}, made });
        this.#folder = undefined;
        throw error;
      }
    } finally {
      from.fs.closeSync(fd);
    }
  }

  #source({ fromRoot, followLinks }: CopyOrder): Root {
    const name = `${fromRoot}\0${followLinks}`;
    let root = this.#sources.get(name);
    if (root === undefined) this.#sources.set(name, (root = { fs: this.#to.fs, path: fromRoot, followLinks, folding: new NameFolding() }));
    return root;
  }

  #openSource(from: Root, source: Place, order: CopyOrder): { readonly fd: number; readonly stats: FileStats } {
    const known = this.#sourceFolder === source.folder;
    if (!known && !hasFolders(from, source)) throw absentSource(from);
    this.#sourceFolder = source.folder;
    const found = look(from, source);
    if (found.kind === 'nothing') throw absentSource(from);
    if (found.kind === 'no-object') throw new FsFault('NotFound', `the source is no object: ${found.why}`);
    const fd = from.fs.openSync(found.path, safeReadFlags(from.fs));
    try {
      const stats = from.fs.fstatSync(fd);
      if (!stats.isFile()) throw new FsFault('NotFound', 'the source is no file any more');
      if (order.sourceIf !== undefined && !isRevision(stats, order.sourceIf)) throw new FsFault('PreconditionFailed', 'the source is not the revision that was expected: it has been written since');
      return { fd, stats };
    } catch (error) {
      from.fs.closeSync(fd);
      throw error;
    }
  }

  #create(place: Place): { readonly temporary: { readonly path: string; readonly fd: number }; readonly made: readonly string[] } {
    const { fs } = this.#to;
    for (let turn = 0; ; turn++) {
      const made: string[] = [];
      try {
        // Files of one folder follow one another: it is looked at once.
        if (this.#folder !== place.folder) made.push(...makeFolders(this.#to, place));
        this.#folder = place.folder;
        return { temporary: createTemporary(fs, place.folder), made };
      } catch (error) {
        this.#folder = undefined;
        removeMadeFolders(this.#to, made);
        if (errno(error) !== 'ENOENT' || turn >= MAX_TURNS) throw error;
        if (lstat(fs, this.#to.path) === undefined) throw new FsFault('BucketNotFound', 'the folder of the destination is not there');
      }
    }
  }

  #copyBytes(fs: FileSystem, fd: number, { size }: FileStats, to: number): void {
    const buffer = (this.#buffer ??= new Uint8Array(Math.max(SMALL_BYTES, PIECE_BYTES)));
    for (let at = 0; ; ) {
      // One byte more than is left, if it fits: a file that has grown is told apart without a further call.
      const count = fs.readSync(fd, buffer, 0, buffer.length, at);
      if (count === 0) break;
      writeAllSync(this.#to.fs, to, count === buffer.length ? buffer : buffer.subarray(0, count), at);
      at += count;
      if (at >= size) break;
      if (this.#isAborted()) throw new FsFault('Unavailable', 'the copy was aborted');
    }
  }

  /** Gives written copies their names, each if its condition holds. */
  name(orders: readonly CopyOrder[], copies: readonly WrittenCopy[], untilFree: (attempt: () => Committed) => Exclude<Committed, 'busy'>): Named[] {
    return orders.map((order, i) => {
      const copy = copies[i];
      if (copy === undefined) throw new RangeError('expected one written copy for each order');
      try {
        const place = placeOf(this.#to, order.to);
        const commit = {
          place,
          temporary: copy.temporary,
          written: copy.state,
          condition: order.condition,
          lastModified: order.lastModified === undefined ? undefined : new Date(order.lastModified),
          sidecar: copy.sidecar,
        };
        return { state: plainState(untilFree(() => tryCommit(this.#to, commit)).stats) };
      } catch (error) {
        discardCopy(this.#to, order.to, copy);
        return failureOf(error);
      }
    });
  }
}

/** Removes what was written for a copy that does not come about. */
export function discardCopy(to: Root, key: string, copy: WrittenCopy): void {
  removeIfThere(to.fs, copy.temporary);
  if (copy.sidecar !== undefined) removeHeaders(to.fs, to.path, key, copy.state);
  removeMadeFolders(to, copy.made);
}

/** What is bound to fail, fails before any byte is copied. */
function assertWritable(to: Root, place: Place, condition: WriteCondition | undefined): void {
  if (condition === 'absent' && lstat(to.fs, place.path)?.isFile() === true) throw new FsFault('AlreadyExists', 'it exists already');
}

function absentSource(from: Root): FsFault {
  return lstat(from.fs, from.path) === undefined ? new FsFault('BucketNotFound', 'the folder of the source is not there') : new FsFault('NotFound', 'the source is not there any more');
}

function isSame(a: FileState, b: FileState): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

function plainState({ ino, size, mtimeMs, ctimeMs }: FileState): FileState {
  return { ino, size, mtimeMs, ctimeMs };
}

function failureOf(error: unknown): CopyFailure {
  const { code, message, retryable } = faultOf(error, 'write');
  return { code, message, retryable };
}
