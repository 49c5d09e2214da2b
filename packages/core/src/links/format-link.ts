import { StorageError } from '../storage-error.ts';
import { quoted } from '../wording/quoted.ts';
import type { Link, LinkPrefix, LinkSchemes } from './link.ts';
import { STANDARD_SCHEMES } from './link.ts';
import { parseLink, parseLinkPrefix } from './parse-link.ts';

export interface FormatLinkOptions {
  /** Which schemes there are; the first one of a provider is written. Default: `STANDARD_SCHEMES`. */
  readonly schemes?: LinkSchemes;
}

/** The canonical text of a link; parsing it gives the same value. Throws `InvalidLink` for a value that no text can stand for. */
export function formatLink(link: Link, o: FormatLinkOptions = {}): string {
  if (link.kind === 'url') return formatUrl(link.url);
  const text = `${schemeOf(link.provider, o)}://${link.bucket}/${link.key}`;
  const back = parseLink(text, o);
  if (back.kind !== 'object' || back.bucket !== link.bucket) throw slashInBucket(link.bucket);
  return text;
}

/** The canonical text of a bucket or prefix; with an empty prefix it ends in a slash. Throws `InvalidLink`. */
export function formatLinkPrefix(place: LinkPrefix, o: FormatLinkOptions = {}): string {
  const text = `${schemeOf(place.provider, o)}://${place.bucket}/${place.prefix}`;
  if (parseLinkPrefix(text, o).bucket !== place.bucket) throw slashInBucket(place.bucket);
  return text;
}

function formatUrl(url: string): string {
  const back = parseLink(url);
  if (back.kind !== 'url') throw new StorageError('InvalidLink', `expected a URL that begins with http:// or https://; got a link of ${quoted(back.provider)}`);
  return back.url;
}

function schemeOf(provider: string, o: FormatLinkOptions): string {
  for (const [scheme, answering] of o.schemes ?? STANDARD_SCHEMES) if (answering === provider) return scheme;
  throw new StorageError('InvalidLink', `no link scheme belongs to the provider ${quoted(provider)}: pass "schemes" that name one`);
}

/** Everything behind the first slash would come back as a key. */
function slashInBucket(bucket: string): StorageError {
  return new StorageError('InvalidLink', `no link can name the bucket ${quoted(bucket)}: expected a name without "/"`);
}
