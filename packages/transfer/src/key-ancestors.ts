import { type Bucket, compareKeys, type ListIssue, type ListOptions, type ObjectInfo } from '@stowage/core';
import { asStorageError } from './copy-failure.ts';
import { type ListedEntry, ListingFailure } from './listing-cursor.ts';
import type { Side } from './side.ts';

/** What either side has at a key that may cover keys behind a boundary. */
export interface Ancestor {
  readonly source: ListedEntry | undefined;
  readonly destination: ListedEntry | undefined;
}

const SLASH = 0x2f;

/**
 * The keys at or before the boundary, and behind `after`, that can cover keys behind the boundary. An issue or an object at `q`
 * concerns `q/…`, which lies behind `q-` and `q.`; an issue at `dir/` concerns all that begins so. So these are beginnings of the
 * boundary: those that go on with a character up to the slash, those that end in one, and the boundary itself.
 */
export function ancestorsOf(boundary: string, after: string): string[] {
  const found: string[] = [];
  for (let length = 1; length <= boundary.length; length++) {
    const covers = length === boundary.length || boundary.charCodeAt(length) <= SLASH || boundary.charCodeAt(length - 1) === SLASH;
    const key = boundary.slice(0, length);
    if (covers && compareKeys(key, after) > 0) found.push(key);
  }
  return found;
}

/** What the two sides have at these keys, in order. Throws `ListingFailure`. */
export async function readAncestors(source: Bucket, destination: Bucket, keys: readonly string[], signal: AbortSignal): Promise<Ancestor[]> {
  const read = await Promise.all(
    keys.map(async (key) => {
      const [s, d] = await Promise.all([entriesAt('source', source, key, signal), entriesAt('destination', destination, key, signal)]);
      // An object and the issue of a name that is shown like it have one key: paired as the merge pairs them.
      return Array.from({ length: Math.max(s.length, d.length) }, (_, i) => ({ source: s[i], destination: d[i] }));
    }),
  );
  return read.flat();
}

async function entriesAt(side: Side, bucket: Bucket, key: string, signal: AbortSignal): Promise<ListedEntry[]> {
  const objects: ObjectInfo[] = [];
  const issues: ListIssue[] = [];
  try {
    for await (const page of bucket.listPages({ ...intervalOf(key), limit: 2, signal })) {
      objects.push(...page.objects.filter((object) => object.key === key));
      issues.push(...page.issues.filter((issue) => issue.key === key));
    }
  } catch (error) {
    throw new ListingFailure(side, asStorageError(error));
  }
  return [...objects.map((object) => ({ key, object, issue: undefined })), ...issues.map((issue) => ({ key, object: undefined, issue }))];
}

/** Of a folder's key the listing is one of the folder above it: a folder with a name that is no key is told there alone. */
function intervalOf(key: string): ListOptions {
  if (!key.endsWith('/') || key === '/') return { prefix: key, until: `${key}\u0001` };
  const name = key.slice(0, -1);
  return { prefix: name, startAfter: `${name}.\u{10FFFF}`, until: `${key}\u0001` };
}
