import { formatLinkPrefix, type LinkPrefix, parseLinkPrefix } from '@stowage/core';

const PUBLIC_URL = /^https?:\/\//i;

/** The bucket or folder that a command line names: of `s3://cars/2020` the prefix is `2020/`, so that `2020-old/` is not taken along. Throws `InvalidLink`. */
export function namedFolder(text: string): LinkPrefix {
  const place = parseLinkPrefix(text);
  return { ...place, prefix: asFolder(place.prefix) };
}

/** What the canonical links of a named bucket or folder, or of a folder of public links, begin with. Throws `InvalidLink`. */
export function linksOfFolder(text: string): string {
  return PUBLIC_URL.test(text) ? asFolder(text) : formatLinkPrefix(namedFolder(text));
}

/** The provider of what {@link linksOfFolder} takes. Throws `InvalidLink`. */
export function providerOf(text: string): string {
  return PUBLIC_URL.test(text) ? 'http' : namedFolder(text).provider;
}

function asFolder(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}
