import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HmacKey } from '../src/index.ts';

it("agrees with Node's own HMAC, for any key and one message after another", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.string({ unit: 'binary', maxLength: 2000 }), { minLength: 1, maxLength: 4 }), (key, texts) => {
      const mine = new HmacKey(key);
      for (const text of texts.map((each) => each.toWellFormed())) {
        const expected = createHmac('sha256', key).update(text).digest();
        expect(mine.digest(text).equals(expected)).toBe(true);
        expect(mine.hex(text)).toBe(expected.toString('hex'));
        expect(mine.base64(text)).toBe(expected.toString('base64'));
      }
    }),
  );
});
