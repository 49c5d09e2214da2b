import type { Checksums, ObjectHeaders, ObjectInfo, Revision } from '@stowage/core';
import { type AnswerHeaders, headerText } from './guarded-fetch/index.ts';

/** What an answer tells of an object. */
export function infoOf(key: string, headers: AnswerHeaders, size: number, whole: boolean): ObjectInfo {
  const lastModified = timeOf(headers);
  return {
    key,
    size,
    // There is no time that would say "unknown"; this one makes nothing look newer than it is.
    lastModified: lastModified ?? new Date(0),
    revision: revisionOf(headers, size, lastModified),
    checksums: checksumsOf(headers, whole),
    headers: objectHeaders(headers),
  };
}

/** Whether the server told when the object was changed. */
export function tellsTime(headers: AnswerHeaders): boolean {
  return timeOf(headers) !== undefined;
}

function timeOf(headers: AnswerHeaders): Date | undefined {
  const time = Date.parse(headerText(headers, 'last-modified') ?? '');
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** Printable ASCII, which comes back as it is sent; a space is against the rules, and harmless. */
const STRONG_ETAG = /^"[\x20\x21\x23-\x7e]*"$/;

/**
 * A strong ETag as it is. A weak one says that two states mean the same, not that their bytes are: with size and time beside it, it is
 * as good as what servers make it of. Without a tag, size and time; with nothing, nothing.
 */
function revisionOf(headers: AnswerHeaders, size: number, lastModified: Date | undefined): Revision {
  const etag = headerText(headers, 'etag')?.trim();
  if (etag !== undefined && STRONG_ETAG.test(etag)) return { etag };
  const weak = etag !== undefined && etag.startsWith('W/') && STRONG_ETAG.test(etag.slice(2)) ? etag : undefined;
  if (weak === undefined && lastModified === undefined) return {};
  return { etag: [weak ?? '-', size, lastModified?.getTime() ?? '-'].join(' ') };
}

/** The ETag that may be sent in a condition; undefined for a revision that was put together here. */
export function strongEtag({ etag }: Revision): string | undefined {
  return etag !== undefined && STRONG_ETAG.test(etag) ? etag : undefined;
}

function objectHeaders(headers: AnswerHeaders): ObjectHeaders {
  const text = (name: string): string | undefined => headerText(headers, name);
  const entries = {
    contentType: text('content-type'),
    cacheControl: text('cache-control'),
    contentDisposition: text('content-disposition'),
    contentEncoding: encodingOf(headers),
    contentLanguage: text('content-language'),
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

function encodingOf(headers: AnswerHeaders): string | undefined {
  const encoding = headerText(headers, 'content-encoding')?.trim().toLowerCase();
  return encoding === '' || encoding === 'identity' ? undefined : encoding;
}

const LENGTHS = { md5: 16, sha256: 32 } as const;

/** Checksums of the whole object: `Repr-Digest` (RFC 9530) and `Digest` (RFC 3230) always are, `Content-MD5` of what the answer holds. */
function checksumsOf(headers: AnswerHeaders, whole: boolean): Checksums {
  const found: { md5?: string; sha256?: string } = {};
  const keep = (algorithm: keyof typeof LENGTHS, value: string | undefined): void => {
    if (value !== undefined && isBase64Of(LENGTHS[algorithm], value)) found[algorithm] ??= value;
  };
  for (const [, name, value] of (headerText(headers, 'repr-digest') ?? '').matchAll(/([a-z0-9-]+)\s*=\s*:([A-Za-z0-9+/=]*):/gi))
    if (name?.toLowerCase() === 'sha-256') keep('sha256', value);
    else if (name?.toLowerCase() === 'md5') keep('md5', value);
  for (const [, name, value] of (headerText(headers, 'digest') ?? '').matchAll(/([a-z0-9-]+)=([A-Za-z0-9+/]+=*)/gi))
    if (name?.toLowerCase() === 'sha-256') keep('sha256', value);
    else if (name?.toLowerCase() === 'md5') keep('md5', value);
  if (whole) keep('md5', headerText(headers, 'content-md5')?.trim());
  return found;
}

function isBase64Of(bytes: number, text: string): boolean {
  const decoded = Buffer.from(text, 'base64');
  return decoded.byteLength === bytes && decoded.toString('base64') === text;
}
