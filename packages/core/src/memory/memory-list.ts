import type { ListOptions, ListPage } from '../driver.ts';
import { afterPrefix, compareKeys } from '../keys.ts';
import type { ObjectInfo } from '../object-info.ts';
import { listedInfo, type MemoryObject, type MemoryObjects } from './memory-store.ts';

/** One page of a listing. The cursor is the last key or prefix given, as a listing must go on behind it whatever happens to the objects. */
export function memoryPage(store: MemoryObjects, o: ListOptions, maxPage: number): ListPage {
  const { prefix = '', until, delimiter } = o;
  const limit = Math.min(o.limit ?? maxPage, maxPage);
  const objects: ObjectInfo[] = [];
  const prefixes: string[] = [];
  const after = later(o.startAfter, o.cursor);
  let index = startIndex(store, prefix, after, o.cursor, delimiter);
  let last: string | undefined;
  for (;;) {
    const key = store.keyAt(index);
    if (key === undefined || !key.startsWith(prefix) || (until !== undefined && compareKeys(key, until) >= 0)) return { objects, prefixes, issues: [] };
    if (objects.length + prefixes.length === limit) return { objects, prefixes, issues: [], ...(last === undefined ? {} : { cursor: last }) };
    const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    if (delimiter !== undefined && end >= 0) {
      last = key.slice(0, end + delimiter.length);
      // A common prefix that is itself not behind `startAfter` would be one that the caller has seen.
      if (o.startAfter === undefined || compareKeys(last, o.startAfter) > 0) prefixes.push(last);
      index = indexAfterPrefix(store, last);
    } else {
      last = key;
      objects.push(listedInfo(store.get(key) as MemoryObject));
      index++;
    }
  }
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareKeys(a, b) > 0 ? a : b;
}

function startIndex(store: MemoryObjects, prefix: string, after: string | undefined, cursor: string | undefined, delimiter: string | undefined): number {
  if (after === undefined || compareKeys(after, prefix) < 0) return firstWith(store, prefix);
  // A cursor that is a common prefix stands for all keys under it.
  if (after === cursor && delimiter !== undefined && after.length > prefix.length && after.endsWith(delimiter)) return indexAfterPrefix(store, after);
  return store.indexBehind(after);
}

function firstWith(store: MemoryObjects, prefix: string): number {
  const behind = store.indexBehind(prefix);
  return behind > 0 && store.keyAt(behind - 1) === prefix ? behind - 1 : behind;
}

function indexAfterPrefix(store: MemoryObjects, prefix: string): number {
  const next = afterPrefix(prefix);
  return next === undefined ? Number.POSITIVE_INFINITY : firstWith(store, next);
}
