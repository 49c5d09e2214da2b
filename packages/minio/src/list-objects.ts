import { type Call, compareKeys, type ListOptions, type ListPage, StorageError, type UploadRef } from '@stowage/core';
import { signalOf } from '@stowage/wire';
import type { UploadHost } from './minio-upload.ts';
import type { StoreLimits } from './store-limits.ts';
import { decodedUrl } from './xml/text.ts';

const MAX_PAGE = 1000;

/** A cursor is the store's own token, or the key behind which to go on. */
const TOKEN = 't';
const KEY = 'k';

/** Pages of the listing in the open interval from `startAfter` to `until`. */
export async function* listPages(host: UploadHost, o: ListOptions, { minioListing }: Pick<StoreLimits, 'minioListing'>): AsyncIterable<ListPage> {
  const prefix = o.prefix ?? '';
  if (minioListing && !MINIO_PREFIX.test(prefix)) {
    yield { objects: [], prefixes: [], issues: [] };
    return;
  }
  const asked = minioListing ? minioPrefix(prefix) : prefix;
  const limit = Math.min(o.limit ?? MAX_PAGE, MAX_PAGE);
  const oneByOne = minioListing && limit === 1 && prefix !== '';
  let { cursor } = o;
  for (;;) {
    const token = cursor?.startsWith(TOKEN) === true ? cursor.slice(1) : undefined;
    const startAfter = cursor?.startsWith(KEY) === true ? cursor.slice(1) : o.startAfter;
    const page = await host.calls.list({
      ...signalOf(o),
      prefix: asked,
      startAfter: minioListing ? minioMark(startAfter) : startAfter,
      delimiter: o.delimiter,
      limit: oneByOne ? 2 : limit,
      token,
    });
    const shown = await within(host, page, { ...o, ...(startAfter === undefined ? {} : { startAfter }) });
    const { objects, prefixes, next } = cut(shown, page.token, oneByOne);
    const wanted =
      asked === prefix
        ? { objects, prefixes }
        : { objects: objects.filter(({ key }) => key.startsWith(prefix)), prefixes: prefixes.filter((key) => key.startsWith(prefix)) };
    if (next !== undefined && next === cursor)
      throw new StorageError('Unavailable', 'the store gave the same page twice; the listing was ended, as it would never end');
    yield { ...wanted, issues: [], ...(next === undefined ? {} : { cursor: next }) };
    if (next === undefined) return;
    cursor = next;
  }
}

/** What MinIO takes as a prefix, and what a key of it may begin with: no leading or doubled slash, no dot segment. */
const MINIO_PREFIX = /^(?!\/)(?!.*\/\/)(?!(?:.*[\\/])?\.\.?[\\/])/s;

/** MinIO refuses a prefix that ends in a dot segment: the part before it is asked for. */
function minioPrefix(prefix: string): string {
  return prefix.replace(/(?<=^|[\\/])\.\.?$/, '');
}

/** Whether MinIO must be asked otherwise than the protocol says: see {@link StoreLimits.minioListing}. */
export function differsOnMinio({ prefix = '', startAfter, limit }: ListOptions): boolean {
  return (limit === 1 && prefix !== '') || !MINIO_PREFIX.test(prefix) || minioPrefix(prefix) !== prefix || minioMark(startAfter) !== startAfter;
}

/** MinIO refuses a mark that is no key of its own. The part before the fault comes before every key that is asked for. */
function minioMark(startAfter: string | undefined): string | undefined {
  if (startAfter === undefined) return undefined;
  const fault = /^\/|(?<=\/)\/|(?<=^|[\\/])\.\.?(?=$|[\\/])/.exec(startAfter);
  return fault === null ? startAfter : startAfter.slice(0, fault.index) || undefined;
}

/** The page and where the next begins. `one`: of the page only its first entry is given, and the next begins behind that. */
function cut(
  { objects, prefixes, ended }: Entries & { readonly ended: boolean },
  token: string | undefined,
  one: boolean,
): Entries & { readonly next: string | undefined } {
  if (one && objects.length + prefixes.length > 1) {
    const [object] = objects;
    const [prefix] = prefixes;
    if (object !== undefined && (prefix === undefined || compareKeys(object.key, prefix) < 0))
      return { objects: [object], prefixes: [], next: KEY + object.key };
    return { objects: [], prefixes: prefix === undefined ? [] : [prefix], next: KEY + (prefix ?? '') };
  }
  return { objects, prefixes, next: ended || token === undefined ? undefined : TOKEN + token };
}

type Entries = Pick<ListPage, 'objects' | 'prefixes'>;

/** S3 knows no end of a listing, and gives a common prefix again of which `startAfter` lies inside. */
async function within(host: UploadHost, page: Entries, o: ListOptions): Promise<Entries & { readonly ended: boolean }> {
  const { startAfter, until } = o;
  let { objects, prefixes } = page;
  if (startAfter !== undefined && objects[0] !== undefined && compareKeys(objects[0].key, startAfter) <= 0)
    objects = objects.filter(({ key }) => compareKeys(key, startAfter) > 0);
  if (startAfter !== undefined && prefixes.length > 0) prefixes = prefixes.filter((prefix) => compareKeys(prefix, startAfter) > 0);
  if (until === undefined) return { objects, prefixes, ended: false };
  const [lastObject, lastPrefix] = [page.objects.at(-1)?.key, page.prefixes.at(-1)];
  const ended = [lastObject, lastPrefix].some((key) => key !== undefined && compareKeys(key, until) >= 0);
  if (ended && lastObject !== undefined && compareKeys(lastObject, until) >= 0) objects = objects.filter(({ key }) => compareKeys(key, until) < 0);
  prefixes = prefixes.filter((prefix) => compareKeys(prefix, until) < 0);
  // A prefix before the end may have all its keys behind it.
  const last = prefixes.at(-1);
  if (last === undefined || !until.startsWith(last)) return { objects, prefixes, ended };
  const first = await host.calls.list({ ...signalOf(o), prefix: last, startAfter, limit: 1 });
  const inside = first.objects[0] !== undefined && compareKeys(first.objects[0].key, until) < 0;
  return { objects, prefixes: inside ? prefixes : prefixes.slice(0, -1), ended: true };
}

/** Unfinished uploads. `byPrefix` false: the store takes no prefix here, and all are looked through. */
export async function* listUploads(host: UploadHost, prefix: string, byPrefix: boolean, o: Call): AsyncIterable<UploadRef> {
  const context = host.store.context('listUploads');
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const input = { Bucket: host.store.bucket, EncodingType: 'url' as const, ...(byPrefix && prefix !== '' ? { Prefix: prefix } : {}), ...marker };
    const page = await host.sdk.call(context, o, (client, sdk, send) => client.send(new sdk.ListMultipartUploadsCommand(input), send));
    const text = page.EncodingType === 'url' ? decodedUrl : (raw: string): string => raw;
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const key = text(Key ?? '');
      if (UploadId !== undefined && key.startsWith(prefix))
        yield { key, id: UploadId, ...(Initiated === undefined ? {} : { startedAt: Initiated.toISOString() }) };
    }
    const next = {
      ...(page.NextKeyMarker === undefined ? {} : { KeyMarker: text(page.NextKeyMarker) }),
      ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
    };
    if (page.IsTruncated !== true || (next.KeyMarker === undefined && next.UploadIdMarker === undefined)) return;
    if (next.KeyMarker === marker.KeyMarker && next.UploadIdMarker === marker.UploadIdMarker)
      throw new StorageError('Unavailable', 'the store gave the same page of uploads twice');
    marker = next;
  }
}
