import { execFile } from 'node:child_process';

/**
 * Makes everything that was written under a folder's file system durable at once, by `sync -f` (coreutils, syncfs(2)): for many
 * small files that is several times faster than a wait for each. Calls that come while one is under way share the next.
 */
export class GroupSync {
  readonly #folder: string | undefined;
  #running: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;
  #works: boolean;

  /** Without a folder, where the file system is not the system's own, it never works. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
    this.#works = folder !== undefined;
  }

  /** Resolves when what was written before the call is on the disk; false where this system cannot: each file must be synced then. */
  async done(): Promise<boolean> {
    if (!this.#works) return false;
    if (this.#running === undefined) return await this.#start();
    return await (this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    }));
  }

  #start(): Promise<boolean> {
    const run = new Promise<boolean>((resolve) => {
      execFile('sync', ['-f', '--', this.#folder ?? '/'], (error) => resolve(error === null));
    }).then((worked) => {
      this.#works = worked;
      if (this.#running === run) this.#running = undefined;
      return worked;
    });
    this.#running = run;
    return run;
  }
}
