import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combinedCrc32c, crc32cOf, crc32cText, crc32cValue } from '../src/crc32c.ts';

describe('crc32c', () => {
  it('is that of RFC 3720', () => {
    expect(crc32cOf(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32cOf(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32cOf(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  });

  it('of two halves is that of the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        const whole = crc32cOf(Buffer.concat([a, b]));
        expect(combinedCrc32c(crc32cOf(a), crc32cOf(b), b.byteLength)).toBe(whole);
        expect(crc32cOf(b, crc32cOf(a))).toBe(whole);
      }),
    );
  });

  it('of two large parts is that of the whole', () => {
    const a = Buffer.alloc(5_000_001, 'stowage');
    const b = Buffer.alloc(7_777_777, 'parts');
    expect(combinedCrc32c(crc32cOf(a), crc32cOf(b), b.byteLength)).toBe(crc32cOf(Buffer.concat([a, b])));
  });

  it('comes back from its text, and nothing else does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        expect(crc32cValue(crc32cText(value))).toBe(value);
      }),
    );
    for (const text of ['', 'AAAA', 'AAAAAAA=', '!!!!!!==']) expect(crc32cValue(text)).toBeUndefined();
  });
});
