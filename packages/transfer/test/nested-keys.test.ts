import { compareKeys } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NestedKeys } from '../src/nested-keys.ts';

/** The keys that are found to lie beneath others. */
function nested(keys: readonly string[]): string[] {
  const seen = new NestedKeys();
  return keys.toSorted(compareKeys).filter((key) => {
    if (seen.above(key) !== undefined) return true;
    seen.add(key);
    return false;
  });
}

describe('NestedKeys', () => {
  it.each([
    [['a', 'a/b'], ['a/b']],
    [['a', 'a-', 'a.b', 'a/b', 'a0'], ['a/b']],
    [
      ['a', 'a!', 'a!/x', 'a/b', 'a/b/c'],
      ['a!/x', 'a/b', 'a/b/c'],
    ],
    [['a/b', 'a/b/c', 'a/bc', 'ab'], ['a/b/c']],
    [['dir/', 'dir/x'], []],
  ])('%j', (keys, expected) => {
    expect(nested(keys)).toEqual(expected);
  });

  it('finds what a look at all pairs finds', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '.', '0', '😀', '\uE000'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 30 }), (keys) => {
        const expected = keys.filter((k) => keys.some((other) => k.startsWith(`${other}/`))).toSorted(compareKeys);
        expect(nested(keys)).toEqual(expected);
      }),
    );
  });
});
