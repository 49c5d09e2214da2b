/** What a server must take at least, rounded: https://www.rfc-editor.org/rfc/rfc9110#section-4.1 */
export const MAX_URL_BYTES = 8000;

/** A segment that a URL parser takes for `.` or `..`; the plain forms are no keys anywhere. */
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i;

/** Why a key is no public link, in words that hold nothing of it; undefined where it is one. A URL parser would repair much of this, and ask for something else than was written. */
export function urlFault(key: string): string | undefined {
  const start = /^https?:\/\/([^/?#]*)([^?#]*)/i.exec(key);
  if (start === null) return 'it is no URL that begins with https:// or http://';
  if (Buffer.byteLength(key) > MAX_URL_BYTES) return `it is longer than ${MAX_URL_BYTES} bytes`;
  if (/[\u0000-\u001f\u007f]/.test(key)) return 'it has a control character';
  if (key.endsWith(' ')) return 'it ends with a space';
  const [, host = '', path = ''] = start;
  if (host === '') return 'it has no host';
  if (`${host}${path}`.includes('\\')) return 'it has a backslash, which URLs take for a slash; write %5C';
  if (host.includes('@')) return 'it has a user or a password before the host, which are not sent';
  if (key.includes('#')) return 'it has a "#", and what is behind it is never sent to a server; leave that out, or write %23 where it belongs to the name';
  if (path.split('/').some((segment) => DOT_SEGMENT.test(segment))) return 'it has "." or ".." between slashes, percent-encoded';
  return URL.canParse(key) ? undefined : 'its host or port is none';
}
