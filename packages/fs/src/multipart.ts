import { randomUUID } from 'node:crypto';
import {
  assertDigests,
  type Call,
  type CompleteOptions,
  createDigest,
  type ObjectHeaders,
  type ObjectInfo,
  type PartOptions,
  pickHeaders,
  type Upload,
  type UploadedPart,
  type UploadRef,
} from '@stowage/core';
import { FsFault } from './fault.ts';
import type { DiskWaits } from './disk-waits.ts';
import { errno, type FileSystem, lstat, readSmallText, readSome, sync, writeAll, writeAllSync } from './file-system.ts';
import { makeOwnFolder, ownPath } from './own-folder.ts';
import { placeOf, type Root } from './place.ts';
import { areKnown, placedName, placedPart, type PlacedPart, PlacedParts } from './placed-parts.ts';
import { etagOf } from './revision.ts';
import { removeIfThere, removeTemporaryFolder, temporaryName } from './temporary-file.ts';
import { writeFile } from './writing.ts';

/** What an unfinished upload keeps beside its parts, in `.stowage/uploads/<id>/upload.json`. */
interface Manifest {
  readonly key: string;
  readonly startedAt: string;
  readonly headers: ObjectHeaders;
}

const MANIFEST = 'upload.json';
const PART = /^(\d+)(?:\.placed)?$/;
const COPY_BYTES = 1024 * 1024;

/**
 * Uploads in parts. Parts of one length lie where they belong in a file that each opened upload has for itself, any others in files of
 * their own: writers of several processes do not meet, and a restart loses none.
 */
export class Uploads {
  readonly #root: Root;
  readonly #waits: DiskWaits | undefined;
  readonly #fail: Fail;

  /** @param waits undefined where nobody waits for the disk */
  constructor(root: Root, waits: DiskWaits | undefined, fail: Fail) {
    this.#root = root;
    this.#waits = waits;
    this.#fail = fail;
  }

  async start(key: string, headers: ObjectHeaders): Promise<Upload> {
    const { fs, path } = this.#root;
    const manifest: Manifest = { key, startedAt: new Date().toISOString(), headers: pickHeaders(headers) };
    const id = randomUUID();
    const folder = `${ownPath(path, 'uploads')}/${id}`;
    makeOwnFolder(fs, path, ownPath(path, 'uploads'));
    // Made aside and moved: killed in between, what is left is a temporary, and not an upload that nobody can name.
    const aside = this.#aside();
    fs.mkdirSync(aside);
    await this.#writeInto(aside, MANIFEST, Buffer.from(JSON.stringify(manifest)));
    fs.renameSync(aside, folder);
    await this.#waits?.names([ownPath(path, 'uploads')]);
    return this.#open({ key, id, startedAt: manifest.startedAt }, folder, manifest);
  }

  resume(ref: UploadRef): Upload {
    const folder = this.#folderOf(ref.id);
    const manifest = folder === undefined ? undefined : readManifest(this.#root.fs, folder);
    if (folder === undefined || manifest === undefined || manifest.key !== ref.key)
      throw new FsFault('NotFound', `there is no upload ${JSON.stringify(ref.id)} of it`);
    return this.#open({ key: manifest.key, id: ref.id, startedAt: manifest.startedAt }, folder, manifest);
  }

  list(prefix: string): UploadRef[] {
    const { fs, path } = this.#root;
    const all = ownPath(path, 'uploads');
    if (lstat(fs, all)?.isDirectory() !== true) return [];
    const refs: UploadRef[] = [];
    for (const { name } of fs.readdirSync(all, { encoding: 'latin1', withFileTypes: true })) {
      const folder = this.#folderOf(name);
      const manifest = folder === undefined ? undefined : readManifest(fs, folder);
      if (manifest?.key.startsWith(prefix) === true) refs.push({ key: manifest.key, id: name, startedAt: manifest.startedAt });
    }
    return refs;
  }

  /** The folder of an upload: an id comes from outside, and must not lead elsewhere. */
  #folderOf(id: string): string | undefined {
    return /^[0-9a-f-]{36}$/.test(id) ? `${ownPath(this.#root.path, 'uploads')}/${id}` : undefined;
  }

  #open(ref: UploadRef, folder: string, manifest: Manifest): Upload {
    const placed = new PlacedParts(this.#root.fs, folder);
    return new FsUpload(ref, {
      part: (index, bytes, crc32) => this.#part(folder, placed, index, bytes, crc32),
      parts: () => this.#parts(folder),
      complete: (parts, o) => this.#complete(ref, folder, placed, manifest, parts, o),
      abort: () => this.#remove(folder),
      fail: this.#fail,
    });
  }

  async #part(folder: string, placed: PlacedParts, index: number, bytes: Uint8Array, crc32: number | undefined): Promise<UploadedPart> {
    if (!Number.isSafeInteger(index) || index < 0) throw new FsFault('InvalidArgument', `expected a part's index to be a whole number from 0; got ${index}`);
    const { fs } = this.#root;
    const place = placed.place(index, bytes, crc32);
    if (place === undefined) {
      await this.#writeInto(folder, String(index), bytes);
      removeIfThere(fs, `${folder}/${placedName(index)}`);
    } else {
      try {
        await placed.write(place, bytes, this.#waits !== undefined);
      } catch (error) {
        throw errno(error) === 'ENOENT' ? gone() : error;
      }
      await this.#writeInto(folder, placedName(index), Buffer.from(JSON.stringify(place)));
      removeIfThere(fs, `${folder}/${index}`);
    }
    const part = partAt(fs, folder, index);
    if (part === undefined) throw gone();
    return part;
  }

  /** Through a temporary: a part is whole, or it is not there. */
  async #writeInto(folder: string, name: string, bytes: Uint8Array): Promise<void> {
    const { fs, path } = this.#root;
    makeOwnFolder(fs, path, ownPath(path, 'tmp'));
    const temporary = `${ownPath(path, 'tmp')}/${temporaryName()}`;
    const fd = fs.openSync(temporary, 'wx', 0o666);
    try {
      try {
        if (bytes.length <= COPY_BYTES) writeAllSync(fs, fd, bytes, 0);
        else await writeAll(fs, fd, bytes, 0);
        if (this.#waits !== undefined) await sync(fs, fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(temporary, `${folder}/${name}`);
    } catch (error) {
      removeIfThere(fs, temporary);
      throw errno(error) === 'ENOENT' ? gone() : error;
    }
    await this.#waits?.names([folder]);
  }

  #parts(folder: string): UploadedPart[] {
    const { fs } = this.#root;
    const parts = new Map<number, UploadedPart>();
    for (const { name } of readUpload(fs, folder)) {
      const index = PART.exec(name)?.[1];
      const part = index === undefined ? undefined : partAt(fs, folder, Number(index));
      if (part !== undefined) parts.set(part.index, part);
    }
    return [...parts.values()].toSorted((a, b) => a.index - b.index);
  }

  async #complete(
    ref: UploadRef,
    folder: string,
    placed: PlacedParts,
    manifest: Manifest,
    parts: readonly UploadedPart[],
    o: CompleteOptions,
  ): Promise<ObjectInfo> {
    const { fs } = this.#root;
    readUpload(fs, folder);
    for (const [i, part] of parts.entries()) {
      if (part.index !== i) throw new FsFault('InvalidArgument', `expected the parts' indexes to run from 0 without a gap; got ${part.index} at place ${i}`);
      const held = partAt(fs, folder, i);
      if (held?.token !== part.token)
        throw new FsFault('InvalidArgument', `part ${i} is not the one that was named: it was sent again, or never; ask for the parts and complete with these`);
      if (held.size === 0 && i < parts.length - 1) throw new FsFault('InvalidArgument', `part ${i} is empty; only the last one may be`);
    }
    const options = {
      ...manifest.headers,
      ...(o.if === undefined ? {} : { if: o.if }),
      ...(o.lastModified === undefined ? {} : { lastModified: o.lastModified }),
      ...(o.signal === undefined ? {} : { signal: o.signal }),
    };
    const info = await writeFile(
      this.#root,
      placeOf(this.#root, ref.key),
      async (temporary, target) => {
        const places = placesOf(fs, folder, parts);
        // Where they are not what was to be written, or that is not known, they are read, which tells.
        const moved = areKnown(o.checksum ?? {}, places) ? placed.moveTo(target, places) : undefined;
        if (moved === undefined) await this.#assemble(ref.key, folder, parts, temporary.fd, o);
        return moved;
      },
      options,
      this.#waits,
    );
    this.#remove(folder);
    return info;
  }

  /** One part behind the other. They stay until the object has its name: killed anywhere, the upload can be completed again. */
  async #assemble(key: string, folder: string, parts: readonly UploadedPart[], fd: number, o: CompleteOptions): Promise<void> {
    const { fs } = this.#root;
    const { checksum = {} } = o;
    const digests = (['crc32', 'md5', 'sha256'] as const).flatMap((name) => (checksum[name] === undefined ? [] : (createDigest(name) ?? [])));
    const buffer = new Uint8Array(COPY_BYTES);
    let end = 0;
    for (const part of parts) {
      const place = hasOwnFile(fs, folder, part.index) ? undefined : placedPart(fs, folder, part.index);
      const from = fs.openSync(`${folder}/${place?.content ?? part.index}`, fs.constants.O_RDONLY);
      const start = place?.offset ?? 0;
      try {
        for (let at = 0; at < part.size;) {
          o.signal?.throwIfAborted();
          const count = await readSome(fs, from, buffer, Math.min(buffer.length, part.size - at), start + at);
          if (count === 0) throw new FsFault('Unavailable', `part ${part.index} ended at byte ${at} of ${part.size}`);
          const bytes = buffer.subarray(0, count);
          for (const digest of digests) digest.update(bytes);
          await writeAll(fs, fd, bytes, end);
          at += count;
          end += count;
        }
      } finally {
        fs.closeSync(from);
      }
    }
    assertDigests(digests, checksum, key);
  }

  /** It goes in one step: killed in between, what is left is a temporary. */
  #remove(folder: string): void {
    const { fs } = this.#root;
    if (lstat(fs, folder) === undefined) return;
    const aside = this.#aside();
    try {
      fs.renameSync(folder, aside);
    } catch (error) {
      if (errno(error) === 'ENOENT') return;
      throw error;
    }
    removeTemporaryFolder(fs, aside);
  }

  /** A place in Stowage's own folder that a sweep clears when this process is gone. */
  #aside(): string {
    const { fs, path } = this.#root;
    makeOwnFolder(fs, path, ownPath(path, 'tmp'));
    return `${ownPath(path, 'tmp')}/${temporaryName()}`;
  }
}

/** Turns what a call threw into what it rejects with. */
export type Fail = (error: unknown, operation: string, key: string, signal: AbortSignal | undefined) => unknown;

interface UploadWork {
  part(index: number, bytes: Uint8Array, crc32: number | undefined): Promise<UploadedPart>;
  parts(): UploadedPart[];
  complete(parts: readonly UploadedPart[], o: CompleteOptions): Promise<ObjectInfo>;
  abort(): void;
  fail: Fail;
}

class FsUpload implements Upload {
  readonly ref: UploadRef;
  readonly #work: UploadWork;
  #settled = false;

  constructor(ref: UploadRef, work: UploadWork) {
    this.ref = ref;
    this.#work = work;
  }

  async part(index: number, bytes: Uint8Array, o: PartOptions = {}): Promise<UploadedPart> {
    return await this.#run('part', o, () => this.#work.part(index, bytes, o.crc32));
  }

  async parts(o: Call = {}): Promise<readonly UploadedPart[]> {
    return await this.#run('parts', o, () => this.#work.parts());
  }

  async complete(parts: readonly UploadedPart[], o: CompleteOptions = {}): Promise<ObjectInfo> {
    const info = await this.#run('complete', o, () => this.#work.complete(parts, o));
    this.#settled = true;
    return info;
  }

  async abort(o: Call = {}): Promise<void> {
    this.#settled = true;
    await this.#run('abort', o, () => this.#work.abort());
  }

  detach(): UploadRef {
    this.#settled = true;
    return this.ref;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#settled) await this.abort();
  }

  async #run<T>(operation: string, o: Call, work: () => T | Promise<T>): Promise<T> {
    try {
      o.signal?.throwIfAborted();
      return await work();
    } catch (error) {
      throw this.#work.fail(error, operation, this.ref.key, o.signal);
    }
  }
}

function partAt(fs: FileSystem, folder: string, index: number): UploadedPart | undefined {
  const stats = lstat(fs, `${folder}/${index}`);
  if (stats?.isFile() === true) return { index, size: stats.size, token: etagOf(stats) };
  const record = lstat(fs, `${folder}/${placedName(index)}`);
  const place = record === undefined ? undefined : placedPart(fs, folder, index);
  return record === undefined || place === undefined ? undefined : { index, size: place.size, token: etagOf(record) };
}

/** What was sent again as a file of its own counts before what was placed. */
function hasOwnFile(fs: FileSystem, folder: string, index: number): boolean {
  return lstat(fs, `${folder}/${index}`)?.isFile() === true;
}

function placesOf(fs: FileSystem, folder: string, parts: readonly UploadedPart[]): (PlacedPart | undefined)[] {
  return parts.map(({ index }) => (hasOwnFile(fs, folder, index) ? undefined : placedPart(fs, folder, index)));
}

function readUpload(fs: FileSystem, folder: string): ReturnType<FileSystem['readdirSync']> {
  // Without its manifest it is one that is being removed.
  if (lstat(fs, `${folder}/${MANIFEST}`) === undefined) throw gone();
  return fs.readdirSync(folder, { encoding: 'latin1', withFileTypes: true });
}

/** Undefined where there is none, or none that can be read: it was torn by a power cut, or is being removed. */
function readManifest(fs: FileSystem, folder: string): Manifest | undefined {
  if (lstat(fs, `${folder}/${MANIFEST}`)?.isFile() !== true) return undefined;
  const text = readSmallText(fs, `${folder}/${MANIFEST}`);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined; // As above: the contract's answer to an upload that cannot go on is NotFound.
  }
}

function isManifest(value: unknown): value is Manifest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    typeof value.key === 'string' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string' &&
    'headers' in value &&
    typeof value.headers === 'object' &&
    value.headers !== null
  );
}

function gone(): FsFault {
  return new FsFault('NotFound', 'its upload is not there: it was completed or aborted');
}
