import { lowerName } from './header-name.ts';

/** No space and no control character ends the request line early. */
const TARGET = /^[\x21-\x7e]+$/;
const METHOD = /^[A-Z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The head of a request, with its empty line. `length` is that of the body, undefined where there is none. Throws a `TypeError` at what
 * would be read as more than one header or request: no value is shown, it may be a secret.
 */
export function requestHead(method: string, target: string, host: string, headers: Readonly<Record<string, string>>, length: number | undefined): string {
  if (!METHOD.test(method) || !TARGET.test(target))
    throw new TypeError(`a request's ${METHOD.test(method) ? 'path' : 'method'} has a character that none may have`);
  let head = `${method} ${target} HTTP/1.1\r\n`;
  let hasHost = false;
  for (const name in headers) {
    const value = headers[name] as string;
    const lower = lowerName(name);
    if (lower === undefined || !VALUE.test(value)) throw new TypeError(`the request's header ${JSON.stringify(name)} has a character that none may have`);
    if (lower === 'content-length') {
      // It is made of the body that is sent: another number would shift where the next request begins.
      if (Number(value) !== (length ?? 0)) throw new TypeError(`the request announces ${value} bytes and has ${length ?? 0}`);
      continue;
    }
    // A second way to tell the length.
    if (lower === 'transfer-encoding') throw new TypeError('a request is sent with its length, not with a transfer-encoding');
    if (lower === 'host') hasHost = true;
    head += `${name}: ${value}\r\n`;
  }
  if (!hasHost) head += `host: ${host}\r\n`;
  if (length !== undefined) head += `content-length: ${length}\r\n`;
  return `${head}\r\n`;
}
