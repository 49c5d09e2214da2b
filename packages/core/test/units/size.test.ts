import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatSize, parseSize } from '../../src/index.ts';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['512b', 512],
    ['512 B', 512],
    ['1k', 1024],
    ['64K', 65_536],
    ['10m', 10_485_760],
    ['10g', 10_737_418_240],
    ['2T', 2_199_023_255_552],
    ['10GiB', 10_737_418_240],
    ['10 gib', 10_737_418_240],
    ['1.5g', 1_610_612_736],
    ['0.1k', 102],
    ['8191t', 8191 * 2 ** 40],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '',
    ' ',
    '-1',
    '+1',
    '1e3',
    '0x10',
    'k',
    '10 ',
    ' 10',
    '10  k',
    '1,5g',
    '1.g',
    '.5g',
    '10q',
    '10kk',
    '10gig',
    '10k5m',
    '١',
    'Infinity',
    'NaN',
    '10\n',
  ])('refuses %j, and says what is expected and what it got', (text) => {
    expect(() => parseSize(text)).toThrow(
      expect.objectContaining({
        code: 'InvalidArgument',
        message: expect.stringMatching(/^expected a size such as 512, 64k, 10m, 1\.5g or 10GiB .*; got ".*"$/),
      }),
    );
    expect(() => parseSize(text)).toThrow(JSON.stringify(text));
  });

  it('refuses a unit that means 1,000s to some, and names both that do not', () => {
    expect(() => parseSize('10GB')).toThrow('expected "10g" or "10GiB" for 1,024s; got "10GB", which may mean 1,000s');
    expect(() => parseSize('1.5 kb')).toThrow('expected "1.5k" or "1.5KiB"');
  });

  it.each(['8192t', '9007199254740992', '9999999999999999g'])('refuses %s: more than a number holds exactly', (text) => {
    expect(() => parseSize(text)).toThrow(`expected a size under 8192t; got "${text}"`);
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1_048_524, '1023.9 KiB'],
    [1_048_525, '1.0 MiB'],
    [1_503_238_554, '1.4 GiB'],
    [5 * 2 ** 40, '5.0 TiB'],
    [3 * 2 ** 50, '3.0 PiB'],
    [4096 * 2 ** 50, '4096.0 PiB'],
    [-1536, '-1.5 KiB'],
  ])('%i is %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it('is read back within its last digit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
        const back = parseSize(formatSize(bytes));
        // Half of a tenth of the unit, and a byte for the fraction that parsing drops.
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(bytes < 1024 ? 0 : bytes * 0.051 + 1);
      }),
    );
  });
});
