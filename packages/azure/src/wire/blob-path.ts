const PLAIN = /^[A-Za-z0-9\-._~/]*$/;

/** Every byte of UTF-8 but the unreserved ones (RFC 3986, 2.3). */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A key as it stands in a path: slashes stay, `//` too. */
export function encodedKey(key: string): string {
  return PLAIN.test(key) ? key : percentEncoded(key).replaceAll('%2F', '/');
}

/** A query as it stands in a URL, with the `?` before it; nothing for none. */
export function encodedQuery(query: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name in query) text += `${text === '' ? '?' : '&'}${percentEncoded(name)}=${percentEncoded(query[name] as string)}`;
  return text;
}
