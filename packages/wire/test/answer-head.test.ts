import { describe, expect, it } from 'vitest';
import { bodyLengthOf, keepAliveMs, parseHead } from '../src/answer-head.ts';

const head = (...lines: string[]): ReturnType<typeof parseHead> => parseHead(lines.join('\r\n'));
const malformed: unknown = expect.objectContaining({ code: 'HTTP_MALFORMED' });

describe('the status line', () => {
  it.each([
    ['HTTP/1.1 200 OK', 200],
    ['HTTP/1.1 200', 200],
    ['HTTP/1.1 200 ', 200],
    ['HTTP/1.0 404 Not Found', 404],
    ['HTTP/1.1 503 D\xe9sol\xe9\t!', 503],
  ])('%j is status %d', (line, status) => {
    expect(head(line).status).toBe(status);
  });

  it.each([
    '',
    'HTTP/2 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 99 OK',
    'HTTP/1.1 600 OK',
    'HTTP/1.1 2000 OK',
    'http/1.1 200 OK',
    'ICY 200 OK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 O\nK',
    ' HTTP/1.1 200 OK',
  ])('%j is none', (line) => {
    expect(() => head(line)).toThrow(malformed);
  });
});

describe('headers', () => {
  it('have small names, and values without the blanks around them', () => {
    const { headers } = head('HTTP/1.1 200 OK', 'ETag:"a"', 'X-Blank: \t a b \t', 'x-empty:', 'x-colons: a:b: c');
    expect({ ...headers }).toEqual({ etag: '"a"', 'x-blank': 'a b', 'x-empty': '', 'x-colons': 'a:b: c' });
  });

  it('keep every byte of a value: the last one of a letter in UTF-8 is no blank', () => {
    const { headers } = head('HTTP/1.1 200 OK', `x-amz-meta-where: ${Buffer.from('voilà').toString('latin1')}`);
    expect(Buffer.from(headers['x-amz-meta-where'] as string, 'latin1').toString()).toBe('voilà');
  });

  it('that come more than once are all kept', () => {
    expect(head('HTTP/1.1 200 OK', 'a: 1', 'A: 2', 'a: 3').headers['a']).toEqual(['1', '2', '3']);
  });

  it('may have any name, those of objects too', () => {
    const { headers } = head('HTTP/1.1 200 OK', '__proto__: a', 'constructor: b');
    expect([headers['__proto__'], headers['constructor'], headers['toString']]).toEqual(['a', 'b', undefined]);
  });

  it.each([
    ['is folded', 'a: b', ' c: d'],
    ['is folded with a tab', 'a: b', '\tc'],
    ['has no colon', 'a'],
    ['has no name', ': b'],
    ['has a blank before its colon', 'a : b'],
    ['has a control character in its name', 'a\0b: c'],
    ['has a NUL in its value', 'a: b\0c'],
    ['has a CR in its value', 'a: b\rc: d'],
    ['has a CR at the end of its value', 'a: b\r'],
    ['has an LF in its value', 'a: b\nc: d'],
    ['has an LF at the end of its value', 'a: b\n'],
    ['is empty', '', 'a: b'],
  ])('are refused where one %s', (_what, ...lines) => {
    expect(() => head('HTTP/1.1 200 OK', ...lines)).toThrow(malformed);
  });
});

describe('a connection', () => {
  it.each([
    [true, ['HTTP/1.1 200 OK']],
    [true, ['HTTP/1.1 200 OK', 'Connection: keep-alive']],
    [false, ['HTTP/1.1 200 OK', 'Connection: close']],
    [false, ['HTTP/1.1 200 OK', 'connection: Keep-Alive, Close']],
    [false, ['HTTP/1.1 200 OK', 'Connection: keep-alive', 'Connection: close']],
    [false, ['HTTP/1.0 200 OK']],
    [true, ['HTTP/1.0 200 OK', 'Connection: Keep-Alive']],
    [false, ['HTTP/1.0 200 OK', 'Connection: keep-alive', 'Transfer-Encoding: chunked']],
  ])('is kept: %s, behind %j', (kept, lines) => {
    expect(head(...lines).keepsAlive).toBe(kept);
  });

  it.each([
    ['timeout=5', 5000],
    ['timeout=5, max=100', 5000],
    ['max=100, Timeout=20', 20_000],
    ['max=100', undefined],
    ['mytimeout=5', undefined],
    ['timeout=', undefined],
  ])('is kept as long as Keep-Alive: %s says', (value, ms) => {
    expect(keepAliveMs({ 'keep-alive': value })).toBe(ms);
  });
});

describe('the length of a body', () => {
  const length = (method: string, status: number, ...headers: string[]): ReturnType<typeof bodyLengthOf> =>
    bodyLengthOf(method, head(`HTTP/1.1 ${status} Any`, ...headers));

  it('is what the head says, or all until the connection ends', () => {
    expect(length('GET', 200, 'content-length: 5')).toBe(5);
    expect(length('GET', 200, 'content-length: 0')).toBe(0);
    expect(length('GET', 200, 'transfer-encoding: Chunked')).toBe('chunked');
    expect(length('GET', 200)).toBe('close');
  });

  it('is nothing behind HEAD, 204 and 304, whatever the head says', () => {
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const)
      for (const header of ['content-length: 5', 'transfer-encoding: chunked']) expect(length(method, status, header)).toBe(0);
  });

  it.each([
    [['content-length: 5', 'transfer-encoding: chunked']],
    [['content-length: 5', 'content-length: 6']],
    [['content-length: 5', 'content-length: 5']],
    [['content-length: 5, 5']],
    [['content-length: -5']],
    [['content-length: +5']],
    [['content-length: 0x5']],
    [['content-length: 5.0']],
    [['content-length:']],
    [['content-length: 12345678901234567']],
    [['transfer-encoding: gzip, chunked']],
    [['transfer-encoding: chunked', 'transfer-encoding: chunked']],
    [['transfer-encoding: identity']],
  ])('cannot be told from %j', (headers) => {
    expect(() => length('GET', 200, ...headers)).toThrow(malformed);
  });
});
