import { type Call, compareKeys, type ListOptions, type ListPage, StorageError, type UploadRef } from '@stowage/core';
import { signalOf } from '@stowage/wire';
import { MinioToken } from './minio-token.ts';
import type { UploadHost } from './minio-upload.ts';
import type { StoreLimits } from './store-limits.ts';
import { decodedUrl } from './xml/text.ts';

const MAX_PAGE = 1000;

/** A cursor is the store's own token, or the key behind which to go on. */
const TOKEN = 't';
const KEY = 'k';

type LimitsByNow = () => Pick<StoreLimits, 'minioListing'>;

/** Pages of the listing in the open interval from `startAfter` to `until`. The limits are asked for anew: an answer may show whose they are. */
export async function* listPages(host: UploadHost, o: ListOptions, limits: LimitsByNow): AsyncIterable<ListPage> {
  const { prefix = '' } = o;
  if (limits().minioListing && !MINIO_PREFIX.test(prefix)) {
    yield { objects: [], prefixes: [], issues: [] };
    return;
  }
  let { cursor } = o;
  for (;;) {
    const after = markOf({ ...o, cursor });
    const steps = limits().minioListing ? minioSteps(o, after) : undefined;
    let next: string | undefined;
    if (steps !== undefined && after !== undefined) next = yield* inSteps(host, o, after, steps);
    else {
      const page = await believedPage(host, { ...o, cursor }, limits);
      next = typeof page === 'string' ? page : page.cursor;
      if (next !== undefined && next === cursor) throw sameTwice();
      if (typeof page !== 'string') yield page;
    }
    if (next === undefined) return;
    cursor = next;
  }
}

type PageOptions = Omit<ListOptions, 'cursor' | 'startAfter' | 'delimiter'> & { readonly [K in 'cursor' | 'startAfter' | 'delimiter']?: string | undefined };

/** The key behind which the store is asked to go on; undefined where its own token says where. */
function markOf({ cursor, startAfter }: PageOptions): string | undefined {
  if (cursor === undefined) return startAfter;
  return cursor.startsWith(KEY) ? cursor.slice(1) : undefined;
}

/**
 * A page, or the cursor by which to ask instead. A token of MinIO names a listing that the server keeps; once that is gone (minutes
 * after the last request, or with the server), the token is a mark as any other, and what comes back may lack keys: see {@link minioSteps}.
 * Only a token for more of the same listing shows that a page was read from it.
 */
async function believedPage(host: UploadHost, o: PageOptions, limits: LimitsByNow): Promise<ListPage | string> {
  const { page, token } = await onePage(host, o, limits().minioListing);
  if (!limits().minioListing) return page;
  const asked = tokenOf(o);
  if (asked !== undefined && !asked.continuedBy(token) && isMisread(o, asked.mark)) return KEY + asked.mark;
  const last = lastOf(page);
  const unknown = page.cursor?.startsWith(TOKEN) === true && tokenOf(page) === undefined;
  return unknown && last !== undefined ? { ...page, cursor: KEY + last } : page;
}

function tokenOf({ cursor }: Pick<PageOptions, 'cursor'>): MinioToken | undefined {
  return cursor?.startsWith(TOKEN) === true ? MinioToken.read(cursor.slice(1)) : undefined;
}

/** Whether MinIO, asked as the protocol says, may lack keys behind this mark. */
function isMisread(o: PageOptions, mark: string): boolean {
  const { limit = MAX_PAGE } = o;
  return minioSteps(o, mark) !== undefined || minioLimit(limit, { ...o, startAfter: mark }) > minioLimit(limit, { ...o, startAfter: undefined });
}

function lastOf({ objects, prefixes }: Entries): string | undefined {
  return [objects.at(-1)?.key, prefixes.at(-1)]
    .filter((key) => key !== undefined)
    .sort(compareKeys)
    .at(-1);
}

/** The page, and the store's own token behind it, where it gave one. */
interface AnsweredPage {
  readonly page: ListPage;
  readonly token: string | undefined;
}

async function onePage(host: UploadHost, { startAfter: begin, delimiter, cursor, ...o }: PageOptions, minioListing: boolean): Promise<AnsweredPage> {
  const { prefix = '' } = o;
  const asked = minioListing ? minioPrefix(prefix) : prefix;
  const limit = Math.min(o.limit ?? MAX_PAGE, MAX_PAGE);
  const token = cursor?.startsWith(TOKEN) === true ? cursor.slice(1) : undefined;
  const startAfter = cursor?.startsWith(KEY) === true ? cursor.slice(1) : begin;
  const page = await host.calls.list({
    ...signalOf(o),
    prefix: asked,
    startAfter: minioListing ? minioMark(startAfter) : startAfter,
    delimiter,
    limit: minioListing ? minioLimit(limit, { prefix, startAfter, delimiter }) : limit,
    token,
  });
  const shown = await within(host, page, { ...o, ...(delimiter === undefined ? {} : { delimiter }), ...(startAfter === undefined ? {} : { startAfter }) });
  const { objects, prefixes, next } = cut(shown, page.token, limit);
  const wanted =
    asked === prefix
      ? { objects, prefixes }
      : { objects: objects.filter(({ key }) => key.startsWith(prefix)), prefixes: prefixes.filter((key) => key.startsWith(prefix)) };
  return { page: { ...wanted, issues: [], ...(next === undefined ? {} : { cursor: next }) }, token: page.token };
}

/** A listing that is made as a part of another. */
interface Step {
  readonly prefix: string;
  readonly startAfter?: string;
  /** Only this key of it. */
  readonly only?: string;
  /** No key of it comes before this one. */
  readonly from?: string;
}

/**
 * How MinIO is to be asked for what is behind a mark inside a folder; undefined where it can be asked as it is. A drive of it stops once
 * it has found as many objects as were asked for, and a few more: of a mark in `a/b/`, it takes all that begin with `a` or `a/b` for found,
 * such as `a-1` and `a/b.txt`, and a page that is short for that is told to be the last (measured, and read from its source). So the
 * folder of the mark is listed by itself, and then what comes behind it in the folder above, and so on up. What comes behind `a/` begins
 * with `a0`: the slash is the character before.
 */
function minioSteps({ prefix = '', delimiter }: PageOptions, after: string | undefined): readonly Step[] | undefined {
  const mark = minioMark(after);
  if (mark?.startsWith(prefix) !== true) return undefined;
  const folders: string[] = [];
  for (let at = mark.indexOf('/', prefix.length); at >= 0; at = mark.indexOf('/', at + 1)) folders.push(mark.slice(0, at + 1));
  const deepest = folders.at(-1);
  if (deepest === undefined) return undefined;
  // Where keys are grouped, folders are not entered.
  const passed = delimiter === undefined ? folders : folders.slice(0, 1);
  const steps: Step[] = delimiter === undefined ? [{ prefix: deepest, startAfter: mark }] : [];
  for (let i = passed.length - 1; i >= 0; i--) {
    const from = `${(passed[i] as string).slice(0, -1)}0`;
    steps.push({ prefix: from, only: from, from }, { prefix: passed[i - 1] ?? prefix, startAfter: from, from });
  }
  return steps;
}

/** Pages of a listing that is made in steps; gives the cursor of a page that is to be gone on behind in steps of its own. */
async function* inSteps(host: UploadHost, o: ListOptions, after: string, steps: readonly Step[]): AsyncGenerator<ListPage, string | undefined, undefined> {
  for (const { prefix, startAfter, only, from } of steps) {
    if (from !== undefined && o.until !== undefined && compareKeys(from, o.until) >= 0) break;
    let cursor: string | undefined;
    do {
      const asked = only === undefined ? { cursor, startAfter } : { limit: 1, delimiter: undefined, startAfter: undefined };
      const page = await believedPage(host, { ...o, prefix, cursor: undefined, ...asked }, () => ({ minioListing: true }));
      if (typeof page === 'string') return page;
      const objects = page.objects.filter(({ key }) => compareKeys(key, after) > 0 && (only === undefined || key === only));
      const prefixes = page.prefixes.filter((key) => compareKeys(key, after) > 0);
      const last = lastOf({ objects, prefixes });
      if (last !== undefined) yield { objects, prefixes, issues: [], cursor: KEY + last };
      const next = only === undefined ? page.cursor : undefined;
      if (next?.startsWith(KEY) === true) return next;
      if (next !== undefined && next === cursor) throw sameTwice();
      cursor = next;
    } while (cursor !== undefined);
  }
  yield { objects: [], prefixes: [], issues: [] };
  return undefined;
}

function sameTwice(): StorageError {
  return new StorageError('Unavailable', 'the store gave the same page twice; the listing was ended, as it would never end');
}

/** What MinIO takes as a prefix, and what a key of it may begin with: no leading or doubled slash, no dot segment. */
const MINIO_PREFIX = /^(?!\/)(?!.*\/\/)(?!(?:.*[\\/])?\.\.?[\\/])/s;

/** MinIO refuses a prefix that ends in a dot segment: the part before it is asked for. */
function minioPrefix(prefix: string): string {
  return prefix.replace(/(?<=^|[\\/])\.\.?$/, '');
}

/** Whether MinIO must be asked otherwise than the protocol says: see {@link StoreLimits.minioListing}. */
export function differsOnMinio(o: ListOptions): boolean {
  const { prefix = '', limit = MAX_PAGE } = o;
  const mark = markOf(o);
  return (
    minioLimit(limit, { prefix, startAfter: mark }) !== limit ||
    !MINIO_PREFIX.test(prefix) ||
    minioPrefix(prefix) !== prefix ||
    minioMark(mark) !== mark ||
    minioSteps(o, mark) !== undefined ||
    tokenOf(o) !== undefined
  );
}

/**
 * How many keys MinIO is asked for: it ends a listing of one key a page where the prefix is itself a key. And objects that the mark's own
 * name begins with, such as `a` and `a-b` of `a-b-c`, count as found (see {@link minioSteps}), beyond four and a sixteenth of what is asked for.
 */
function minioLimit(limit: number, { prefix = '', startAfter, delimiter }: PageOptions): number {
  const name = startAfter?.slice(startAfter.lastIndexOf('/') + 1) ?? '';
  const beginnings = delimiter === undefined ? (name.match(/(?<!^)[\u0001-.]/g) ?? []).length : 0;
  return Math.min(Math.max(limit === 1 && prefix !== '' ? 2 : limit, 16 * (beginnings - 2)), Math.max(MAX_PAGE, limit));
}

/** MinIO refuses a mark that is no key of its own. The part before the fault comes before every key that is asked for. */
function minioMark(startAfter: string | undefined): string | undefined {
  if (startAfter === undefined) return undefined;
  const fault = /^\/|(?<=\/)\/|(?<=^|[\\/])\.\.?(?=$|[\\/])/.exec(startAfter);
  return fault === null ? startAfter : startAfter.slice(0, fault.index) || undefined;
}

/** The page and where the next begins. Of one that has more than was to be given, the next begins behind what is given. */
function cut(
  { objects, prefixes, ended }: Entries & { readonly ended: boolean },
  token: string | undefined,
  limit: number,
): Entries & { readonly next: string | undefined } {
  if (objects.length + prefixes.length <= limit) return { objects, prefixes, next: ended || token === undefined ? undefined : TOKEN + token };
  const keys = [...objects.map(({ key }) => key), ...prefixes].sort(compareKeys).slice(0, limit);
  const last = keys.at(-1) as string;
  return {
    objects: objects.filter(({ key }) => compareKeys(key, last) <= 0),
    prefixes: prefixes.filter((key) => compareKeys(key, last) <= 0),
    next: KEY + last,
  };
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
