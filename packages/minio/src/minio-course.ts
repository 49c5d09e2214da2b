import type { ListOptions, ListPage } from '@stowage/core';
import { MAX_PAGE } from './minio-marks.ts';

/** Pages of a listing without an end that are asked for by keys: who reads more of it is likely to read all, or has split it. */
const PAGES_BY_KEY = 24;
/** Keys that a folder must have, on average, to be asked for by itself. */
const WORTH_A_REQUEST = 150;
/** Folders that an average is made of. */
const FOLDERS = 8;

/**
 * How MinIO is asked for the next pages (measured, and read from its source).
 *
 * - **By its token** it makes a listing of its own, and reads on to the end of the prefix, however little of that is wanted. So that is
 *   for keys without folders, for what is in a folder, and for the long rest of a listing that has no end.
 * - **By a key** it makes none. That takes requests for each folder that the key lies in, all at once: see {@link minioSteps}.
 * - **Folder by folder** it reads least: of a page that is cut off it has always read more. So that is for folders that are worth a
 *   request each.
 */
export class MinioCourse {
  readonly #o: ListOptions;
  #pages = 0;
  #manyFolders = false;
  #byFolder = false;
  #folders = 0;
  #keys = 0;

  constructor(o: ListOptions) {
    this.#o = o;
  }

  /** Whether the last page held keys of several folders: behind it, the rest of a folder is likely to be less than a page. */
  get manyFolders(): boolean {
    return this.#manyFolders;
  }

  get byFolder(): boolean {
    return this.#byFolder;
  }

  /** Whether to go on behind this page of the listing by the key that it ends with. */
  goesByKey({ objects }: ListPage): boolean {
    const { prefix = '', until, delimiter, limit = MAX_PAGE } = this.#o;
    this.#pages++;
    const last = objects.at(-1)?.key;
    if (last === undefined || delimiter !== undefined || limit < MAX_PAGE) return false;
    let folders = 0;
    let folder: string | undefined;
    for (const { key } of objects) {
      if (folder !== undefined && key.startsWith(folder) && !key.includes('/', folder.length)) continue;
      folder = key.slice(0, key.lastIndexOf('/') + 1);
      folders++;
    }
    this.#manyFolders = folders > 1;
    this.#byFolder = objects.length >= folders * WORTH_A_REQUEST;
    this.#folders = this.#keys = 0;
    return last.includes('/', prefix.length) && (this.#byFolder || until !== undefined || this.#pages <= PAGES_BY_KEY);
  }

  /** A folder has been read by itself, and had so many keys. Many that have few end that. */
  folder(keys: number): void {
    this.#folders++;
    this.#keys += keys;
    if (this.#folders >= FOLDERS && this.#keys * 2 < this.#folders * WORTH_A_REQUEST) this.#byFolder = false;
  }
}
