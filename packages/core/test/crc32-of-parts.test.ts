import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32Base64, crc32OfParts } from '../src/index.ts';

it('the checksum of parts is that of the whole, also of none', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 6 }), (parts) => {
      const known = parts.map((part) => ({ crc32: crc32(part), size: part.byteLength }));
      expect(crc32OfParts(known)).toBe(crc32Base64(crc32(Buffer.concat(parts))));
    }),
  );
});

it('is base64 of four bytes, big endian', () => {
  expect(crc32Base64(crc32('hello'))).toBe('NhCmhg==');
});
