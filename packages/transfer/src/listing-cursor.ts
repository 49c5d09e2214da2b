import { type Bucket, compareKeys, type ListIssue, type ListOptions, type ListPage, type ObjectInfo, StorageError } from '@stowage/core';
import { asStorageError } from './copy-failure.ts';
import type { Side } from './side.ts';

/** A listing that cannot be relied on any further. */
export class ListingFailure extends Error {
  override readonly name = 'ListingFailure';
  readonly side: Side;
  readonly error: StorageError;
  /** Whether all that is wrong is its order: sorted, it could be relied on for copies. */
  readonly outOfOrder: boolean;

  constructor(side: Side, error: StorageError, outOfOrder = false) {
    super(`the listing of the ${side} failed: ${error.message}`, { cause: error });
    this.side = side;
    this.error = error;
    this.outOfOrder = outOfOrder;
  }
}

/** What a listing gives at a key: an object, or something in its place. */
export interface ListedEntry {
  readonly key: string | undefined;
  readonly object: ObjectInfo | undefined;
  readonly issue: ListIssue | undefined;
}

/**
 * Reads an ordered listing entry by entry. Inside a page it moves without a promise; between pages it awaits one that it has
 * asked for in advance. That keys rise strictly, and that they lie in the interval that was asked for, is checked at every step:
 * a merge of listings out of order would delete data. Only an issue may lie before the interval: that of a folder which reaches into it.
 */
export class ListingCursor implements ListedEntry {
  /** Key of the current entry; undefined between pages and at the end. */
  key: string | undefined;
  /** The current entry, where it is an object. */
  object: ObjectInfo | undefined;
  /** The current entry, where it is something that the listing met in an object's place. */
  issue: ListIssue | undefined;
  /** Whether the listing has come to its end. */
  ended = false;
  /** Pages that have been read. */
  pages = 0;

  readonly side: Side;
  readonly #pages: AsyncIterator<ListPage>;
  #coming: Promise<IteratorResult<ListPage>> | undefined;
  #objects: readonly ObjectInfo[] = [];
  #objectAt = 0;
  #issues: readonly ListIssue[] = [];
  #issueAt = 0;
  #last: string | undefined;
  /** Where the interval begins; undefined once an entry has been behind it. */
  #startAfter: string | undefined;
  /** Where the interval was to end when the listing was begun. */
  readonly #asked: string | undefined;
  /** Where it ends. */
  #until: string | undefined;
  /** Whether the page reaches to the end of the interval. */
  #reachesEnd = false;
  #closing: Promise<unknown> | undefined;

  /** @param sorting how the pages are brought into order, where the store gives them in none */
  constructor(side: Side, bucket: Bucket, options: ListOptions = {}, sorting: (pages: AsyncIterable<ListPage>) => AsyncIterable<ListPage> = (pages) => pages) {
    this.side = side;
    this.#startAfter = options.startAfter;
    this.#asked = this.#until = options.until;
    // Pages are as large as the store gives them by itself.
    this.#pages = sorting(bucket.listPages(options))[Symbol.asyncIterator]();
  }

  /** Ends before that key from now on, which is none that has been passed; nothing is asked of the store. */
  endAt(until: string): void {
    this.#until = until;
    this.#reachesEnd = this.#reaches();
    if (this.key !== undefined && compareKeys(this.key, until) >= 0) this.#end();
  }

  /** Goes to the next entry of the page; false where the page has no more. Throws {@link ListingFailure} where the order is broken. */
  advance(): boolean {
    const object = this.#objects[this.#objectAt];
    const issue = this.#issues[this.#issueAt];
    if (issue !== undefined && (object === undefined || compareKeys(issue.key, object.key) < 0)) {
      this.#issueAt++;
      return this.#enter(issue.key, undefined, issue);
    }
    if (object !== undefined) {
      this.#objectAt++;
      return this.#enter(object.key, object, undefined);
    }
    this.key = undefined;
    return false;
  }

  #enter(key: string, object: ObjectInfo | undefined, issue: ListIssue | undefined): boolean {
    if (this.#last !== undefined) {
      const order = compareKeys(this.#last, key);
      // Names that are no UTF-8 are shown alike: an issue may have another's key, or an object's.
      if (order > 0 || (order === 0 && this.object !== undefined && object !== undefined)) throw this.#broken(orderFault(this.#last, key), key);
    }
    if (this.#startAfter !== undefined) {
      const behind = compareKeys(key, this.#startAfter) > 0;
      if (!behind && object !== undefined)
        throw this.#broken(`${JSON.stringify(key)} is not behind ${JSON.stringify(this.#startAfter)}, where it was to begin`, key);
      if (behind) this.#startAfter = undefined;
    }
    if (this.#reachesEnd && this.#until !== undefined && compareKeys(key, this.#until) >= 0) {
      if (this.#asked !== undefined && compareKeys(key, this.#asked) >= 0)
        throw this.#broken(`${JSON.stringify(key)} is not before ${JSON.stringify(this.#asked)}, where it was to end`, key);
      this.#end();
      return false;
    }
    this.#last = key;
    this.key = key;
    this.object = object;
    this.issue = issue;
    return true;
  }

  #broken(what: string, key: string): ListingFailure {
    this.key = undefined;
    return new ListingFailure(
      this.side,
      new StorageError('Unknown', `the listing is not in UTF-8 byte order: ${what}; run again, and it is sorted first`, { operation: 'list', key }),
      true,
    );
  }

  /** Whether the page has something at the end of the interval or behind it. */
  #reaches(): boolean {
    const until = this.#until;
    return until !== undefined && [this.#objects.at(-1)?.key, this.#issues.at(-1)?.key].some((key) => key !== undefined && compareKeys(key, until) >= 0);
  }

  /** Goes to the first entry of the next page that has one, or to the end. */
  async nextPage(): Promise<void> {
    do {
      const next = await this.#fetch();
      if (this.ended) return;
      if (next.done === true) {
        this.#end();
        return;
      }
      this.pages++;
      this.#objects = next.value.objects;
      this.#objectAt = 0;
      this.#issues = next.value.issues;
      this.#issueAt = 0;
      this.#reachesEnd = this.#reaches();
      this.#coming = this.#reachesEnd ? undefined : this.#pages.next();
      // It is awaited by the next call; a rejection before that must not end the process.
      this.#coming?.catch(() => undefined);
    } while (!this.advance() && !this.ended);
  }

  async #fetch(): Promise<IteratorResult<ListPage>> {
    try {
      return await (this.#coming ?? this.#pages.next());
    } catch (error) {
      throw new ListingFailure(this.side, asStorageError(error));
    }
  }

  #end(): void {
    this.ended = true;
    this.key = undefined;
    this.#objects = [];
    this.#issues = [];
    this.#closing ??= this.#pages.return?.();
    // It is awaited by `close`.
    this.#closing?.catch(() => undefined);
  }

  /** Frees what the listing holds. */
  async close(): Promise<void> {
    this.#end();
    await this.#closing;
  }
}

function orderFault(last: string, key: string): string {
  return last === key ? `${JSON.stringify(key)} came twice` : `${JSON.stringify(key)} came behind ${JSON.stringify(last)}`;
}
