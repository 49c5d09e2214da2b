import type { ObjectInfo } from '@stowage/core';
import { decodedText } from './text.ts';

/** One entry of a listing, in the service's order. */
export type ListedEntry =
  | { readonly key: string; readonly object: ObjectInfo; /** Blocks that were never committed, and no blob yet. */ readonly uncommitted: boolean }
  | { readonly key: string; readonly object?: undefined };

export interface ListedPage {
  readonly entries: ListedEntry[];
  /** Where the next page begins; undefined behind the last. */
  readonly marker: string | undefined;
}

/** A listing that is cut off or is none: there may be keys that it lacks. */
export class ListingFault extends Error {
  override readonly name = 'ListingFault';
}

/**
 * Reads the answer to List Blobs. A scan for the few elements that count, a tenth of the cost of an XML parser; it relies on what the
 * service writes (no comments, no attributes but `Encoded`), and refuses whatever does not end as a listing does.
 */
export function scanListing(xml: string): ListedPage {
  const root = xml.indexOf('<EnumerationResults');
  const end = xml.lastIndexOf('</EnumerationResults>');
  if (root < 0 || end < 0) throw new ListingFault(root < 0 ? 'the answer is no listing' : 'the listing is cut off');
  const entries: ListedEntry[] = [];
  let at = root;
  for (;;) {
    const open = xml.indexOf('<Blob', at);
    if (open < 0) break;
    const next = xml.charCodeAt(open + 5);
    if (next === GREATER) {
      const close = closing(xml, '</Blob>', open);
      const entry = blobEntry(xml, open, close);
      if (entry !== undefined) entries.push(entry);
      at = close + 7;
    } else if (xml.startsWith('Prefix>', open + 5)) {
      const close = closing(xml, '</BlobPrefix>', open);
      entries.push({ key: nameIn(xml, open, close) });
      at = close + 13;
    } else at = open + 5;
  }
  const marker = field(xml, '<NextMarker>', Math.max(root, at - 1), end);
  return { entries, marker: marker === undefined || marker === '' ? undefined : decodedText(marker) };
}

const GREATER = 0x3e;

function closing(xml: string, tag: string, from: number): number {
  const close = xml.indexOf(tag, from);
  if (close < 0) throw new ListingFault('the listing is cut off');
  return close;
}

function blobEntry(xml: string, open: number, close: number): ListedEntry | undefined {
  // A folder of a hierarchical namespace is no blob.
  if (field(xml, '<ResourceType>', open, close) === 'directory') return undefined;
  const key = nameIn(xml, open, close);
  const size = field(xml, '<Content-Length>', open, close);
  if (size === undefined) throw new ListingFault('the listing has an entry without a size');
  const etag = field(xml, '<Etag>', open, close);
  const modified = field(xml, '<Last-Modified>', open, close);
  const md5 = field(xml, '<Content-MD5>', open, close);
  // What is not committed has no content type, which every blob has.
  const uncommitted = (field(xml, '<Content-Type>', open, close) ?? '') === '';
  const object: ObjectInfo = {
    key,
    size: Number(size),
    lastModified: modified === undefined || modified === '' ? new Date(0) : new Date(modified),
    revision: etag === undefined || etag === '' ? {} : { etag: quotedEtag(etag) },
    checksums: md5 === undefined || md5 === '' ? NONE : { md5 },
  };
  return { key, object, uncommitted };
}

const NONE = {};

/** Names that XML cannot hold come percent-encoded, and say so. */
function nameIn(xml: string, open: number, close: number): string {
  const at = xml.indexOf('<Name', open);
  const begin = xml.indexOf('>', at) + 1;
  const stop = xml.indexOf('</Name>', begin);
  if (at < 0 || stop < 0 || stop > close) throw new ListingFault('the listing has an entry without a name');
  const text = decodedText(xml.slice(begin, stop));
  return xml.slice(at, begin).includes('Encoded="true"') ? decodeURIComponent(text) : text;
}

function field(xml: string, open: string, begin: number, close: number): string | undefined {
  const at = xml.indexOf(open, begin);
  if (at < 0 || at >= close) return undefined;
  const from = at + open.length;
  return xml.slice(from, xml.indexOf('<', from));
}

/** ETags in the form that headers have: listings leave the quotes out. */
function quotedEtag(etag: string): string {
  const text = etag.includes('&') ? decodedText(etag) : etag;
  return text.startsWith('"') ? text : `"${text}"`;
}
