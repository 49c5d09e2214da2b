import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import { crc32Of, crc32Value } from '../src/crc32.ts';

it('headers are base64 of four bytes, big endian', () => {
  expect(crc32Of(Buffer.from('hello'))).toBe('NhCmhg==');
  expect(crc32Value('NhCmhg==')).toBe(crc32('hello'));
  expect(crc32Value('nonsense')).toBeUndefined();
});
