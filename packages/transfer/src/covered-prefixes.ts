import { compareKeys, type ListIssue } from '@stowage/core';

/**
 * Prefixes that an issue of a listing covers, while an ordered walk passes them. An issue at `dir/` covers every key that begins
 * so. One without the slash may stand for a folder as well as for a file: it covers the keys under `name/`, which come later in
 * the order, behind `name-` and `name.`.
 */
export class CoveredPrefixes {
  #open: { readonly prefix: string; readonly issue: ListIssue }[] = [];

  /** Issues must come in order, and not behind the keys that are asked for. */
  add(issue: ListIssue): void {
    this.#pass(issue.key);
    this.#open.push({ prefix: issue.key.endsWith('/') ? issue.key : `${issue.key}/`, issue });
  }

  /** The issue that covers the key. Keys must be asked for in order. */
  covering(key: string): ListIssue | undefined {
    if (this.#open.length === 0) return undefined;
    this.#pass(key);
    return this.#open.find(({ prefix }) => key.startsWith(prefix))?.issue;
  }

  /** Drops the prefixes that the order has passed: a tree may hold any number of issues. */
  #pass(key: string): void {
    if (this.#open.length > 0) this.#open = this.#open.filter(({ prefix }) => key.startsWith(prefix) || compareKeys(prefix, key) > 0);
  }
}
