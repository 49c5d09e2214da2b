import { type FileSystem, syncFolderIfThere } from './file-system.ts';

/**
 * Makes names durable: a name is when its folder is synced. Files that get their names in one folder at the same time share a wait:
 * calls that come while one is under way share the next.
 */
export class FolderSync {
  readonly #fs: FileSystem;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** Resolves when the entries that the folder had before the call are on the disk. */
  done(folder: string): Promise<void> {
    const running = this.#running.get(folder);
    if (running === undefined) return this.#start(folder);
    let next = this.#next.get(folder);
    if (next === undefined) {
      const start = (): Promise<void> => {
        this.#next.delete(folder);
        return this.#start(folder);
      };
      // Whether the one before failed is for those to hear who waited for it.
      next = running.then(start, start);
      this.#next.set(folder, next);
    }
    return next;
  }

  #start(folder: string): Promise<void> {
    const run = syncFolderIfThere(this.#fs, folder).finally(() => {
      if (this.#running.get(folder) === run) this.#running.delete(folder);
    });
    this.#running.set(folder, run);
    return run;
  }
}
