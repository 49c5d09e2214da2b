import type { Checksums, ObjectHeaders, ObjectInfo, ResolvedRange } from '@stowage/core';
import { type AnswerHeaders, headerOf } from '@stowage/wire';
import { md5OfEtag, quotedEtag } from './xml/listing.ts';

/** What an answer tells of an object, whichever client read it. */
export interface ObjectAnswer {
  readonly etag: string | undefined;
  readonly version: string | undefined;
  readonly lastModified: Date | undefined;
  /** Of the body that follows. */
  readonly length: number | undefined;
  /** The `Content-Range` of a partial answer. */
  readonly contentRange: string | undefined;
  readonly headers: ObjectHeaders;
  readonly checksums: Checksums;
  readonly tagCount: number;
  /** Encrypted so that its ETag is no MD5. */
  readonly sealed: boolean;
}

const CHECKSUMS = {
  'x-amz-checksum-crc32': 'crc32',
  'x-amz-checksum-crc32c': 'crc32c',
  'x-amz-checksum-crc64nvme': 'crc64nvme',
  'x-amz-checksum-sha256': 'sha256',
} as const;
const META = 'x-amz-meta-';

export function answerOf(h: AnswerHeaders): ObjectAnswer {
  const etag = headerOf(h, 'etag');
  const modified = headerOf(h, 'last-modified');
  const length = headerOf(h, 'content-length');
  const encryption = headerOf(h, 'x-amz-server-side-encryption');
  return {
    etag: etag === undefined ? undefined : quotedEtag(etag),
    version: headerOf(h, 'x-amz-version-id'),
    lastModified: modified === undefined ? undefined : new Date(modified),
    length: length === undefined ? undefined : Number(length),
    contentRange: headerOf(h, 'content-range'),
    headers: keptHeaders(h),
    checksums: keptChecksums(h),
    tagCount: Number(headerOf(h, 'x-amz-tagging-count') ?? 0),
    sealed: (encryption !== undefined && encryption !== 'AES256') || headerOf(h, 'x-amz-server-side-encryption-customer-algorithm') !== undefined,
  };
}

function keptHeaders(h: AnswerHeaders): ObjectHeaders {
  const out: { -readonly [K in keyof ObjectHeaders]: ObjectHeaders[K] } = {};
  const contentType = headerOf(h, 'content-type');
  if (contentType !== undefined) out.contentType = contentType;
  const cacheControl = headerOf(h, 'cache-control');
  if (cacheControl !== undefined) out.cacheControl = cacheControl;
  const contentDisposition = headerOf(h, 'content-disposition');
  if (contentDisposition !== undefined) out.contentDisposition = contentDisposition;
  const contentEncoding = withoutChunking(headerOf(h, 'content-encoding'));
  if (contentEncoding !== undefined) out.contentEncoding = contentEncoding;
  const contentLanguage = headerOf(h, 'content-language');
  if (contentLanguage !== undefined) out.contentLanguage = contentLanguage;
  const storageClass = headerOf(h, 'x-amz-storage-class');
  if (isOwnClass(storageClass)) out.storageClass = storageClass;
  let metadata: Record<string, string> | undefined;
  for (const name in h) {
    if (!name.startsWith(META)) continue;
    metadata ??= {};
    metadata[name.slice(META.length)] = headerOf(h, name) ?? '';
  }
  if (metadata !== undefined) out.metadata = metadata;
  return out;
}

/** `aws-chunked` is how some clients sent it, and some servers keep that; it is none of the content's. */
export function withoutChunking(encoding: string | undefined): string | undefined {
  if (encoding === undefined || !encoding.includes('aws-chunked')) return encoding;
  const rest = encoding
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked' && part !== '');
  return rest.length === 0 ? undefined : rest.join(', ');
}

/** Of the whole object only: a composite (`…-3`, or named so) is a checksum of checksums. */
function keptChecksums(h: AnswerHeaders): Checksums {
  if (headerOf(h, 'x-amz-checksum-type') === 'COMPOSITE' || h['content-range'] !== undefined) return {};
  const out: Record<string, string> = {};
  for (const name of Object.keys(CHECKSUMS) as (keyof typeof CHECKSUMS)[]) {
    const value = headerOf(h, name);
    if (value !== undefined && !value.includes('-')) out[CHECKSUMS[name]] = value;
  }
  return out;
}

/** The object as a read tells it; `size` of the whole, from the range's total where the answer is partial. */
export function infoOf(key: string, answer: ObjectAnswer, etagIsMd5: boolean): ObjectInfo {
  return {
    key,
    size: totalOf(answer),
    lastModified: answer.lastModified ?? new Date(0),
    revision: revisionOf(answer),
    checksums: etagIsMd5 && !answer.sealed ? { ...md5OfEtag(answer.etag), ...answer.checksums } : answer.checksums,
    headers: answer.headers,
  };
}

export function revisionOf({ etag, version }: Pick<ObjectAnswer, 'etag' | 'version'>): ObjectInfo['revision'] {
  return { ...(etag === undefined ? {} : { etag }), ...(version === undefined || version === 'null' ? {} : { version }) };
}

function totalOf({ contentRange, length }: ObjectAnswer): number {
  const total = /\/(\d+)$/.exec(contentRange ?? '')?.[1];
  return Number(total ?? length ?? 0);
}

/** The bytes that the body holds. */
export function rangeOf({ contentRange, length }: ObjectAnswer): ResolvedRange {
  const [, start, last] = /^bytes (\d+)-(\d+)\//.exec(contentRange ?? '') ?? [];
  return start === undefined ? { start: 0, end: length ?? 0 } : { start: Number(start), end: Number(last) + 1 };
}

/** Amazon's answers leave the default class out; other servers name it, where nobody has chosen one. */
export function isOwnClass(storageClass: string | undefined): storageClass is string {
  return storageClass !== undefined && storageClass !== 'STANDARD';
}
