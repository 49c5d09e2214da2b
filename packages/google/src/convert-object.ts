import type { Checksums, ObjectHeaders, ObjectInfo, ResolvedRange } from '@stowage/core';
import { type AnswerHeaders, headerOf } from '@stowage/wire';

/** An object as the JSON API tells it; numbers are texts there. */
export interface ObjectResource {
  readonly name: string;
  readonly generation: string;
  readonly metageneration?: string;
  readonly size?: string;
  readonly updated?: string;
  readonly timeCreated?: string;
  readonly crc32c?: string;
  readonly md5Hash?: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly storageClass?: string;
  readonly customTime?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What of a resource is used, for the `fields` parameter: answers are a third as long. */
const STATE = 'name,generation,size,updated,crc32c,md5Hash';
export const WRITTEN_FIELDS: string = STATE;
export const LISTED_FIELDS: string = `items(${STATE}),prefixes,nextPageToken`;
export const HEAD_FIELDS: string = `${STATE},metageneration,contentType,cacheControl,contentDisposition,contentEncoding,contentLanguage,storageClass,customTime,metadata`;

const TEXTS = ['contentType', 'cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage'] as const;
/** The class that objects have where nobody chose one: it is told by its absence. */
const STANDARD = 'STANDARD';

/** Reads tell whole seconds, in a header: so does everything else, that one object has one time. */
export function wholeSecond(time: string | undefined): Date {
  return new Date(time === undefined ? 0 : Math.floor(Date.parse(time) / 1000) * 1000);
}

/** Without headers: as listings tell objects. */
export function listedInfo(r: ObjectResource): ObjectInfo {
  return {
    key: r.name,
    size: Number(r.size ?? 0),
    lastModified: wholeSecond(r.updated ?? r.timeCreated),
    revision: { version: r.generation },
    checksums: checksums(r.crc32c, r.md5Hash),
  };
}

export function infoOf(r: ObjectResource): ObjectInfo {
  return { ...listedInfo(r), headers: headersOf(r) };
}

function headersOf(r: ObjectResource): ObjectHeaders {
  const out: { -readonly [K in keyof ObjectHeaders]: ObjectHeaders[K] } = {};
  for (const name of TEXTS) {
    const value = r[name];
    if (value !== undefined && value !== '') out[name] = value;
  }
  if (r.storageClass !== undefined && r.storageClass !== STANDARD) out.storageClass = r.storageClass;
  const { metadata } = r;
  if (metadata !== undefined && Object.keys(metadata).length > 0)
    out.metadata = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
  return out;
}

function checksums(crc32c: string | undefined, md5: string | undefined): Checksums {
  return { ...(crc32c === undefined ? {} : { crc32c }), ...(md5 === undefined ? {} : { md5 }) };
}

const META = 'x-goog-meta-';
const HEADER_OF = {
  contentType: 'content-type',
  cacheControl: 'cache-control',
  contentDisposition: 'content-disposition',
  contentEncoding: 'content-encoding',
  contentLanguage: 'content-language',
  storageClass: 'x-goog-storage-class',
} as const;

/** What an answer of the XML API tells: https://cloud.google.com/storage/docs/xml-api/reference-headers */
export interface ReadAnswer {
  readonly info: ObjectInfo;
  readonly range: ResolvedRange;
  /** CRC32C of the whole object. */
  readonly crc32c: string | undefined;
  /** Some metadata is no ASCII, which headers do not carry safely: it must be asked for. */
  readonly foreignText: boolean;
}

/** Undefined where the answer does not name a generation: then it is none of Cloud Storage's. */
export function readAnswer(key: string, h: AnswerHeaders): ReadAnswer | undefined {
  const generation = headerOf(h, 'x-goog-generation');
  if (generation === undefined) return undefined;
  const resource: { -readonly [K in keyof ObjectResource]: ObjectResource[K] } = { name: key, generation };
  for (const name of Object.keys(HEADER_OF) as (keyof typeof HEADER_OF)[]) {
    const value = headerOf(h, HEADER_OF[name]);
    if (value !== undefined) resource[name] = value;
  }
  let metadata: Record<string, string> | undefined;
  let foreignText = false;
  for (const name in h) {
    if (!name.startsWith(META)) continue;
    metadata ??= {};
    const value = headerOf(h, name) ?? '';
    if (/[^\x20-\x7e]/.test(value)) foreignText = true;
    metadata[name.slice(META.length)] = value;
  }
  if (metadata !== undefined) resource.metadata = metadata;
  const hashes = [h['x-goog-hash'] ?? ''].flat().join(',');
  const crc32c = /crc32c=([^,\s]+)/.exec(hashes)?.[1];
  const contentRange = headerOf(h, 'content-range');
  const length = headerOf(h, 'content-length');
  const [, start, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '') ?? [];
  const size = total ?? headerOf(h, 'x-goog-stored-content-length') ?? length ?? '0';
  const modified = headerOf(h, 'last-modified');
  return {
    info: {
      key,
      size: Number(size),
      lastModified: new Date(modified ?? 0),
      revision: { version: generation },
      // CRC32C alone: an MD5 beside it would tempt readers to compute it, at a tenth of the speed.
      checksums: checksums(crc32c, undefined),
      headers: headersOf(resource),
    },
    range: start === undefined ? { start: 0, end: Number(size) } : { start: Number(start), end: Number(last) + 1 },
    crc32c,
    foreignText,
  };
}
