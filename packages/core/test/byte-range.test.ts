import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { assertRange, resolveRange } from '@stowage/core';
import { coalesce } from '../src/ranges.ts';

describe('resolveRange', () => {
  it.each([
    [undefined, 10, { start: 0, end: 10 }],
    [undefined, 0, { start: 0, end: 0 }],
    [{ start: 3 }, 10, { start: 3, end: 10 }],
    [{ start: 3, end: 5 }, 10, { start: 3, end: 5 }],
    [{ start: 3, end: 99 }, 10, { start: 3, end: 10 }],
    [{ suffix: 4 }, 10, { start: 6, end: 10 }],
    [{ suffix: 40 }, 10, { start: 0, end: 10 }],
  ])('%j of %i bytes is %j', (range, size, expected) => {
    expect(resolveRange(range, size)).toEqual(expected);
  });

  it.each([
    [{ start: 10 }, 10],
    [{ start: 0 }, 0],
    [{ suffix: 1 }, 0],
  ])('%j of %i bytes cannot be satisfied', (range, size) => {
    expect(() => resolveRange(range, size)).toThrow(expect.objectContaining({ code: 'InvalidRange', status: 416 }));
  });
});

describe('assertRange', () => {
  it.each([[{ start: -1 }], [{ start: 1.5 }], [{ start: 4, end: 4 }], [{ start: 4, end: 3 }], [{ start: 0, end: Number.NaN }], [{ suffix: -1 }]])(
    'refuses %j',
    (range) => {
      expect(() => assertRange(range)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
    },
  );

  it('calls an empty suffix an invalid range, as stores do', () => {
    expect(() => assertRange({ suffix: 0 })).toThrow(expect.objectContaining({ code: 'InvalidRange' }));
  });
});

describe('coalesce', () => {
  const range = fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 300 })).map(([start, length]) => ({ start, end: start + length }));

  it('finds every wanted byte in the requests, and no two requests within the gap', () => {
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 20 }), fc.nat(200), (ranges, gap) => {
        const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
        const { requests, places } = coalesce(ranges, content.length, gap);
        const answers = requests.map(({ start, end }) => content.slice(start, end));
        for (const [i, { start, end }] of ranges.entries()) {
          const place = places[i] ?? expect.unreachable();
          expect(answers[place.request]?.slice(place.start, place.end)).toEqual(content.slice(start, end));
        }
        for (const [i, { start }] of requests.entries()) if (i > 0) expect(start - (requests[i - 1]?.end ?? 0)).toBeGreaterThan(gap);
      }),
    );
  });
});
