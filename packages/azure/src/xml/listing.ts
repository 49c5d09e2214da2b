import type { ObjectInfo } from '@stowage/core';
import { decodedText } from '@stowage/wire';

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
      const entry = blobEntry(xml.slice(open, close));
      if (entry !== undefined) entries.push(entry);
      at = close + 7;
    } else if (xml.startsWith('Prefix>', open + 5)) {
      const close = closing(xml, '</BlobPrefix>', open);
      entries.push({ key: nameIn(xml.slice(open, close)) });
      at = close + 13;
    } else at = open + 5;
  }
  const marker = field(xml.slice(at, end), '<NextMarker>');
  return { entries, marker: marker === undefined || marker === '' ? undefined : decodedText(marker) };
}

const GREATER = 0x3e;

function closing(xml: string, tag: string, from: number): number {
  const close = xml.indexOf(tag, from);
  if (close < 0) throw new ListingFault('the listing is cut off');
  return close;
}

/** Looked for in the entry's own text: a search for what it lacks would go on to the end of the listing. */
function blobEntry(entry: string): ListedEntry | undefined {
  // A folder of a hierarchical namespace is no blob.
  if (field(entry, '<ResourceType>') === 'directory') return undefined;
  const key = nameIn(entry);
  const size = field(entry, '<Content-Length>');
  if (size === undefined) throw new ListingFault('the listing has an entry without a size');
  const etag = field(entry, '<Etag>');
  const modified = field(entry, '<Last-Modified>');
  const md5 = field(entry, '<Content-MD5>');
  // What is not committed has no content type, which every blob has.
  const uncommitted = (field(entry, '<Content-Type>') ?? '') === '';
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
function nameIn(entry: string): string {
  const at = entry.indexOf('<Name');
  const begin = entry.indexOf('>', at) + 1;
  const stop = entry.indexOf('</Name>', begin);
  if (at < 0 || stop < 0) throw new ListingFault('the listing has an entry without a name');
  const text = decodedText(entry.slice(begin, stop));
  return entry.slice(at, begin).includes('Encoded="true"') ? decodeURIComponent(text) : text;
}

function field(entry: string, open: string): string | undefined {
  const at = entry.indexOf(open);
  if (at < 0) return undefined;
  const from = at + open.length;
  return entry.slice(from, entry.indexOf('<', from));
}

/** ETags in the form that headers have: listings leave the quotes out. */
function quotedEtag(etag: string): string {
  const text = etag.includes('&') ? decodedText(etag) : etag;
  return text.startsWith('"') ? text : `"${text}"`;
}
