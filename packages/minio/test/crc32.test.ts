import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { combineCrc32 } from '@stowage/core';
import { crc32Header, crc32Of, crc32Value } from '../src/crc32.ts';

it('the combined checksum of parts is that of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 6 }), (parts) => {
      const combined = parts.slice(1).reduce((crc, part) => combineCrc32(crc, crc32(part), part.byteLength), crc32(parts[0] as Uint8Array));
      expect(combined).toBe(crc32(Buffer.concat(parts)));
    }),
  );
});

it('headers are base64 of four bytes, big endian', () => {
  expect(crc32Of(Buffer.from('hello'))).toBe('NhCmhg==');
  expect(crc32Value('NhCmhg==')).toBe(crc32('hello'));
  expect(crc32Header(crc32('hello'))).toBe('NhCmhg==');
  expect(crc32Value('nonsense')).toBeUndefined();
});
