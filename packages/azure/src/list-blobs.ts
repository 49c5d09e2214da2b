import { type Call, compareKeys, type ListOptions, type ListPage, type ObjectInfo, StorageError, type UploadRef } from '@stowage/core';
import { headerOf } from '@stowage/wire';
import { notBlobStorage } from './azure-error.ts';
import { ABORTED, refOfBlocks } from './block-id.ts';
import { heldBlocks } from './block-list.ts';
import { MAX_PAGE, STARTS_FROM } from './blob-limits.ts';
import { pick } from './pick.ts';
import { serviceStart, Utf8Order } from './utf8-order.ts';
import type { StoreConnection } from './wire/store-connection.ts';
import { type ListedEntry, type ListedPage, ListingFault, scanListing } from './xml/listing.ts';

/** A cursor is the service's own mark, or the key behind which to go on. */
const MARK = 'm';
const KEY = 'k';

interface PageRequest extends Call {
  readonly prefix: string;
  readonly delimiter?: string | undefined;
  readonly limit: number;
  readonly startFrom?: string | undefined;
  readonly marker?: string | undefined;
  readonly uncommitted?: boolean;
}

/** Pages of the listing in the open interval from `startAfter` to `until`, in UTF-8 byte order. */
export async function* listPages(store: StoreConnection, o: ListOptions): AsyncIterable<ListPage> {
  const prefix = o.prefix ?? '';
  const limit = Math.min(o.limit ?? MAX_PAGE, MAX_PAGE);
  const { cursor } = o;
  if (cursor !== undefined && !cursor.startsWith(MARK) && !cursor.startsWith(KEY))
    throw new StorageError('InvalidArgument', `expected "cursor" to be one that a page of this container gave; got ${JSON.stringify(cursor.slice(0, 40))}`);
  const after = cursor?.startsWith(KEY) === true ? cursor.slice(1) : o.startAfter;
  let marker = cursor?.startsWith(MARK) === true ? cursor.slice(1) : undefined;
  const startFrom = marker === undefined && after !== undefined ? startOf(after, prefix, o.delimiter) : undefined;
  if (startFrom === NOTHING) {
    yield pageOf([], undefined);
    return;
  }
  const order = new Utf8Order<ListedEntry>();
  let first = true;
  for (;;) {
    const answer = await listPage(store, { ...pick('signal', o.signal), prefix, delimiter: o.delimiter, limit, startFrom, marker });
    if (answer.marker !== undefined && answer.marker === marker)
      throw new StorageError('Unavailable', 'the service gave the same page twice; the listing was ended, as it would never end');
    marker = answer.marker;
    const ordered = marker === undefined ? [...order.next(answer.entries), ...order.end()] : order.next(answer.entries);
    const behind = after === undefined ? ordered : ordered.filter(({ key }) => compareKeys(key, after) > 0);
    const { shown, ended } = o.until === undefined ? { shown: behind, ended: false } : await before(store, behind, { ...o, until: o.until });
    const last = ended || marker === undefined;
    for (let at = 0; at < shown.length; at += limit) {
      const page = shown.slice(at, at + limit);
      const whole = at + limit >= shown.length;
      // The service's own mark is behind everything that it gave: it serves only where all of that has been shown.
      const next = marker !== undefined && whole && !order.holds ? MARK + marker : KEY + (page.at(-1)?.key ?? '');
      yield pageOf(page, whole && last ? undefined : next);
      first = false;
    }
    if (last) {
      if (first) yield pageOf([], undefined);
      return;
    }
  }
}

const NOTHING = Symbol('nothing lies behind');

/** The name to ask for first; undefined for the beginning. Whatever comes before the wanted is left out later. */
function startOf(after: string, prefix: string, delimiter: string | undefined): string | typeof NOTHING | undefined {
  if (!after.startsWith(prefix)) return compareKeys(after, prefix) > 0 ? NOTHING : undefined;
  let start = serviceStart(after);
  if (delimiter !== undefined) {
    // Of a grouped listing the service takes one level: what lies deeper is in the group anyway.
    const at = start.indexOf(delimiter, prefix.length);
    if (at >= 0) start = start.slice(0, at + delimiter.length);
  }
  return start.length > prefix.length ? start : undefined;
}

function pageOf(entries: readonly ListedEntry[], cursor: string | undefined): ListPage {
  const objects: ObjectInfo[] = [];
  const prefixes: string[] = [];
  for (const { key, object } of entries) {
    if (object === undefined) prefixes.push(key);
    else objects.push(object);
  }
  return { objects, prefixes, issues: [], ...pick('cursor', cursor) };
}

/** The entries before the end, and whether it is reached. A common prefix before it may have all its keys behind it. */
async function before(
  store: StoreConnection,
  entries: readonly ListedEntry[],
  o: ListOptions & { readonly until: string },
): Promise<{ readonly shown: readonly ListedEntry[]; readonly ended: boolean }> {
  const shown = entries.filter(({ key }) => compareKeys(key, o.until) < 0);
  const ended = shown.length < entries.length;
  const last = shown.at(-1);
  if (last === undefined || last.object !== undefined || !o.until.startsWith(last.key)) return { shown, ended };
  for await (const page of listPages(store, { ...pick('signal', o.signal), prefix: last.key, until: o.until, limit: 1 }))
    if (page.objects.length > 0) return { shown, ended: true };
  return { shown: shown.slice(0, -1), ended: true };
}

async function listPage(store: StoreConnection, { prefix, delimiter, limit, startFrom, marker, uncommitted, signal }: PageRequest): Promise<ListedPage> {
  const context = store.context(uncommitted === true ? 'listUploads' : 'list');
  const query: Record<string, string> = { restype: 'container', comp: 'list', maxresults: String(limit) };
  if (prefix !== '') query['prefix'] = prefix;
  if (delimiter !== undefined) query['delimiter'] = delimiter;
  if (marker !== undefined) query['marker'] = marker;
  if (startFrom !== undefined && store.settings.serviceVersion >= STARTS_FROM) query['startFrom'] = startFrom;
  if (uncommitted === true) query['include'] = 'uncommittedblobs';
  const { text, headers, status } = await store.text({ method: 'GET', query, right: 'list', context, ...pick('signal', signal) });
  try {
    const page = scanListing(text);
    // Some servers give groups and blobs apart.
    return delimiter === undefined ? page : { ...page, entries: page.entries.sort((a, b) => (a.key < b.key ? -1 : 1)) };
  } catch (error) {
    if (!(error instanceof ListingFault)) throw error;
    const contentType = headerOf(headers, 'content-type');
    if (contentType?.includes('html') === true) throw notBlobStorage(context, status, contentType);
    throw new StorageError('Unavailable', `${context.endpoint} gave a listing that cannot be trusted: ${error.message}`, {
      operation: context.operation,
      provider: 'azure',
      bucket: context.bucket,
      status,
    });
  }
}

/**
 * Uploads onto keys where no blob lies yet: only these are in a listing. Blocks beside a blob are known to those who ask for that
 * blob's. An upload of this program has its id in its blocks; blocks of other programs are told as one upload a key.
 */
export async function* listUploads(store: StoreConnection, prefix: string, o: Call): AsyncIterable<UploadRef> {
  let marker: string | undefined;
  do {
    const page: ListedPage = await listPage(store, { ...o, prefix, limit: MAX_PAGE, marker, uncommitted: true });
    for (const { key, object } of page.entries.filter((entry) => entry.object !== undefined && entry.uncommitted)) {
      if (object === undefined) continue;
      const { uncommitted } = await heldBlocks(store, key, store.context('listUploads', key), o);
      const refs = new Map<string, UploadRef>();
      const gone = new Set<string>();
      for (const { id } of uncommitted) {
        const ref = refOfBlocks(key, id);
        refs.set(ref.id, ref);
        if (ref.index === ABORTED) gone.add(ref.id);
      }
      for (const { id, startedAt } of refs.values()) if (!gone.has(id)) yield { key, id, ...pick('startedAt', startedAt) };
    }
    marker = page.marker;
  } while (marker !== undefined);
}
