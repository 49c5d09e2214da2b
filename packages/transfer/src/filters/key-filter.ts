import type { ListIssue, ObjectInfo } from '@stowage/core';
import type { FilterRule } from './filter-file.ts';
import { compileGlob, takesFolders } from './glob.ts';

/** Which part of both trees a mirror is about. */
export interface FilterOptions {
  /** The first that matches decides. Default: none. */
  readonly rules?: readonly FilterRule[];
  /** What becomes of keys that no rule matches. Default `include`. */
  readonly rest?: 'include' | 'exclude';
  /** Only these keys. Default: all. */
  readonly keys?: Iterable<string>;
  /** Only source objects of at least, and at most, so many bytes. */
  readonly minSize?: number;
  readonly maxSize?: number;
  /** Only source objects written at or before, and at or after. */
  readonly until?: Date;
  readonly since?: Date;
}

interface CompiledRule {
  readonly include: boolean;
  readonly matches: RegExp;
  readonly wholeFolders: boolean;
}

/**
 * What a mirror leaves alone. A key that is left out by its name is so on both sides: it is neither copied nor deleted. Size and age
 * are the source object's; one that is passed over for these is still there, so that its copy is no extra.
 */
export class KeyFilter {
  readonly #rules: readonly CompiledRule[];
  readonly #restIncluded: boolean;
  readonly #keys: Set<string> | undefined;
  readonly #missing: Set<string> | undefined;
  readonly #o: FilterOptions;

  /** Throws `InvalidArgument` for what is no pattern. */
  constructor(o: FilterOptions) {
    this.#o = o;
    this.#rules = (o.rules ?? []).map(({ include, pattern }) => ({ include, matches: compileGlob(pattern), wholeFolders: takesFolders(pattern) }));
    this.#restIncluded = o.rest !== 'exclude';
    this.#keys = o.keys === undefined ? undefined : new Set(o.keys);
    this.#missing = this.#keys === undefined ? undefined : new Set(this.#keys);
  }

  /** Whether the key is left out by its name. */
  excludes(key: string): boolean {
    if (this.#keys !== undefined) {
      if (!this.#keys.has(key)) return true;
      this.#missing?.delete(key);
    }
    const rule = this.#rules.find(({ matches }) => matches.test(key));
    return !(rule?.include ?? this.#restIncluded);
  }

  /** Whether all that the issue may stand for is left out: then it is nobody's concern. */
  excludesIssue({ key }: ListIssue): boolean {
    if (!key.endsWith('/')) {
      // It may be a file as well as a folder.
      return this.excludes(key) && this.excludesIssue({ key: `${key}/`, kind: 'unreadable', message: '' });
    }
    if (this.#keys !== undefined) return ![...this.#keys].some((wanted) => wanted.startsWith(key));
    for (const { include, matches, wholeFolders } of this.#rules) {
      // Whether an include reaches into it cannot be told from the pattern.
      if (include) return false;
      if (wholeFolders && matches.test(`${key}x`)) return true;
    }
    return !this.#restIncluded && this.#rules.length === 0;
  }

  /** Whether the object is passed over for its size or age. */
  passesOver({ size, lastModified }: ObjectInfo): boolean {
    const { minSize = 0, maxSize = Number.POSITIVE_INFINITY, since, until } = this.#o;
    return size < minSize || size > maxSize || (since !== undefined && lastModified < since) || (until !== undefined && lastModified > until);
  }

  /** Keys that were asked for by name and have not been met. */
  get missing(): readonly string[] {
    return this.#missing === undefined ? [] : [...this.#missing];
  }
}
