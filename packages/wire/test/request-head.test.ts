import { describe, expect, it } from 'vitest';
import { requestHead } from '../src/request-head.ts';

const SECRET = 'verySecret';

describe('the head of a request', () => {
  it('is its line, its headers in their order, and an empty line', () => {
    expect(requestHead('GET', '/a%20b?c=d', 'host:1', { Authorization: 'x', 'x-b': '' }, undefined)).toBe(
      'GET /a%20b?c=d HTTP/1.1\r\nAuthorization: x\r\nx-b: \r\nhost: host:1\r\n\r\n',
    );
  });

  it('has one host, that of the caller before that of the connection', () => {
    expect(requestHead('GET', '/', 'ours', { Host: 'signed' }, undefined)).toBe('GET / HTTP/1.1\r\nHost: signed\r\n\r\n');
  });

  it('has one length, that of the body', () => {
    expect(requestHead('PUT', '/', 'h', { 'Content-Length': '3' }, 3)).toBe('PUT / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n');
    expect(requestHead('PUT', '/', 'h', {}, 0)).toBe('PUT / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n');
    expect(requestHead('GET', '/', 'h', { 'content-length': '0' }, undefined)).toBe('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
  });

  it.each([
    ['4', 3],
    ['2', 3],
    ['1', undefined],
    ['three', 3],
  ])('is refused with a length of %s for a body of %s', (value, length) => {
    expect(() => requestHead('PUT', '/', 'h', { 'content-length': value }, length)).toThrow(TypeError);
  });

  it('is refused with a transfer-encoding, which is a second way to tell the length', () => {
    expect(() => requestHead('PUT', '/', 'h', { 'Transfer-Encoding': 'chunked' }, 3)).toThrow(TypeError);
  });

  it('takes bytes of Latin-1 in values, and tabs', () => {
    expect(requestHead('GET', '/', 'h', { a: '\xe9\tb' }, undefined)).toContain('a: \xe9\tb\r\n');
  });

  it.each(['\r', '\n', '\r\n', '\0', '\x7f', '\x1b', 'ž'])('shows no value that holds %j, and is refused', (bad) => {
    const calls = [
      (): string => requestHead('GET', '/', 'h', { authorization: `${SECRET}${bad}x: y` }, undefined),
      (): string => requestHead('GET', `/?sig=${SECRET}${bad}`, 'h', {}, undefined),
      (): string => requestHead(`GET${bad}`, `/?sig=${SECRET}`, 'h', {}, undefined),
      (): string => requestHead('GET', '/', 'h', { [`a${bad}`]: SECRET }, undefined),
    ];
    for (const call of calls) {
      expect(call).toThrow(TypeError);
      expect(call).not.toThrow(SECRET);
    }
  });

  it.each([
    ['a blank in its path', 'GET', '/a b', {}],
    ['no path', 'GET', '', {}],
    ['letters beyond ASCII in its path', 'GET', '/ä', {}],
    ['a blank in its method', 'GET /', '/', {}],
    ['a header without a name', 'GET', '/', { '': 'a' }],
    ['a colon in a name', 'GET', '/', { 'a:b': 'a' }],
    ['a blank in a name', 'GET', '/', { 'a ': 'a' }],
  ])('is refused with %s', (_what, method, path, headers) => {
    expect(() => requestHead(method, path, 'h', headers, undefined)).toThrow(TypeError);
  });
});
