import { crc32 } from 'node:zlib';
import { type Checksums, crc32OfParts } from '@stowage/core';
import { writeDirect } from './direct-write.ts';
import { errno, type FileSystem, lstat, readSmallText, sync, writeAll } from './file-system.ts';
import { uniqueMark } from './process-identity.ts';
import { createTemporary, removeIfThere, type TemporaryFile, temporaryName } from './temporary-file.ts';

/** A part that lies in a content file: what its record `<index>.placed` says. */
export interface PlacedPart {
  /** The name of the content file beside the record. */
  readonly content: string;
  readonly offset: number;
  readonly size: number;
  /** CRC32 of what was written there. */
  readonly crc32: number;
}

const CONTENT = /^content-[0-9a-z-]+$/;
/** Of this many bytes are parts a multiple that are cut from something larger; the last one of these hardly ever is. */
const CUT_BYTES = 64 * 1024;
/** No offset beyond this: disks have limits to a file's size. */
const FARTHEST = 2 ** 40;

/**
 * Parts of one length, written to where they belong in a file that becomes the object: nothing is copied when the upload is completed.
 *
 * The file belongs to one opened upload, so that no other process or thread writes to it. An index is written to it once: what is sent
 * again goes to a file of its own. Its length is that of the parts, so that a part counts only once a record says so.
 */
export class PlacedParts {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #name = `content-${uniqueMark()}`;
  readonly #begun = new Set<number>();
  #unit: number | undefined;
  #made = false;
  #writing = 0;

  constructor(fs: FileSystem, folder: string) {
    this.#fs = fs;
    this.#folder = folder;
  }

  /** Where the part belongs; undefined where it must be a file of its own. Each index has one place once. */
  place(index: number, bytes: Uint8Array, known: number | undefined): PlacedPart | undefined {
    const size = bytes.length;
    if (size === 0 || this.#begun.has(index)) return undefined;
    if (this.#unit === undefined && (index === 0 || size % CUT_BYTES === 0)) this.#unit = size;
    if (this.#unit === undefined || size > this.#unit) return undefined;
    const offset = index * this.#unit;
    if (offset + size > FARTHEST) return undefined;
    this.#begun.add(index);
    return { content: this.#name, offset, size, crc32: known ?? crc32(bytes) };
  }

  /** Writes a part to its place, and waits for the disk where that is asked for. Throws `ENOENT` where the upload is gone. */
  async write(part: PlacedPart, bytes: Uint8Array, durable: boolean): Promise<void> {
    const path = `${this.#folder}/${part.content}`;
    if (!this.#made) this.#fs.closeSync(createTemporary(this.#fs, this.#folder, part.content).fd);
    this.#made = true;
    this.#writing++;
    try {
      const done = await writeDirect(this.#fs, path, bytes, part.offset);
      if (done === bytes.length && !durable) return;
      const fd = this.#fs.openSync(path, 'r+');
      try {
        await writeAll(this.#fs, fd, bytes.subarray(done), part.offset + done);
        if (durable) await sync(this.#fs, fd);
      } finally {
        this.#fs.closeSync(fd);
      }
    } finally {
      this.#writing--;
    }
  }

  /**
   * Moves the content to a temporary of the folder, where it is all of these parts and nothing else; undefined where it is not, or where
   * the folder is on another disk. `undo` moves it back.
   *
   * To a name that nobody has: where a rename replaces a file, and be it empty, ext4 waits for the disk, 0.15 s a GiB.
   */
  moveTo(folder: string, parts: readonly (PlacedPart | undefined)[]): (TemporaryFile & { readonly undo: () => void }) | undefined {
    const content = `${this.#folder}/${this.#name}`;
    const path = `${folder}/${temporaryName()}`;
    if (!this.#made || this.#writing > 0 || !this.#isWhole(parts)) return undefined;
    const size = parts.reduce((sum, part) => sum + (part?.size ?? 0), 0);
    if (lstat(this.#fs, content)?.size !== size) return undefined;
    const fd = this.#fs.openSync(content, 'r+');
    try {
      this.#fs.renameSync(content, path);
    } catch (error) {
      this.#fs.closeSync(fd);
      if (errno(error) === 'EXDEV') return undefined;
      throw error;
    }
    return { path, fd, undo: () => this.#moveBack(path, content) };
  }

  /** Where the upload was aborted meanwhile there is nothing to go back to. */
  #moveBack(path: string, content: string): void {
    try {
      this.#fs.renameSync(path, content);
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error;
      removeIfThere(this.#fs, path);
    }
  }

  #isWhole(parts: readonly (PlacedPart | undefined)[]): boolean {
    const unit = this.#unit ?? 0;
    return parts.every(
      (part, i) => part !== undefined && part.content === this.#name && part.offset === i * unit && (part.size === unit || i === parts.length - 1),
    );
  }
}

/** Whether the parts, one behind another, are known to have these checksums: no need to read them again. Of more than a CRC32 nothing is known. */
export function areKnown({ crc32: wanted, ...others }: Checksums, parts: readonly (PlacedPart | undefined)[]): boolean {
  if (Object.keys(others).length > 0) return false;
  if (wanted === undefined) return true;
  return parts.every((part) => part !== undefined) && crc32OfParts(parts) === wanted;
}

export function placedName(index: number): string {
  return `${index}.placed`;
}

/** The record of a part; undefined where there is none, or its content is not there. */
export function placedPart(fs: FileSystem, folder: string, index: number): PlacedPart | undefined {
  const text = readSmallText(fs, `${folder}/${placedName(index)}`);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Torn by a power cut: the part is sent again.
  }
  if (!isPlaced(value)) return undefined;
  const content = lstat(fs, `${folder}/${value.content}`);
  return content?.isFile() === true && content.size >= value.offset + value.size ? value : undefined;
}

function isPlaced(value: unknown): value is PlacedPart {
  return (
    typeof value === 'object' &&
    value !== null &&
    'content' in value &&
    typeof value.content === 'string' &&
    CONTENT.test(value.content) &&
    'offset' in value &&
    Number.isSafeInteger(value.offset) &&
    'size' in value &&
    Number.isSafeInteger(value.size) &&
    'crc32' in value &&
    Number.isSafeInteger(value.crc32)
  );
}
