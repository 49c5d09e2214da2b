/**
 * Links, split by hand. `URL` would resolve `..` and `%2e%2e`, drop tabs and cut at `?` and `#`: all of these belong to a key.
 *
 * Grammar: `<scheme>://<bucket>/<key>`. The scheme is compared without case; everything to the first `/` is the bucket; all
 * the rest, literally, is the key. `http` and `https` links are one opaque URL.
 */
import { nearestName } from '../wording/nearest-name.ts';
import { quoted } from '../wording/quoted.ts';
import type { Link, LinkFault, LinkPrefix, LinkSchemes } from './link.ts';
import { STANDARD_SCHEMES } from './link.ts';
import { controlCharacter, faultAt, invalidLink, isDotSegment, keyFaultFrom, LONE_SURROGATE, loneSurrogate } from './link-faults.ts';
import { readStoreUrl } from './store-url.ts';

export interface ParseLinkOptions {
  /** Which schemes there are. Default: {@link STANDARD_SCHEMES}. */
  readonly schemes?: LinkSchemes;
  /**
   * Rewrite the https forms of S3, Azure and Google (see `parseStoreUrl`) to links of their storage, percent-decoded once.
   * Every other URL stays a URL. Default false.
   */
  readonly rewriteStoreUrls?: boolean;
}

/** A link, or the reason why there is none. */
export type ParsedLink = { readonly ok: true; readonly link: Link } | LinkFault;
export type ParsedLinkPrefix = { readonly ok: true; readonly place: LinkPrefix } | LinkFault;

/** Reads a link. Throws `InvalidLink`, naming the column and what was expected there. */
export function parseLink(text: string, o: ParseLinkOptions = {}): Link {
  const parsed = tryParseLink(text, o);
  if (!parsed.ok) throw invalidLink(text, parsed);
  return parsed.link;
}

/** Reads a bucket with or without a prefix, as commands take it: `azure://boats`, `s3://cars/2020/`. Throws `InvalidLink`. */
export function parseLinkPrefix(text: string, o: Pick<ParseLinkOptions, 'schemes'> = {}): LinkPrefix {
  const parsed = tryParseLinkPrefix(text, o);
  if (!parsed.ok) throw invalidLink(text, parsed, 'link of a bucket or prefix');
  return parsed.place;
}

/** As {@link parseLink}, but gives a fault back: for files of millions of lines. */
export function tryParseLink(text: string, o: ParseLinkOptions = {}): ParsedLink {
  const start = readScheme(text, o.schemes ?? STANDARD_SCHEMES);
  if (!start.ok) return start;
  if (isUrlScheme(start.scheme)) {
    const parsed = readUrl(text, start.scheme, start.end);
    return (parsed.ok && o.rewriteStoreUrls ? readStoreUrl(parsed.link.url) : undefined) ?? parsed;
  }
  const slash = text.indexOf('/', start.end);
  const fault = bucketFault(text, start.end, slash < 0 ? text.length : slash);
  if (fault) return fault;
  if (slash < 0) return faultAt(text.length, 'expected "/" and a key behind the bucket; got the end');
  if (slash + 1 === text.length) return faultAt(text.length, 'expected a key behind the bucket; got the end');
  const inKey = keyFaultFrom(text, slash + 1);
  if (inKey) return inKey;
  return { ok: true, link: { kind: 'object', provider: start.provider, bucket: text.slice(start.end, slash), key: text.slice(slash + 1) } };
}

/** As {@link parseLinkPrefix}, but gives a fault back. */
export function tryParseLinkPrefix(text: string, o: Pick<ParseLinkOptions, 'schemes'> = {}): ParsedLinkPrefix {
  const start = readScheme(text, o.schemes ?? STANDARD_SCHEMES);
  if (!start.ok) return start;
  if (isUrlScheme(start.scheme)) return faultAt(0, 'expected a bucket of a storage; an http link names one file and has no bucket');
  const slash = text.indexOf('/', start.end);
  const end = slash < 0 ? text.length : slash;
  const fault = bucketFault(text, start.end, end) ?? (slash < 0 ? undefined : keyFaultFrom(text, slash + 1));
  if (fault) return fault;
  return { ok: true, place: { provider: start.provider, bucket: text.slice(start.end, end), prefix: text.slice(end + 1) } };
}

const SCHEME = /^[a-z][a-z0-9+.-]*$/i;

type Scheme = { readonly ok: true; readonly scheme: string; readonly provider: string; readonly end: number };

/** The scheme and the index behind `://`; also refuses what no part of a link can hold. */
function readScheme(text: string, schemes: LinkSchemes): Scheme | LinkFault {
  const colon = text.indexOf(':');
  const written = colon < 0 ? '' : text.slice(0, colon);
  const scheme = schemes.has(written) ? written : written.toLowerCase();
  const provider = schemes.get(scheme);
  if (provider === undefined) return noScheme(text, written, schemes);
  if (!text.startsWith('//', colon + 1)) return faultAt(colon + 1, `expected "//" behind ${quoted(`${written}:`)}`);
  if (!text.isWellFormed()) return faultAt(loneSurrogate(text), LONE_SURROGATE);
  return { ok: true, scheme, provider, end: colon + 3 };
}

function isUrlScheme(scheme: string): boolean {
  return scheme === 'https' || scheme === 'http';
}

function noScheme(text: string, written: string, schemes: LinkSchemes): LinkFault {
  const names = [...schemes.keys()];
  const expected = `expected <scheme>://<bucket>/<key> with a scheme of ${names.join(', ')}`;
  if (text === '') return faultAt(0, `${expected}; got nothing`);
  if (!SCHEME.test(written)) return faultAt(0, `${expected}; got no scheme`);
  const near = nearestName(written, names);
  return faultAt(0, `${expected}; got ${quoted(written, 20)}${near === undefined ? '' : `, did you mean ${quoted(near)}?`}`);
}

function readUrl(
  text: string,
  scheme: string,
  hostStart: number,
): LinkFault | { readonly ok: true; readonly link: { readonly kind: 'url'; readonly url: string } } {
  const hostEnd = endOfHost(text, hostStart);
  if (hostEnd === hostStart) return faultAt(hostStart, 'expected a host behind "//"');
  const control = controlCharacter(text, hostStart, hostEnd);
  if (control >= 0) return faultAt(control, 'a host cannot hold a control character');
  return { ok: true, link: { kind: 'url', url: text.startsWith(scheme) ? text : scheme + text.slice(scheme.length) } };
}

function endOfHost(text: string, start: number): number {
  const end = text.slice(start).search(/[/?#]/);
  return end < 0 ? text.length : start + end;
}

/** Bucket names are judged no harder than a link demands: their provider knows its own rules. */
function bucketFault(text: string, start: number, end: number): LinkFault | undefined {
  if (start === end) return faultAt(start, 'expected the name of a bucket behind "//"');
  const control = controlCharacter(text, start, end);
  if (control >= 0) return faultAt(control, 'the name of a bucket cannot hold a control character');
  if (isDotSegment(text, start, end)) return faultAt(start, 'the name of a bucket cannot be "." or ".."');
  return undefined;
}
