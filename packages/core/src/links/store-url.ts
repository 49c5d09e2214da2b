/**
 * The https forms under which the great stores publish their objects. Sources: Amazon S3 user guide, "Methods for accessing a
 * bucket"; Azure, "Naming and referencing containers, blobs, and metadata"; Google Cloud Storage, "Request endpoints".
 */
import { isUtf8 } from 'node:buffer';

import type { LinkFault, ObjectLink } from './link.ts';
import { controlCharacter, faultAt, invalidLink, isDotSegment, keyFaultFrom, LONE_SURROGATE, loneSurrogate } from './link-faults.ts';

/** What a URL of a store names. */
export interface StoreUrl {
  readonly link: ObjectLink;
  /** In lower case. A link has no place for the account or region that it names: compare it with the endpoint of the storage. */
  readonly host: string;
}

/**
 * The object that an https URL of S3, Azure or Google names, percent-decoded once; undefined for every other URL. A URL with a
 * query or fragment is not taken: it may carry a signature or name an old version, and a link could say neither. `+` stays `+`.
 * Throws `InvalidLink` where the percent-encoding is broken or the decoded key is none.
 */
export function parseStoreUrl(url: string): StoreUrl | undefined {
  const read = readStoreUrl(url);
  if (read === undefined) return undefined;
  if (!read.ok) throw invalidLink(url, read);
  return { link: read.link, host: read.host };
}

type Recognized = { readonly ok: true; readonly link: ObjectLink; readonly host: string };

/** As {@link parseStoreUrl}, but gives a fault back. */
export function readStoreUrl(url: string): Recognized | LinkFault | undefined {
  const parts = /^https?:\/\/([^/?#@]+)\/([^?#]+)$/is.exec(url);
  if (!parts) return undefined;
  if (!url.isWellFormed()) return faultAt(loneSurrogate(url), LONE_SURROGATE);
  const host = (parts[1] ?? '').toLowerCase().replace(/^https/i.test(url) ? /:443$/ : /:80$/, '');
  const path = parts[2] ?? '';
  const store = storeAt(host, path);
  if (!store) return undefined;
  const pathStart = url.length - path.length;
  if (store.bucket !== undefined) return objectAt(store.provider, store.bucket, path, host, pathStart, pathStart);
  const slash = path.indexOf('/');
  if (slash <= 0 || slash + 1 === path.length) return undefined;
  return objectAt(store.provider, path.slice(0, slash), path.slice(slash + 1), host, pathStart, pathStart + slash + 1);
}

interface Store {
  readonly provider: string;
  /** In the host's name; absent where the path begins with it. */
  readonly bucket?: string;
}

/** Virtual host or path style; `s3-<region>` is the old form. Websites, access points and control endpoints are no stores of keys. */
const S3 = /^(?:(.+)\.)?s3(?:(?:\.dualstack)?[.-][a-z]{2,4}(?:-[a-z]+)+-\d+)?\.amazonaws\.com(?:\.cn)?$/;
const S3_ACCELERATED = /^(.+)\.s3-accelerate(?:\.dualstack)?\.amazonaws\.com$/;
const AZURE = /^[a-z0-9-]+\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;
const GOOGLE = /^(?:(.+)\.)?storage\.(?:googleapis|cloud\.google)\.com$/;
/** Paths of Google's JSON interface, which no bucket begins. */
const GOOGLE_JSON = /^(?:(?:download|upload|resumable\/upload)\/)?storage\/v1(?:\/|$)|^batch\//;

function storeAt(host: string, path: string): Store | undefined {
  const s3 = S3.exec(host) ?? S3_ACCELERATED.exec(host);
  if (s3) return { provider: 'minio', ...named(s3[1]) };
  if (AZURE.test(host)) return { provider: 'azure' };
  const google = GOOGLE.exec(host);
  if (google && !(google[1] === undefined && GOOGLE_JSON.test(path))) return { provider: 'google', ...named(google[1]) };
  return undefined;
}

function named(bucket: string | undefined): { readonly bucket?: string } {
  return bucket === undefined ? {} : { bucket };
}

function objectAt(provider: string, rawBucket: string, rawKey: string, host: string, bucketStart: number, keyStart: number): Recognized | LinkFault {
  const bucket = percentDecoded(rawBucket, bucketStart);
  if (!bucket.ok) return bucket;
  const key = percentDecoded(rawKey, keyStart);
  if (!key.ok) return key;
  const { text } = bucket;
  if (text.includes('/') || controlCharacter(text, 0, text.length) >= 0 || isDotSegment(text, 0, text.length))
    return faultAt(bucketStart, 'expected the name of a bucket; decoded, it holds "/" or a control character, or is "." or ".."');
  const fault = keyFaultFrom(key.text, 0);
  if (fault) return faultAt(keyStart, `${fault.reason} (position ${fault.column} of the decoded key)`);
  return { ok: true, link: { kind: 'object', provider, bucket: text, key: key.text }, host };
}

/** `start`: where the text stands in the URL, for the column of a fault. */
function percentDecoded(text: string, start: number): { readonly ok: true; readonly text: string } | LinkFault {
  if (!text.includes('%')) return { ok: true, text };
  try {
    return { ok: true, text: decodeURIComponent(text) };
  } catch (error) {
    if (error instanceof URIError) return brokenEncoding(text, start);
    throw error;
  }
}

function brokenEncoding(text: string, start: number): LinkFault {
  const broken = text.search(/%(?![0-9a-f]{2})/i);
  if (broken >= 0) return faultAt(start + broken, 'expected two hexadecimal digits behind "%"');
  const runs = [...text.matchAll(/(?:%[0-9a-f]{2})+/gi)];
  const run = runs.find(([escapes]) => !isUtf8(Buffer.from(escapes.replaceAll('%', ''), 'hex')));
  return faultAt(start + (run?.index ?? 0), 'expected the percent-encoding of UTF-8');
}
