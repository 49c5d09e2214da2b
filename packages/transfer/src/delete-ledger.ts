import type { DeleteItem, Revision } from '@stowage/core';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isKnown } from './copy-condition.ts';

/** One object to delete, as it was listed. */
export interface DoomedObject {
  readonly key: string;
  readonly size: number;
  readonly revision: Revision;
}

/** How many stay in memory before the rest goes to a file. */
const IN_MEMORY = 20_000;
const WRITE_BYTES = 1 << 18;
const READ_BYTES = 1 << 18;

/**
 * Collects what is to be deleted until the run is judged. Holds a bounded number in memory; the rest lies in a file, a line of
 * JSON each, that has no name any more once it is open: nothing is left behind, however the process ends.
 */
export class DeleteLedger {
  readonly #folder: string;
  readonly #inMemory: number;
  #first: DoomedObject[] = [];
  #pending: string[] = [];
  #pendingChars = 0;
  #file: number | undefined;
  #fileBytes = 0;
  #objects = 0;
  #bytes = 0;

  /** @param folder where a file may be made, outside of both trees: the system's folder for temporaries. */
  constructor(folder: string, inMemory: number = IN_MEMORY) {
    this.#folder = folder;
    this.#inMemory = inMemory;
  }

  get objects(): number {
    return this.#objects;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(object: DoomedObject): void {
    this.#objects++;
    this.#bytes += object.size;
    if (this.#first.length < this.#inMemory) {
      this.#first.push(object);
      return;
    }
    const { etag, version } = object.revision;
    const line = `${JSON.stringify([object.key, object.size, etag ?? null, version ?? null])}\n`;
    this.#pending.push(line);
    this.#pendingChars += line.length;
    if (this.#pendingChars >= WRITE_BYTES) this.#spill();
  }

  /** Everything that was added, in that order, so many at a time. */
  *batches(size: number): Generator<readonly DoomedObject[], void, undefined> {
    for (let at = 0; at < this.#first.length; at += size) yield this.#first.slice(at, at + size);
    this.#spill();
    let batch: DoomedObject[] = [];
    for (const object of this.#spilled()) {
      batch.push(object);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  #spill(): void {
    if (this.#pending.length === 0) return;
    this.#file ??= openNameless(this.#folder);
    const bytes = Buffer.from(this.#pending.join(''), 'utf8');
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at, this.#fileBytes + at);
    this.#fileBytes += bytes.length;
    this.#pending = [];
    this.#pendingChars = 0;
  }

  *#spilled(): Generator<DoomedObject, void, undefined> {
    if (this.#file === undefined) return;
    const chunk = Buffer.alloc(READ_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (let at = 0; at < this.#fileBytes;) {
      const got = readSync(this.#file, chunk, 0, chunk.length, at);
      if (got === 0) throw new Error(`the file of pending deletions in ${this.#folder} ended at byte ${at} of ${this.#fileBytes}; nothing more was deleted`);
      at += got;
      const bytes = Buffer.concat([rest, chunk.subarray(0, got)]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      rest = bytes.subarray(end);
      for (const line of bytes.toString('utf8', 0, end).split('\n')) if (line !== '') yield parseLine(line);
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#first = [];
    this.#pending = [];
  }
}

export function deleteItem({ key, revision }: DoomedObject, conditional: boolean): DeleteItem {
  return conditional && isKnown(revision) ? { key, if: revision } : { key };
}

function openNameless(folder: string): number {
  const own = mkdtempSync(join(folder, 'stowage-mirror-'));
  try {
    return openSync(join(own, 'deletions.ndjson'), 'wx+', 0o600);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function parseLine(line: string): DoomedObject {
  const [key, size, etag, version] = JSON.parse(line) as [string, number, string | null, string | null];
  return { key, size, revision: { ...(etag === null ? {} : { etag }), ...(version === null ? {} : { version }) } };
}
