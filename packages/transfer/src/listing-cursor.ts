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

/**
 * Reads an ordered listing entry by entry. Inside a page it moves without a promise; between pages it awaits one that it has
 * asked for in advance. That keys rise strictly is checked at every step: a merge of listings out of order would delete data.
 */
export class ListingCursor {
  /** Key of the current entry; undefined between pages and at the end. */
  key: string | undefined;
  /** The current entry, where it is an object. */
  object: ObjectInfo | undefined;
  /** The current entry, where it is something that the listing met in an object's place. */
  issue: ListIssue | undefined;
  /** Whether the listing has come to its end. */
  ended = false;

  readonly side: Side;
  readonly #pages: AsyncIterator<ListPage>;
  #coming: Promise<IteratorResult<ListPage>> | undefined;
  #objects: readonly ObjectInfo[] = [];
  #objectAt = 0;
  #issues: readonly ListIssue[] = [];
  #issueAt = 0;
  #last: string | undefined;

  /** @param sorting how the pages are brought into order, where the store gives them in none */
  constructor(side: Side, bucket: Bucket, options: ListOptions = {}, sorting: (pages: AsyncIterable<ListPage>) => AsyncIterable<ListPage> = (pages) => pages) {
    this.side = side;
    // Pages are as large as the store gives them by itself.
    this.#pages = sorting(bucket.listPages(options))[Symbol.asyncIterator]();
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

  #enter(key: string, object: ObjectInfo | undefined, issue: ListIssue | undefined): true {
    if (this.#last !== undefined) {
      const order = compareKeys(this.#last, key);
      // Names that are no UTF-8 are shown alike: an issue may have another's key, or an object's.
      if (order > 0 || (order === 0 && this.object !== undefined && object !== undefined)) {
        this.key = undefined;
        throw new ListingFailure(this.side, orderFault(this.#last, key), true);
      }
    }
    this.#last = key;
    this.key = key;
    this.object = object;
    this.issue = issue;
    return true;
  }

  /** Goes to the first entry of the next page that has one, or to the end. */
  async nextPage(): Promise<void> {
    do {
      const next = await this.#fetch();
      if (next.done === true) {
        this.ended = true;
        this.#objects = [];
        this.#issues = [];
        return;
      }
      this.#objects = next.value.objects;
      this.#objectAt = 0;
      this.#issues = next.value.issues;
      this.#issueAt = 0;
      this.#coming = this.#pages.next();
      // It is awaited by the next call; a rejection before that must not end the process.
      this.#coming.catch(() => undefined);
    } while (!this.advance());
  }

  async #fetch(): Promise<IteratorResult<ListPage>> {
    try {
      return await (this.#coming ?? this.#pages.next());
    } catch (error) {
      throw new ListingFailure(this.side, asStorageError(error));
    }
  }

  /** Frees what the listing holds. */
  async close(): Promise<void> {
    this.ended = true;
    this.key = undefined;
    await this.#pages.return?.();
  }
}

function orderFault(last: string, key: string): StorageError {
  const what = last === key ? `${JSON.stringify(key)} came twice` : `${JSON.stringify(key)} came behind ${JSON.stringify(last)}`;
  return new StorageError('Unknown', `the listing is not in UTF-8 byte order: ${what}; run again, and it is sorted first`, { operation: 'list', key });
}
