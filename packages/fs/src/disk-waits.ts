import { type FileSystem, sync, syncPath } from './file-system.ts';
import { FolderSync } from './folder-sync.ts';
import type { GroupSync } from './group-sync.ts';
import type { TemporaryFile } from './temporary-file.ts';

/** From so many files on, one wait for the whole disk costs less than one for each; others may be writing to it as well. */
export const GROUP_SYNC_FILES = 8;

/**
 * How a driver's writes wait for the disk: each for itself, names of one folder together, and from {@link GROUP_SYNC_FILES} writes at
 * once on all of them together.
 */
export class DiskWaits {
  readonly #fs: FileSystem;
  readonly #group: GroupSync;
  readonly #folders: FolderSync;
  #writes = 0;

  constructor(fs: FileSystem, group: GroupSync) {
    this.#fs = fs;
    this.#group = group;
    this.#folders = new FolderSync(fs);
  }

  /** Runs one of the writes that may share their waits. */
  async write<T>(work: () => Promise<T>): Promise<T> {
    this.#writes++;
    try {
      return await work();
    } finally {
      this.#writes--;
    }
  }

  /** Resolves when the content of the file at the path is on the disk. */
  async content(path: string): Promise<void> {
    if (await this.#together()) return;
    await syncPath(this.#fs, path);
  }

  /**
   * As {@link content}, of an open file, and closes it: at once where it waits together with others, as more may wait than files can be
   * open.
   */
  async contentOf({ fd, path }: TemporaryFile): Promise<void> {
    let isOpen = true;
    try {
      if (this.#isShared) {
        isOpen = false;
        this.#fs.closeSync(fd);
        await this.content(path);
      } else await sync(this.#fs, fd);
    } finally {
      if (isOpen) this.#fs.closeSync(fd);
    }
  }

  /** Resolves when the entries that these folders have are on the disk, in the order that they are given in. */
  async names(folders: readonly string[]): Promise<void> {
    if (await this.#together()) return;
    for (const folder of folders) await this.#folders.done(folder);
  }

  get #isShared(): boolean {
    return this.#writes >= GROUP_SYNC_FILES;
  }

  async #together(): Promise<boolean> {
    return this.#isShared && (await this.#group.done());
  }
}
