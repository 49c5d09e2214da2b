const PLAIN = /^[A-Za-z0-9\-._~/]*$/;

/** Every byte of UTF-8 but the unreserved ones (RFC 3986, 2.3), as signatures want it. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A key as it stands in a path: slashes stay, `//` too. */
export function encodedKey(key: string): string {
  return PLAIN.test(key) ? key : percentEncoded(key).replaceAll('%2F', '/');
}

/** `?a=b&c=d` in the order of the object, or nothing; what is undefined is left out. */
export function encodedQuery(query: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const name in query) {
    const value = query[name];
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${percentEncoded(name)}=${percentEncoded(value)}`;
  }
  return text;
}
