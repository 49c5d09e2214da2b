import { type LinkSchemes, STANDARD_SCHEMES, tryParseLink } from '@stowage/core';
import { longer, MAX_LINK_BYTES } from './names.ts';

export type CanonicalLink = { readonly ok: true; readonly link: string } | { readonly ok: false; readonly reason: string };

/**
 * Brings links into the one form in which they are compared, `formatLink`'s. Bucket and key stand in a link literally, so only the
 * scheme can be written in several ways: it alone is looked up, which a million links notice.
 */
export function canonicalLinks(schemes: LinkSchemes = STANDARD_SCHEMES): (text: string) => CanonicalLink {
  const schemeOf = new Map<string, string>();
  for (const [scheme, provider] of schemes) if (!schemeOf.has(provider)) schemeOf.set(provider, scheme);
  return (text) => {
    const parsed = tryParseLink(text, { schemes });
    if (!parsed.ok) return { ok: false, reason: `column ${parsed.column} of the link: ${parsed.reason}` };
    const link = parsed.link.kind === 'url' ? parsed.link.url : `${schemeOf.get(parsed.link.provider)}${text.slice(text.indexOf(':'))}`;
    if (link.includes('\0')) return { ok: false, reason: 'a link cannot hold a NUL character' };
    if (longer(link, MAX_LINK_BYTES)) return { ok: false, reason: `a link has at most ${MAX_LINK_BYTES} bytes; got ${Buffer.byteLength(link)}` };
    return { ok: true, link };
  };
}
