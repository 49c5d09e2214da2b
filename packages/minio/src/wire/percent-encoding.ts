const PLAIN = /^[A-Za-z0-9\-._~/]*$/;

/** RFC 3986: every byte of UTF-8 but the unreserved ones. The alphabet of SigV4. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A key as it stands in a path: slashes stay, `//` too. */
export function encodedKey(key: string): string {
  return PLAIN.test(key) ? key : percentEncoded(key).replaceAll('%2F', '/');
}

/** The query in the order of SigV4: by encoded name (`a` before `a-b`, though `-` sorts before `=`). */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  const names = Object.keys(query);
  if (names.length === 0) return '';
  return names
    .map((name) => [percentEncoded(name), percentEncoded(query[name] as string)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}
