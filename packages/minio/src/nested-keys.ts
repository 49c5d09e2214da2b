import { type Call, compareKeys, isStorageError, quoted, StorageError } from '@stowage/core';
import { untilAborted } from '@stowage/wire';
import { asOperation } from './minio-error.ts';
import type { ObjectCalls } from './object-calls.ts';

/** How long a look is trusted: what others write in that time beside this program is not seen. */
const TRUSTED_MS = 30_000;
/** Folders that are remembered. */
const MOST_FOLDERS = 10_000;
const PAGE = 1000;
/** A page that answered for so many keys was worth its cost: the next one may be asked for. */
const WORTHWHILE = 50;

/** A stretch of a folder's listing, grouped by "/": which folders lie in it. */
interface Stretch {
  readonly folder: string;
  /** Both ends in UTF-8 byte order; `after` is exclusive, absent where the folder begins, `until` inclusive, absent where it ends. */
  readonly after: string | undefined;
  until: string | undefined;
  /** Names that have keys under them, without the slash. */
  readonly parents: Set<string>;
  readonly at: number;
  /** Keys that it answered for. */
  served: number;
}

/**
 * Refuses keys that MinIO would hide. Measured (February 2026): it takes `a/b` beside `a`, in either order, by put, completion and
 * copy, conditional or not; both can be read, and `a/b` is left out of every listing until `a` is deleted, so that no backup, mirror
 * or clean-up ever sees it. (`a/` beside `a` or `a/b` is listed.)
 *
 * A write asks whether an object lies at one of its folders' names (HEAD), and whether keys lie under its own (a page of the folder's
 * listing). Answers are remembered: many writes into one folder cost a few requests, not some each. Where these credentials may not
 * look, the write goes ahead.
 */
export class NestedKeys {
  readonly #calls: () => ObjectCalls;
  readonly #bucket: string;
  /** Names at which no object lay, and when that was seen. */
  readonly #free = new Map<string, number>();
  readonly #stretches = new Map<string, Stretch>();
  /** Listings on their way, which must not forget what is written meanwhile. */
  readonly #listing = new Map<string, { readonly stretch: Stretch; readonly done: Promise<void> }>();
  readonly #heading = new Map<string, Promise<void>>();
  /** Keys that are being written, and the names above them, each with the number of writes. */
  readonly #writing = new Map<string, number>();
  readonly #above = new Map<string, number>();

  constructor(bucket: string, calls: () => ObjectCalls) {
    this.#bucket = bucket;
    this.#calls = calls;
  }

  /**
   * Takes the key for a write; call what comes back when the write has ended. Throws `KeyConflict` where an object lies above the key
   * or under it, or is being written there by this driver.
   */
  async claim(key: string, operation: string, o: Call): Promise<() => void> {
    const folders = foldersOf(key);
    for (const folder of folders) if (this.#writing.has(folder)) throw this.#conflict(key, folder, operation);
    const marker = key.endsWith('/');
    if (!marker && this.#above.has(key)) throw this.#conflict(key, `${key}/…`, operation);
    const release = this.#take(key, folders);
    try {
      const unseen = folders.filter((folder) => !isFresh(this.#free.get(folder)));
      if (unseen.length > 0 || (!marker && this.#under(key) !== 'none'))
        await this.#allowed(key, operation, o, [
          ...unseen.map((folder) => this.#noObjectAt(key, folder, operation)),
          ...(marker ? [] : [this.#noneUnder(key, operation)]),
        ]);
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  #take(key: string, folders: readonly string[]): () => void {
    count(this.#writing, key, 1);
    this.#free.delete(key);
    for (const folder of folders) {
      count(this.#above, folder, 1);
      const parent = parentOf(folder);
      this.#stretches.get(parent)?.parents.add(folder);
      this.#listing.get(parent)?.stretch.parents.add(folder);
    }
    let taken = true;
    return (): void => {
      if (!taken) return;
      taken = false;
      count(this.#writing, key, -1);
      for (const folder of folders) count(this.#above, folder, -1);
    };
  }

  /** Waits for the looks. What cannot be found out for good is the write's own to fail by. */
  async #allowed(key: string, operation: string, { signal }: Call, looks: readonly Promise<void>[]): Promise<void> {
    const all = Promise.allSettled(looks);
    const outcomes = await untilAborted(all, signal);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      const error: unknown = outcome.reason;
      if (isStorageError(error, 'KeyConflict')) throw error;
      if (!isStorageError(error)) throw error;
      if (error.retryable) throw asOperation(error, operation, key);
    }
  }

  async #noObjectAt(key: string, folder: string, operation: string): Promise<void> {
    let look = this.#heading.get(folder);
    if (look === undefined) {
      look = this.#head(folder).finally(() => this.#heading.delete(folder));
      this.#heading.set(folder, look);
    }
    await look;
    if (!this.#free.has(folder)) throw this.#conflict(key, folder, operation);
  }

  async #head(folder: string): Promise<void> {
    const at = Date.now();
    try {
      await this.#calls().head(folder, {});
      this.#free.delete(folder);
    } catch (error) {
      if (!isStorageError(error) || error.retryable) throw error;
      remember(this.#free, folder, at);
    }
  }

  /** What is known of keys under this one. */
  #under(key: string): 'none' | 'some' | undefined {
    const stretch = this.#stretches.get(parentOf(key));
    if (stretch === undefined || !isFresh(stretch.at) || !covers(stretch, key)) return undefined;
    stretch.served++;
    return stretch.parents.has(key) ? 'some' : 'none';
  }

  async #noneUnder(key: string, operation: string): Promise<void> {
    const folder = parentOf(key);
    for (let listing = this.#listing.get(folder); listing !== undefined; listing = this.#listing.get(folder)) await listing.done;
    if (this.#under(key) === undefined) {
      const before = this.#stretches.get(folder);
      // The folder from its beginning, which is all of it where it is small; then from the key on, as long as that pays.
      if (before === undefined || !isFresh(before.at)) await this.#list(folder, undefined);
      else if (before.after === undefined || before.served >= WORTHWHILE) await this.#list(folder, key);
    }
    if (this.#under(key) === 'none') return;
    const { objects } = await this.#calls().list({ prefix: `${key}/`, limit: 2 });
    const below = objects.find((object) => object.key !== `${key}/`);
    if (below !== undefined) throw this.#conflict(key, below.key, operation);
  }

  #list(folder: string, after: string | undefined): Promise<void> {
    const stretch: Stretch = { folder, after, until: undefined, parents: new Set(), at: Date.now(), served: 0 };
    const done = (async (): Promise<void> => {
      const page = await this.#calls().list({ prefix: folder, delimiter: '/', limit: PAGE, startAfter: after });
      for (const prefix of page.prefixes) stretch.parents.add(prefix.slice(0, -1));
      if (page.token !== undefined) {
        const [object, prefix] = [page.objects.at(-1)?.key, page.prefixes.at(-1)];
        stretch.until = object === undefined || (prefix !== undefined && compareKeys(prefix, object) > 0) ? prefix : object;
      }
      remember(this.#stretches, folder, stretch);
    })().finally(() => this.#listing.delete(folder));
    this.#listing.set(folder, { stretch, done });
    return done;
  }

  #conflict(key: string, held: string, operation: string): StorageError {
    return new StorageError(
      'KeyConflict',
      `${quoted(key)} cannot lie beside ${quoted(held)}: MinIO would keep both, and leave the longer key out of every listing; choose another key, or delete the one that is there`,
      { operation, provider: 'minio', bucket: this.#bucket, key },
    );
  }
}

/** The names above a key: `x` and `x/y` of `x/y/z` and of `x/y/z/`. */
function foldersOf(key: string): string[] {
  const out: string[] = [];
  for (let at = key.indexOf('/', 1); at > 0 && at < key.length - 1; at = key.indexOf('/', at + 1)) out.push(key.slice(0, at));
  return out;
}

/** The folder in which a name lies, with its slash. */
function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1);
}

/** Whether the stretch would show the folder of that name. */
function covers({ after, until }: Stretch, name: string): boolean {
  const shown = `${name}/`;
  return (after === undefined || compareKeys(after, shown) < 0) && (until === undefined || compareKeys(shown, until) <= 0);
}

function isFresh(at: number | undefined): boolean {
  return at !== undefined && Date.now() - at < TRUSTED_MS;
}

function count(map: Map<string, number>, name: string, by: 1 | -1): void {
  const sum = (map.get(name) ?? 0) + by;
  if (sum === 0) map.delete(name);
  else map.set(name, sum);
}

/** Keeps the newest, and no more than so many. */
function remember<V>(map: Map<string, V>, name: string, value: V): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MOST_FOLDERS) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
