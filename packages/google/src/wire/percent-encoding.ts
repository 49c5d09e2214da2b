/** RFC 3986: every byte of UTF-8 but the unreserved ones, as V4 signatures want it. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A key in a path of the XML API: slashes stay, `//` too. */
export function encodedPath(key: string): string {
  return percentEncoded(key).replaceAll('%2F', '/');
}

/** `?a=b&c=d`, or nothing; what is undefined is left out. */
export function queryText(query: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const name in query) {
    const value = query[name];
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${name}=${encodeURIComponent(value)}`;
  }
  return text;
}
