import { type DriverBody, type ObjectInfo, pickHeaders, type PutOptions, StorageError } from '@stowage/core';
import { type Commit, assertReplaceable, tryCommit } from './commit.ts';
import type { DiskWaits } from './disk-waits.ts';
import { writeDirect } from './direct-write.ts';
import { errno, lstat, writeAll, writeAllSync } from './file-system.ts';
import { FsFault } from './fault.ts';
import { hasFolders, makeFolders, type Place, removeMadeFolders, type Root } from './place.ts';
import { infoOf, missing } from './reading.ts';
import { type FileState, stampFile } from './revision.ts';
import { putHeaders, removeHeaders } from './sidecar.ts';
import { createTemporary, removeIfThere, type TemporaryFile } from './temporary-file.ts';
import { whileBusy } from './waiting.ts';

/** Up to this many bytes a whole body is written where the caller is: the copy into the page cache takes less than a hand-over. */
const SYNC_WRITE_BYTES = 256 * 1024;

/** How often a deletion may remove the emptied folder that a file is to be made in. */
const MAX_TURNS = 20;

/** A file that takes the temporary's place; `undo` takes it back where it does not become the object. */
interface Replacement extends TemporaryFile {
  readonly undo: () => void;
}

/** Fills a temporary, or gives another file of its folder in its place. Throws to give up. */
type Fill = (temporary: TemporaryFile, folder: string) => Promise<Replacement | undefined>;

/** Writes an object: whole or not at all. With `waits` it is durable when it is told of: content first, then the name. */
export async function putFile(root: Root, place: Place, body: DriverBody, o: PutOptions, waits: DiskWaits | undefined): Promise<ObjectInfo> {
  const fill: Fill = async (temporary) => {
    await writeBody(root, temporary, body, place.key, o);
    return undefined;
  };
  return await writeFile(root, place, fill, o, waits);
}

/** What of `PutOptions` and `CompleteOptions` the making of an object takes. */
export type WriteOptions = Pick<PutOptions, 'if' | 'lastModified' | 'signal' | keyof ReturnType<typeof pickHeaders>>;

/** A temporary in the key's folder, filled, synced, and given its name: each step leaves the old object in place until the last. */
export function writeFile(root: Root, place: Place, fill: Fill, o: WriteOptions, waits: DiskWaits | undefined): Promise<ObjectInfo> {
  const write = (): Promise<ObjectInfo> => writeThrough(root, place, fill, o, waits);
  return waits === undefined ? write() : waits.write(write);
}

async function writeThrough(root: Root, place: Place, fill: Fill, o: WriteOptions, waits: DiskWaits | undefined): Promise<ObjectInfo> {
  const { fs } = root;
  // What is bound to fail, fails before any content is read.
  const hasAll = hasFolders(root, place);
  if (hasAll) assertReplaceable(root, place, o.if);
  else if (o.if !== undefined && o.if !== 'absent') throw new FsFault('PreconditionFailed', 'it is not there, a revision of it was expected');
  const { temporary, made } = openTemporary(root, place, hasAll);
  let { fd, path } = temporary;
  let replacement: Replacement | undefined;
  const headers = pickHeaders(o);
  let sidecar: string | undefined;
  let written: FileState | undefined;
  let isOpen = true;
  let isNamed = false;
  try {
    try {
      replacement = await fill(temporary, place.folder);
      if (replacement !== undefined) {
        fs.closeSync(fd);
        ({ fd, path } = replacement);
        removeIfThere(fs, temporary.path);
      }
      o.signal?.throwIfAborted();
      written = stampFile(fs, fd, o.lastModified, undefined, () => fs.fstatSync(fd));
      if (waits !== undefined) {
        isOpen = false;
        await waits.contentOf({ fd, path });
      }
    } finally {
      if (isOpen) fs.closeSync(fd);
    }
    sidecar = await putHeaders(fs, root.path, place.key, headers, written, waits);
    const commit: Commit = { place, temporary: path, written, condition: o.if, lastModified: o.lastModified, sidecar };
    o.signal?.throwIfAborted();
    const { stats } = await whileBusy(() => tryCommit(root, commit), o.signal);
    isNamed = true;
    // A name is durable when its folder is synced; that of a new folder, when the one above it is.
    await waits?.names([place.folder, ...made.toReversed().map((folder) => folder.slice(0, folder.lastIndexOf('/')))]);
    return infoOf(place.key, stats, headers);
  } catch (error) {
    // The disk could not tell whether the name is durable: the object is there, and stays.
    if (isNamed) throw error;
    if (replacement === undefined) removeIfThere(fs, temporary.path);
    else replacement.undo();
    if (sidecar !== undefined && written !== undefined) removeHeaders(fs, root.path, place.key, written);
    removeMadeFolders(root, made);
    throw error;
  }
}

/** @param hasAll whether its folders were there a moment ago */
function openTemporary(root: Root, place: Place, hasAll: boolean): { readonly temporary: TemporaryFile; readonly made: readonly string[] } {
  for (let turn = 0; ; turn++) {
    const made: string[] = [];
    try {
      if (!hasAll || turn > 0) made.push(...makeFolders(root, place));
      return { temporary: createTemporary(root.fs, place.folder), made };
    } catch (error) {
      removeMadeFolders(root, made);
      if (errno(error) !== 'ENOENT' || turn >= MAX_TURNS) throw error;
      // A deletion removed the folder between the two calls; or the root itself is gone.
      if (lstat(root.fs, root.path) === undefined) throw missing(root);
    }
  }
}

async function writeBody(root: Root, { fd, path }: TemporaryFile, body: DriverBody, key: string, o: PutOptions): Promise<void> {
  const { size } = o;
  let written = 0;
  const take = async (chunk: Uint8Array): Promise<void> => {
    if (size !== undefined && written + chunk.length > size) throw wrongSize(key, size, `more than ${size}`);
    if (chunk.length <= SYNC_WRITE_BYTES) writeAllSync(root.fs, fd, chunk, written);
    else {
      // The file would be opened once more, and the memory be refused, for each chunk of a stream.
      const direct = chunk === body ? await writeDirect(root.fs, path, chunk, written) : 0;
      await writeAll(root.fs, fd, chunk.subarray(direct), written + direct);
    }
    written += chunk.length;
    o.onProgress?.(written);
  };
  if (body instanceof Uint8Array) await take(body);
  else for await (const chunk of body) await take(chunk);
  if (size !== undefined && written !== size) throw wrongSize(key, size, `${written}`);
}

function wrongSize(key: string, size: number, got: string): StorageError {
  return new StorageError('InvalidArgument', `expected ${size} bytes of content for ${JSON.stringify(key)}; got ${got}`, { key });
}
