import { compareKeys } from '../keys.ts';
import type { ObjectHeaders, ObjectInfo } from '../object-info.ts';

/** An object as it is kept. */
export interface MemoryObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly lastModified: Date;
  readonly etag: string;
  readonly headers: ObjectHeaders;
  readonly crc32: string;
}

/** Objects by key, in UTF-8 byte order. */
export class MemoryObjects {
  readonly #byKey = new Map<string, MemoryObject>();
  readonly #keys: string[] = [];

  get(key: string): MemoryObject | undefined {
    return this.#byKey.get(key);
  }

  set(object: MemoryObject): void {
    if (!this.#byKey.has(object.key)) this.#keys.splice(this.indexBehind(object.key), 0, object.key);
    this.#byKey.set(object.key, object);
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#keys.splice(this.indexBehind(key) - 1, 1);
  }

  /** The key at the index, in order. */
  keyAt(index: number): string | undefined {
    return this.#keys[index];
  }

  /** How many keys are not behind the given one: the index of the first that is. */
  indexBehind(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] as string, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What a listing tells of an object; with its headers elsewhere. */
export function listedInfo({ key, bytes, lastModified, etag, crc32 }: MemoryObject): ObjectInfo {
  return { key, size: bytes.byteLength, lastModified, revision: { etag }, checksums: { crc32 } };
}

export function fullInfo(object: MemoryObject): ObjectInfo {
  return { ...listedInfo(object), headers: object.headers };
}
