import { type Capabilities, compareKeys } from '@stowage/core';
import type { CaseContext } from './case-context.ts';
import { expectNames, written } from './expectations.ts';
import { expectedEntries, type ListingBounds, pagedEntries, streamedEntries } from './listing-model.ts';

/** Names around a delimiter: what sorts before `/`, at it, and behind it. */
export const AROUND_SLASH: readonly string[] = [
  't-/a',
  't-/b',
  't.txt',
  't/a',
  't/b/c',
  't/b/d',
  't/c',
  't0',
  't0/x',
  'foo/x',
  'foo/y',
  'foo.bar/x',
  'foo-bar',
  'foo0',
  'u/',
  'u/v',
  'z',
];

/** U+E000 and above sort before the emoji in UTF-8, and behind it in UTF-16. */
export const AROUND_SURROGATES: readonly string[] = [
  'p',
  'p\u{d7ff}',
  'p\u{e000}',
  'p\u{ff5e}',
  'p\u{fffd}',
  'p\u{10000}',
  'p\u{1f600}',
  'p\u{1f600}/a',
  'p\u{e000}/a',
  'q',
];

/** Of these keys, those that the bucket holds one beside the other. */
function storable({ bucket, capabilities: { keys } }: CaseContext, wanted: readonly string[]): string[] {
  const held = wanted.filter((key) => bucket.checkKey(key) === undefined);
  if (keys.nested) return held;
  return held.filter((key) => !held.some((other) => other !== key && other.startsWith(key.endsWith('/') ? key : `${key}/`)));
}

/** Those of the keys that the bucket holds are put there, and given. */
export async function seedStorable(c: CaseContext, wanted: readonly string[]): Promise<string[]> {
  const keys = storable(c, wanted);
  await c.seedAll(keys);
  return keys;
}

/** Where the store promises no order, none is compared. */
export function inOrder(capabilities: Capabilities, entries: readonly string[]): readonly string[] {
  return capabilities.list.order === 'utf8' ? entries : [...entries].sort(compareKeys);
}

/** The listing gives what the model says: in one iteration, and page by page with the limits. */
export async function expectListing(c: CaseContext, keys: readonly string[], bounds: ListingBounds, limits: readonly number[]): Promise<void> {
  const { capabilities } = c;
  const expected = inOrder(capabilities, expectedEntries(keys, bounds));
  const what = `listing ${written(bounds)}`;
  expectNames(inOrder(capabilities, await streamedEntries(c.bucket, bounds)), expected, what);
  for (const limit of limits) expectNames(inOrder(capabilities, await pagedEntries(c.bucket, { ...bounds, limit })), expected, `${what}, ${limit} a page`);
}

/** Page sizes. */
export const ONE_TO_TEN: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
