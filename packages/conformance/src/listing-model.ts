import { type Bucket, compareKeys, type ListOptions, type ListPage } from '@stowage/core';
import { fail, quoted, written } from './expectations.ts';

export type ListingBounds = Pick<ListOptions, 'prefix' | 'startAfter' | 'until' | 'delimiter'>;

/**
 * What a listing must give of a set of keys: the contract as a plain function over all of them. An object is its key; a common
 * prefix is marked by an arrow in front, so that the two cannot be taken for each other.
 */
export function expectedEntries(keys: Iterable<string>, { prefix = '', startAfter, until, delimiter }: ListingBounds): string[] {
  const entries: string[] = [];
  for (const key of [...keys].sort(compareKeys)) {
    if (!key.startsWith(prefix)) continue;
    if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) continue;
    if (until !== undefined && compareKeys(key, until) >= 0) continue;
    const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    if (delimiter === undefined || end < 0) {
      entries.push(key);
      continue;
    }
    const common = key.slice(0, end + delimiter.length);
    // A common prefix is an entry of its own: it lies in the open interval, or it is not given.
    const inside = startAfter === undefined || compareKeys(common, startAfter) > 0;
    if (inside && entries.at(-1) !== prefixEntry(common)) entries.push(prefixEntry(common));
  }
  return entries;
}

function prefixEntry(prefix: string): string {
  return `→${prefix}`;
}

/** The entries of one page, objects and prefixes merged in order. */
export function entriesOf(page: ListPage): string[] {
  const named = [...page.objects.map(({ key }) => ({ name: key, entry: key })), ...page.prefixes.map((name) => ({ name, entry: prefixEntry(name) }))];
  return named.sort((a, b) => compareKeys(a.name, b.name)).map(({ entry }) => entry);
}

/**
 * All entries of a listing, read page by page, each page asked for by the cursor of the one before. Fails where a page breaks the
 * rules that hold of every page: its size, the order within it, its place behind the page before, no issues in a clean bucket.
 */
export async function pagedEntries(bucket: Bucket, o: ListOptions, again: () => Bucket = () => bucket): Promise<string[]> {
  const entries: string[] = [];
  let cursor: string | undefined;
  let behind: string | undefined;
  for (;;) {
    const page: ListPage = await again().listPage({ ...o, ...(cursor === undefined ? {} : { cursor }) });
    behind = expectLawfulPage(page, bucket, o, behind);
    entries.push(...entriesOf(page));
    if (page.cursor === undefined) return entries;
    if (page.cursor === cursor) fail(`listing ${written(o)}: the cursor ${quoted(cursor)} gave itself again: the listing would never end`);
    // A cursor must survive being written down.
    cursor = JSON.parse(JSON.stringify(page.cursor)) as string;
  }
}

/** All entries of a listing as one iteration gives them. */
export async function streamedEntries(bucket: Bucket, o: ListOptions): Promise<string[]> {
  const entries: string[] = [];
  let behind: string | undefined;
  for await (const page of bucket.listPages(o)) {
    behind = expectLawfulPage(page, bucket, o, behind);
    entries.push(...entriesOf(page));
  }
  return entries;
}

/** Returns the last name of the page, or `behind` where it is empty. */
function expectLawfulPage(page: ListPage, bucket: Bucket, o: ListOptions, behind: string | undefined): string | undefined {
  const { list } = bucket.capabilities;
  const what = `listing ${written(o)}`;
  if (page.issues.length > 0) fail(`${what}: expected no issues in a clean bucket; got ${JSON.stringify(page.issues)}`, page.issues, []);
  const size = page.objects.length + page.prefixes.length;
  const most = Math.min(o.limit ?? list.maxPage, list.maxPage);
  if (size > most) fail(`${what}: expected at most ${most} entries in a page; got ${size}`, size, most);
  if (list.order !== 'utf8') return behind;
  const keys = page.objects.map(({ key }) => key);
  for (const names of [keys, page.prefixes]) expectAscending(names, behind, what);
  return [behind, keys.at(-1), page.prefixes.at(-1)]
    .filter((name) => name !== undefined)
    .sort(compareKeys)
    .at(-1);
}

function expectAscending(names: readonly string[], behind: string | undefined, what: string): void {
  let last = behind;
  for (const name of names) {
    if (last !== undefined && compareKeys(last, name) >= 0) fail(`${what}: expected UTF-8 byte order; ${quoted(name)} came behind ${quoted(last)}`);
    last = name;
  }
}
