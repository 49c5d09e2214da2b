import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatDuration, parseDuration } from '../../src/index.ts';

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['30', 30_000],
    ['500ms', 500],
    ['90s', 90_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h 30m', 5_400_000],
    ['1h30m', 5_400_000],
    ['1w 2d 3h 4m 5s 6ms', 604_800_000 + 172_800_000 + 10_800_000 + 240_000 + 5_000 + 6],
    ['1d 1s', 86_401_000],
    ['90m', 5_400_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', ' ', '-1s', '1.5', '1.5h', '7D', '1M', '1y', '30m 1h', '1h 1h', '10 m', ' 1h', '1h ', 's', '1h30', '1e3s', '7days', 'NaN', '1s\n'])(
    'refuses %j, and says what is expected and what it got',
    (text) => {
      expect(() => parseDuration(text)).toThrow(
        expect.objectContaining({
          code: 'InvalidArgument',
          message: expect.stringMatching(/^expected a duration such as 30, 90s, 10m, 12h, 7d, 2w .*; got ".*"$/),
        }),
      );
      expect(() => parseDuration(text)).toThrow(JSON.stringify(text));
    },
  );

  it('refuses more than a number holds exactly', () => {
    expect(() => parseDuration('99999999999999999w')).toThrow('expected a duration under 285,000 years; got "99999999999999999w"');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [850.4, '850ms'],
    [999.6, '1.0s'],
    [4_234, '4.2s'],
    [9_949, '9.9s'],
    [9_950, '10s'],
    [12_000, '12s'],
    [59_499, '59s'],
    [59_500, '1m'],
    [60_000, '1m'],
    [192_000, '3m 12s'],
    [3_599_400, '59m 59s'],
    [3_599_500, '1h'],
    [7_500_000, '2h 5m'],
    [86_399_000, '1d'],
    [273_600_000, '3d 4h'],
    [86_400_000 * 400, '400d'],
  ])('%f ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is read back within its lesser unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000_000 }), (ms) => {
        const off = Math.abs(parseDuration(formatDuration(ms)) - ms);
        expect(off).toBeLessThanOrEqual(ms < 1_000 ? 0 : ms < 9_950 ? 50 : ms < 3_599_500 ? 500 : ms < 86_370_000 ? 30_000 : 1_800_000);
      }),
      { numRuns: 2_000 },
    );
  });
});
