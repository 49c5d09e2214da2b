import { lowerName } from './header-name.ts';
import { HttpFault } from './http-fault.ts';

/** By names in small letters. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One value of a header; of several, as proxies send, the first. */
export function headerOf(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Whether the connection may be used again, as the head has it. */
  readonly keepsAlive: boolean;
}

/** How the bytes of a body are told from what comes behind it: RFC 9112, section 6.3. `close`: they end with the connection. */
export type BodyLength = number | 'chunked' | 'close';

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Anything but CR, LF and NUL (RFC 9110, section 5.5); the bytes beyond ASCII are given as Latin-1. */
const VALUE = /^[^\0\r\n]*$/;

/** Reads the head of an answer: all before its empty line, as Latin-1. Throws {@link HttpFault} at what is none. */
export function parseHead(text: string): AnswerHead {
  const lines = text.split('\r\n');
  const [, minor, status] = STATUS_LINE.exec(lines[0] ?? '') ?? [];
  if (status === undefined) throw new HttpFault('HTTP_MALFORMED', 'the answer has no status line');
  // Without a prototype: a header may have any name.
  const headers = { __proto__: null } as unknown as Record<string, string | string[]>;
  for (let i = 1; i < lines.length; i++) addHeader(headers, lines[i] as string);
  const connection = String(headers['connection'] ?? '').toLowerCase();
  // HTTP/1.0 knows no chunks: whoever sends them there may mean another end.
  const keepsAlive = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive') && headers['transfer-encoding'] === undefined;
  return { status: Number(status), headers, keepsAlive };
}

function addHeader(headers: Record<string, string | string[]>, line: string): void {
  const colon = line.indexOf(':');
  const name = lowerName(line.slice(0, Math.max(0, colon)));
  if (name === undefined) throw new HttpFault('HTTP_MALFORMED', 'the answer has a line that is no header');
  const value = withoutBlanks(line, colon + 1);
  if (!VALUE.test(value)) throw new HttpFault('HTTP_MALFORMED', `the header ${name} of the answer has a control character`);
  const held = headers[name];
  if (held === undefined) headers[name] = value;
  else if (Array.isArray(held)) held.push(value);
  else headers[name] = [held, value];
}

/** From there on, without blanks around it. Not `trim`: the last byte of a letter in UTF-8 may be a space of Latin-1. */
function withoutBlanks(line: string, start: number): string {
  let from = start;
  let to = line.length;
  while (isBlank(line.charCodeAt(from))) from++;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--;
  return line.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Throws {@link HttpFault} where the headers leave it open: two who read them differently would not agree where the next answer begins. */
export function bodyLengthOf(method: string, { status, headers }: AnswerHead): BodyLength {
  if (method === 'HEAD' || status === 204 || status === 304) return 0;
  const length = headers['content-length'];
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked' || length !== undefined)
      throw new HttpFault('HTTP_MALFORMED', 'the answer says in more than one way how long its body is');
    return 'chunked';
  }
  if (length === undefined) return 'close';
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length)) throw new HttpFault('HTTP_MALFORMED', 'the answer has no whole number as its content-length');
  return Number(length);
}

/** How long the server says that it keeps an idle connection, in milliseconds. */
export function keepAliveMs(headers: AnswerHeaders): number | undefined {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(headerOf(headers, 'keep-alive') ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
