import fc from 'fast-check';
import { expect, it } from 'vitest';
import { visible } from '../src/index.ts';

it.each([
  ['plain ü 😀 text', 'plain ü 😀 text'],
  ['a\nb\r\tc', 'a\\nb\\r\\tc'],
  ['\u001b[31mred\u007f\u0085', '\\x1b[31mred\\x7f\\x85'],
  ['\u202egnp.exe', '\\u202egnp.exe'],
  ['half \ud800 pair', 'half \\ud800 pair'],
  ['line\u2028sep', 'line\\u2028sep'],
])('%j is shown as %s', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

it('leaves nothing that would move a cursor, whatever comes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});
