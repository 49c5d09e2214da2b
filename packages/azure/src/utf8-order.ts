import { compareKeys, StorageError } from '@stowage/core';

/**
 * Puts entries that come in the service's order into UTF-8 byte order.
 *
 * Azure sorts by UTF-16 code units, which puts letters beyond the basic plane (pairs of surrogates, from U+D800) before U+E000 to
 * U+FFFF; UTF-8 puts them behind. So entries are held from the first one with such a letter on, as long as those follow that share what
 * stands before it and have a letter from U+D800 on there; that is one folder's worth of names at most that begin with an emoji.
 */
export class Utf8Order<E extends { readonly key: string }> {
  #held: E[] = [];
  #shared = '';
  #last: string | undefined;

  /** The entries that are known to come next. Throws where the service's order is no order of names at all. */
  next(entries: readonly E[]): readonly E[] {
    if (this.#held.length === 0 && !entries.some(({ key }) => SURROGATE.test(key))) return this.#checked(entries);
    const out: E[] = [];
    for (const entry of entries) {
      if (this.#held.length > 0 && !this.#belongs(entry.key)) out.push(...this.#released());
      if (this.#held.length > 0) {
        this.#held.push(entry);
        continue;
      }
      const at = entry.key.search(SURROGATE);
      if (at < 0) {
        out.push(entry);
        continue;
      }
      this.#shared = entry.key.slice(0, at);
      this.#held = [entry];
    }
    return this.#checked(out);
  }

  /** Whether entries are held back: a listing cannot go on from a mark of the service then. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** What was held, at the end of the listing. */
  end(): readonly E[] {
    return this.#checked(this.#released());
  }

  #belongs(key: string): boolean {
    return key.startsWith(this.#shared) && key.charCodeAt(this.#shared.length) >= 0xd800;
  }

  #released(): E[] {
    const held = this.#held.sort((a, b) => compareKeys(a.key, b.key));
    this.#held = [];
    return held;
  }

  #checked(entries: readonly E[]): readonly E[] {
    for (const { key } of entries) {
      if (this.#last !== undefined && compareKeys(this.#last, key) >= 0)
        throw new StorageError(
          'Unsupported',
          `the listing gives ${JSON.stringify(key)} behind ${JSON.stringify(this.#last)}: an account with a hierarchical namespace (Data Lake Storage) lists folder by folder, and its listings cannot be compared with those of other stores`,
          { key },
        );
      this.#last = key;
    }
    return entries;
  }
}

const SURROGATE = /[\ud800-\udfff]/;

/** A name from which the service's order has everything that UTF-8 order has behind `key`; the empty one for the beginning. */
export function serviceStart(key: string): string {
  const at = key.search(/[\ue000-\uffff]/);
  return at < 0 ? key : key.slice(0, at);
}
