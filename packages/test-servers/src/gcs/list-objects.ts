import { invalid } from './api-error.ts';
import { resourceOf } from './object-resource.ts';
import { type HeldObject, type ObjectStore, position } from './object-store.ts';

/** Most items and prefixes of one page, together: https://cloud.google.com/storage/docs/json_api/v1/objects/list */
const MAX_PAGE = 1000;

export function listObjects(store: ObjectStore, bucketName: string, query: URLSearchParams): unknown {
  const { names, live, noncurrent } = store.bucket(bucketName);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const endOffset = query.get('endOffset');
  const startOffset = query.get('startOffset') ?? '';
  const asked = query.get('maxResults');
  if (asked !== null && !/^\d+$/.test(asked)) throw invalid(`Invalid value for: maxResults`);
  const limit = Math.min(asked === null ? MAX_PAGE : Number(asked), MAX_PAGE);
  const versions = query.get('versions') === 'true';
  const wanted = versions ? sorted(new Set([...names, ...noncurrent.keys()])) : names;
  const behind = query.get('pageToken');
  const items: unknown[] = [];
  const prefixes: string[] = [];
  let last = '';
  let index = Math.max(position(wanted, prefix), position(wanted, startOffset));
  if (behind !== null) {
    last = Buffer.from(behind, 'base64url').toString();
    index = Math.max(index, position(wanted, last));
  }
  for (; index < wanted.length; index++) {
    const name = wanted[index] as string;
    if (!name.startsWith(prefix) || (endOffset !== null && Buffer.compare(Buffer.from(name), Buffer.from(endOffset)) >= 0)) break;
    const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    const entry = at < 0 ? name : name.slice(0, at + delimiter.length);
    if (behind !== null && (name === last || (at >= 0 && entry === last))) continue;
    if (at >= 0 && prefixes.at(-1) === entry) continue;
    if (items.length + prefixes.length >= limit)
      return { kind: 'storage#objects', nextPageToken: Buffer.from(lastEntry(items, prefixes)).toString('base64url'), ...page(items, prefixes) };
    if (at >= 0) prefixes.push(entry);
    else items.push(...versionsOf(name, live, versions ? noncurrent : new Map<string, HeldObject[]>()).map(resourceOf));
  }
  return { kind: 'storage#objects', ...page(items, prefixes) };
}

/** Empty lists are left out, as Google does. */
function page(items: readonly unknown[], prefixes: readonly string[]): object {
  return { ...(items.length === 0 ? {} : { items }), ...(prefixes.length === 0 ? {} : { prefixes }) };
}

function versionsOf(name: string, live: ReadonlyMap<string, HeldObject>, noncurrent: ReadonlyMap<string, HeldObject[]>): HeldObject[] {
  const current = live.get(name);
  return [...(noncurrent.get(name) ?? []), ...(current === undefined ? [] : [current])];
}

function lastEntry(items: readonly unknown[], prefixes: readonly string[]): string {
  const item = (items.at(-1) as { name: string } | undefined)?.name ?? '';
  const prefix = prefixes.at(-1) ?? '';
  return Buffer.compare(Buffer.from(item), Buffer.from(prefix)) > 0 ? item : prefix;
}

function sorted(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
