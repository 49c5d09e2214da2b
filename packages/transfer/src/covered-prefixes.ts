import { compareKeys, type ListIssue } from '@stowage/core';

/**
 * Prefixes that an issue of a listing covers, while an ordered walk passes them. An issue at `dir/` covers every key that begins
 * so. One without the slash may stand for a folder as well as for a file: it covers the keys under `name/`, which come later in
 * the order, behind `name-` and `name.`. One at the empty key is about the place itself, and covers all.
 */
export class CoveredPrefixes {
  #open: { readonly prefix: string; readonly issue: ListIssue }[] = [];

  /** Issues must come in order, and not behind the keys that are asked for. */
  add(issue: ListIssue): void {
    this.#pass(issue.key);
    this.#open.push({ prefix: prefixOf(issue), issue });
  }

  /** The issue that covers the key. Keys must be asked for in order. */
  covering(key: string): ListIssue | undefined {
    if (this.#open.length === 0) return undefined;
    this.#pass(key);
    return this.#open.find(({ prefix }) => key.startsWith(prefix))?.issue;
  }

  /** Whether all that the issue covers is covered already. */
  covers(issue: ListIssue): boolean {
    return this.#open.some(({ prefix }) => prefixOf(issue).startsWith(prefix));
  }

  /** The same, for a walk that goes on from here by itself. */
  clone(): CoveredPrefixes {
    const clone = new CoveredPrefixes();
    clone.#open = [...this.#open];
    return clone;
  }

  /** Drops the prefixes that the order has passed: a tree may hold any number of issues. */
  #pass(key: string): void {
    if (this.#open.length > 0) this.#open = this.#open.filter(({ prefix }) => key.startsWith(prefix) || compareKeys(prefix, key) > 0);
  }
}

function prefixOf({ key }: ListIssue): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`;
}
