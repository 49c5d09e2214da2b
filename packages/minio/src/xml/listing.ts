import type { ObjectInfo } from '@stowage/core';
import { decodedText } from '@stowage/wire';
import { decodedUrl } from './text.ts';

/** A page of ListObjectsV2, decoded. */
export interface ListedPage {
  readonly objects: ObjectInfo[];
  readonly prefixes: string[];
  /** Present where more follows. */
  readonly token: string | undefined;
}

/** A listing that is cut off or is none: there may be keys that it lacks. */
export class ListingFault extends Error {
  override readonly name = 'ListingFault';
}

/**
 * Reads the answer to ListObjectsV2. A scan for the few elements that count, a tenth of the cost of an XML parser; it relies on what
 * servers have in common (no attributes or comments inside `<Contents>`), and refuses whatever does not end as a listing does.
 */
export function scanListing(body: Uint8Array, etagIsMd5: boolean): ListedPage {
  const xml = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const root = xml.indexOf('<ListBucketResult');
  const end = xml.lastIndexOf('</ListBucketResult>');
  if (root < 0 || end < 0) throw new ListingFault(root < 0 ? 'the answer is no listing' : 'the listing is cut off');
  const text = textDecoder(xml, root, end);
  const objects: ObjectInfo[] = [];
  const prefixes: string[] = [];
  let at = root;
  for (;;) {
    const begin = xml.indexOf('<Contents>', at);
    if (begin < 0) break;
    const close = xml.indexOf('</Contents>', begin);
    if (close < 0) throw new ListingFault('the listing is cut off');
    objects.push(entry(xml, begin + 10, close, text, etagIsMd5));
    at = close + 11;
  }
  at = root;
  for (;;) {
    const begin = xml.indexOf('<CommonPrefixes>', at);
    if (begin < 0) break;
    const close = xml.indexOf('</CommonPrefixes>', begin);
    // A server may name several in one element.
    for (let from = begin; ;) {
      const prefix = xml.indexOf('<Prefix>', from);
      if (prefix < 0 || prefix > close) break;
      from = xml.indexOf('</Prefix>', prefix);
      prefixes.push(text(xml.slice(prefix + 8, from)));
    }
    at = close + 17;
  }
  return { objects, prefixes, token: nextToken(xml, root, end) };
}

type Decode = (raw: string) => string;

/** Servers that do not know `EncodingType` leave it out of their answer, and give keys as they are. */
function textDecoder(xml: string, root: number, end: number): Decode {
  const encoding = elementIn(xml, 'EncodingType', root, end);
  return encoding === 'url' ? (raw): string => decodedUrl(decodedText(raw)) : decodedText;
}

function nextToken(xml: string, root: number, end: number): string | undefined {
  if (elementIn(xml, 'IsTruncated', root, end) !== 'true') return undefined;
  const token = elementIn(xml, 'NextContinuationToken', root, end);
  if (token === undefined || token === '') throw new ListingFault('the listing says that more follows and does not say where');
  return decodedText(token);
}

/** Tokens and flags come before the entries with some servers, behind them with others: one look at each side, none at the entries. */
function elementIn(xml: string, name: string, root: number, end: number): string | undefined {
  const open = `<${name}>`;
  const firstEntry = xml.indexOf('<Contents>', root);
  const headEnd = firstEntry < 0 ? end : firstEntry;
  let begin = xml.indexOf(open, root);
  if (begin < 0 || begin > headEnd) begin = xml.indexOf(open, Math.max(root, xml.lastIndexOf('</Contents>')));
  if (begin < 0) return undefined;
  const close = xml.indexOf('<', begin + open.length);
  return close < 0 ? undefined : xml.slice(begin + open.length, close);
}

function entry(xml: string, begin: number, close: number, text: Decode, etagIsMd5: boolean): ObjectInfo {
  const key = field(xml, '<Key>', begin, close);
  const size = field(xml, '<Size>', begin, close);
  const modified = field(xml, '<LastModified>', begin, close);
  const etag = field(xml, '<ETag>', begin, close);
  if (key === undefined || size === undefined || modified === undefined) throw new ListingFault('the listing has an entry without key, size or time');
  const quotedTag = etag === undefined ? undefined : listedEtag(etag);
  return {
    key: text(key),
    size: Number(size),
    lastModified: new Date(modified),
    revision: quotedTag === undefined ? {} : { etag: quotedTag },
    checksums: etagIsMd5 ? md5OfEtag(quotedTag) : NONE,
  };
}

const NONE = {};

function field(xml: string, open: string, begin: number, close: number): string | undefined {
  const at = xml.indexOf(open, begin);
  if (at < 0 || at >= close) return undefined;
  const from = at + open.length;
  return xml.slice(from, xml.indexOf('<', from));
}

const QUOTE = '&#34;';

/** MinIO writes the quotes as references: one look for each object is a fifth of a listing's cost. */
function listedEtag(etag: string): string {
  const end = etag.length - QUOTE.length;
  if (etag.startsWith(QUOTE) && etag.indexOf('&', QUOTE.length) === end && etag.endsWith(QUOTE)) return `"${etag.slice(QUOTE.length, end)}"`;
  return quotedEtag(decodedText(etag));
}

/** ETags in the form that headers have: some servers leave the quotes out of listings. */
export function quotedEtag(etag: string): string {
  return etag.startsWith('"') || etag.startsWith('W/') ? etag : `"${etag}"`;
}

/** The MD5 that the ETag of an object is that was written in one request and is not encrypted with KMS. */
export function md5OfEtag(etag: string | undefined): { readonly md5?: string } {
  return etag !== undefined && /^"[0-9a-f]{32}"$/.test(etag) ? { md5: Buffer.from(etag.slice(1, 33), 'hex').toString('base64') } : NONE;
}
