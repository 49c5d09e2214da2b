import type { Checksums, ObjectHeaders, ObjectInfo, ResolvedRange, Revision } from '@stowage/core';
import { type AnswerHeaders, headerOf } from '@stowage/wire';

const META = 'x-ms-meta-';

/** The blob as a read or a write tells it; `size` of the whole, from the range's total where the answer is partial. */
export function infoOf(key: string, h: AnswerHeaders): ObjectInfo {
  return {
    key,
    size: totalOf(h),
    lastModified: modifiedOf(h),
    revision: revisionOf(h),
    checksums: checksumsOf(h),
    headers: headersOf(h),
  };
}

export function revisionOf(h: AnswerHeaders): Revision {
  const etag = headerOf(h, 'etag');
  const version = headerOf(h, 'x-ms-version-id');
  return { ...(etag === undefined ? {} : { etag }), ...(version === undefined ? {} : { version }) };
}

export function modifiedOf(h: AnswerHeaders): Date {
  const text = headerOf(h, 'last-modified');
  return text === undefined ? new Date(0) : new Date(text);
}

/** Of the whole blob: where a part is answered, its own MD5 would stand in `content-md5`. */
export function checksumsOf(h: AnswerHeaders): Checksums {
  const md5 = headerOf(h, 'x-ms-blob-content-md5') ?? (h['content-range'] === undefined ? headerOf(h, 'content-md5') : undefined);
  return md5 === undefined ? {} : { md5 };
}

function headersOf(h: AnswerHeaders): ObjectHeaders {
  const out: { -readonly [K in keyof ObjectHeaders]: ObjectHeaders[K] } = {};
  const contentType = headerOf(h, 'content-type');
  if (contentType !== undefined) out.contentType = contentType;
  const cacheControl = headerOf(h, 'cache-control');
  if (cacheControl !== undefined) out.cacheControl = cacheControl;
  const contentDisposition = headerOf(h, 'content-disposition');
  if (contentDisposition !== undefined) out.contentDisposition = contentDisposition;
  const contentEncoding = headerOf(h, 'content-encoding');
  if (contentEncoding !== undefined) out.contentEncoding = contentEncoding;
  const contentLanguage = headerOf(h, 'content-language');
  if (contentLanguage !== undefined) out.contentLanguage = contentLanguage;
  // The tier that an account gives by default is none that somebody chose.
  const tier = headerOf(h, 'x-ms-access-tier');
  if (tier !== undefined && headerOf(h, 'x-ms-access-tier-inferred') !== 'true') out.storageClass = tier;
  let metadata: Record<string, string> | undefined;
  for (const name in h) {
    if (!name.startsWith(META)) continue;
    metadata ??= {};
    metadata[name.slice(META.length)] = headerOf(h, name) ?? '';
  }
  if (metadata !== undefined) out.metadata = metadata;
  return out;
}

function totalOf(h: AnswerHeaders): number {
  const total = /\/(\d+)$/.exec(headerOf(h, 'content-range') ?? '')?.[1];
  return Number(total ?? headerOf(h, 'content-length') ?? 0);
}

/** The bytes that the body holds; undefined where nobody says how many. */
export function rangeOf(h: AnswerHeaders): ResolvedRange | undefined {
  const [, start, last] = /^bytes (\d+)-(\d+)\//.exec(headerOf(h, 'content-range') ?? '') ?? [];
  if (start !== undefined) return { start: Number(start), end: Number(last) + 1 };
  const length = headerOf(h, 'content-length');
  return length === undefined ? undefined : { start: 0, end: Number(length) };
}
