import { type Call, compareKeys, type ListOptions, type ListPage, type ObjectInfo, StorageError, type UploadRef } from '@stowage/core';
import { signalOf } from '@stowage/wire';
import { MinioCourse } from './minio-course.ts';
import { MAX_PAGE, MINIO_PREFIX, minioLimit, minioMark, minioPrefix, minioSteps, narrowed, type Step } from './minio-marks.ts';
import { MinioToken } from './minio-token.ts';
import type { UploadHost } from './minio-upload.ts';
import type { StoreLimits } from './store-limits.ts';
import { decodedUrl } from './xml/text.ts';

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
  let asked = o;
  const course = new MinioCourse(o);
  for (;;) {
    const after = markOf({ ...o, cursor });
    // A token is for more of what was asked for.
    if (after !== undefined) asked = limits().minioListing ? narrowed(o, after) : o;
    const steps = limits().minioListing ? minioSteps(asked, after) : undefined;
    let next: string | undefined;
    if (steps !== undefined && after !== undefined) next = yield* inSteps(host, asked, after, steps, course);
    else {
      const page = await believedPage(host, { ...asked, cursor }, limits);
      next = typeof page === 'string' ? page : limits().minioListing ? behind(page, course) : page.cursor;
      if (typeof page !== 'string') yield next === undefined ? page : { ...page, cursor: next };
    }
    if (next === undefined) return;
    if (next === cursor) throw sameTwice();
    cursor = next;
  }
}

/** The cursor behind a page of the whole interval, or of what is left of it. */
function behind(page: ListPage, course: MinioCourse): string | undefined {
  const byKey = course.goesByKey(page);
  return byKey && page.cursor?.startsWith(TOKEN) === true ? KEY + (lastOf(page) as string) : page.cursor;
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

const MINIO = (): { readonly minioListing: true } => ({ minioListing: true });

/** Pages of a listing that is made in steps; gives the cursor of a page that is to be gone on behind in steps of its own. */
async function* inSteps(
  host: UploadHost,
  o: ListOptions,
  after: string,
  steps: readonly Step[],
  course: MinioCourse,
): AsyncGenerator<ListPage, string | undefined, undefined> {
  const over = new AbortController();
  const scope = { ...o, cursor: undefined, signal: o.signal === undefined ? over.signal : AbortSignal.any([o.signal, over.signal]) };
  // As it is now: what a folder by itself shows is for the steps of later pages.
  const { byFolder: worthIt } = course;
  const isByFolder = ({ only, from }: Step): boolean => only === undefined && from !== undefined && worthIt;
  const begin = (step: Step, cursor?: string): Promise<ListPage | string> => {
    const { prefix, startAfter, only } = step;
    if (only !== undefined) return believedPage(host, { ...scope, prefix, limit: 1, delimiter: undefined, startAfter: undefined }, MINIO);
    return believedPage(host, { ...scope, prefix, startAfter, cursor, ...(isByFolder(step) ? { delimiter: '/' } : {}) }, MINIO);
  };
  const wanted = steps.filter(({ from }) => from === undefined || o.until === undefined || compareKeys(from, o.until) < 0);
  // Where all of them are likely to be wanted, none waits for another.
  const begun = course.manyFolders ? wanted.map((step) => begin(step)) : [];
  for (const page of begun) page.catch(() => undefined); // Awaited below, or not wanted.
  try {
    for (const [i, step] of wanted.entries()) {
      const { only } = step;
      const byFolder = isByFolder(step);
      let cursor: string | undefined;
      do {
        const page = await (cursor === undefined ? (begun[i] ?? begin(step)) : begin(step, cursor));
        if (typeof page === 'string') return page;
        const objects = page.objects.filter(({ key }) => compareKeys(key, after) > 0 && (only === undefined || key === only));
        const prefixes = page.prefixes.filter((key) => compareKeys(key, after) > 0);
        if (byFolder) {
          const next = yield* folderByFolder(host, scope, after, { ...page, objects, prefixes }, course);
          if (next !== undefined) return next;
          break;
        }
        const last = lastOf({ objects, prefixes });
        if (last !== undefined) yield { objects, prefixes, issues: [], cursor: KEY + last };
        const next = only !== undefined ? undefined : step === steps.at(-1) ? behind(page, course) : page.cursor;
        if (next?.startsWith(KEY) === true) return next;
        if (next !== undefined && next === cursor) throw sameTwice();
        cursor = next;
      } while (cursor !== undefined);
    }
  } finally {
    over.abort();
  }
  yield { objects: [], prefixes: [], issues: [] };
  return undefined;
}

/** Folders that are read ahead, so that the way to the server is not waited for at each. */
const AHEAD = 4;

/** Pages of one level and of all folders in it; gives the cursor to go on by where that does not come to its end. */
async function* folderByFolder(
  host: UploadHost,
  o: PageOptions,
  after: string,
  level: ListPage,
  course: MinioCourse,
): AsyncGenerator<ListPage, string | undefined, undefined> {
  const { until } = o;
  const scope = { ...signalOf(o), ...(until === undefined ? {} : { until }) };
  const open = (prefix: string): { readonly pages: AsyncIterator<ListPage>; readonly first: Promise<IteratorResult<ListPage>> } => {
    const pages = listPages(host, { ...scope, prefix }, MINIO)[Symbol.asyncIterator]();
    const first = pages.next();
    first.catch(() => undefined); // Awaited below, or not wanted.
    return { pages, first };
  };
  const { objects, prefixes } = level;
  const ahead = prefixes.slice(0, AHEAD).map(open);
  let given = 0;
  let last: string | undefined;
  for (const [i, prefix] of prefixes.entries()) {
    const before = given;
    while (given < objects.length && compareKeys((objects[given] as ObjectInfo).key, prefix) < 0) given++;
    if (given > before) {
      last = (objects[given - 1] as ObjectInfo).key;
      yield { objects: objects.slice(before, given), prefixes: [], issues: [], cursor: KEY + last };
    }
    const { pages, first } = ahead.shift() as ReturnType<typeof open>;
    const next = prefixes[i + AHEAD];
    if (next !== undefined) ahead.push(open(next));
    let keys = 0;
    for (let page = await first; page.done !== true; page = await pages.next()) {
      const key = page.value.objects.at(-1)?.key;
      if (key === undefined) continue;
      last = key;
      keys += page.value.objects.length;
      yield { objects: page.value.objects, prefixes: [], issues: [], cursor: KEY + key };
    }
    course.folder(keys);
    if (!course.byFolder && last !== undefined) return KEY + last;
  }
  if (given < objects.length) {
    last = (objects.at(-1) as ObjectInfo).key;
    yield { objects: objects.slice(given), prefixes: [], issues: [], cursor: KEY + last };
  }
  // Where all folders have been emptied meanwhile, behind the last of them.
  return level.cursor === undefined ? undefined : KEY + (last ?? lastOf(level) ?? after);
}

function sameTwice(): StorageError {
  return new StorageError('Unavailable', 'the store gave the same page twice; the listing was ended, as it would never end');
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
