import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { afterPrefix, assertKey, commonPrefix, compareKeys, isStorageError, keyFault } from '@stowage/core';

const key = fc.string({ unit: 'binary' });

function byteOrder(a: string, b: string): number {
  return Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

describe('compareKeys', () => {
  it('is the byte order of UTF-8 for every pair of well-formed strings', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(byteOrder(a, b));
      }),
      { numRuns: 2000 },
    );
  });

  it('puts U+E000 before U+1F600, where the < of JavaScript does not', () => {
    expect(compareKeys('\u{E000}', '\u{1F600}')).toBeLessThan(0);
    const [first, second] = ['\u{E000}', '\u{1F600}'];
    expect(first < second).toBe(false);
  });

  it('orders a folder marker, its content and a sibling by bytes', () => {
    expect(['foo/b', 'foo.bar/', 'foo', 'foo/'].sort(compareKeys)).toEqual(['foo', 'foo.bar/', 'foo/', 'foo/b']);
  });
});

describe('afterPrefix', () => {
  it('is behind every string with the prefix, and no string between is without it', () => {
    fc.assert(
      fc.property(key, key, (prefix, rest) => {
        const next = afterPrefix(prefix);
        if (next === undefined) return;
        expect(compareKeys(prefix + rest, next)).toBeLessThan(0);
        if (compareKeys(rest, prefix) >= 0 && compareKeys(rest, next) < 0) expect(rest.startsWith(prefix)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('steps over the surrogates and past the last code point', () => {
    expect(afterPrefix('a/')).toBe('a0');
    expect(afterPrefix('a\u{D7FF}')).toBe('a\u{E000}');
    expect(afterPrefix('a\u{10FFFF}')).toBe('b');
    expect(afterPrefix('\u{10FFFF}')).toBeUndefined();
    expect(afterPrefix('')).toBeUndefined();
  });
});

describe('commonPrefix', () => {
  it('is what all keys between the two begin with, and the longest such', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(text, text, text, text, (shared, one, other, between) => {
        const [a, b] = [shared + one, shared + other];
        const prefix = commonPrefix(a, b);
        expect(prefix.startsWith(shared) && a.startsWith(prefix) && b.startsWith(prefix)).toBe(true);
        expect(prefix.isWellFormed()).toBe(true);
        const middle = shared + between;
        if (compareKeys(a, middle) < 0 && compareKeys(middle, b) < 0) expect(middle.startsWith(prefix)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(commonPrefix('a/é', 'a/ê')).toBe('a/');
    // Their first halves are the same.
    expect(commonPrefix('a\u{1F600}', 'a\u{1F601}')).toBe('a');
  });
});

describe('keyFault', () => {
  it.each(['a', 'foo//bar///baz', '/lead', 'trail/', '...', 'a/...', '.a', 'a.', '..a', 'a/.b/c..', ' ', '\n', '%2e%2e', 'a\\..\\b'])(
    'takes %j as it is',
    (name) => {
      expect(keyFault(name)).toBeUndefined();
    },
  );

  it.each([
    ['', 'it is empty'],
    ['a\0b', 'it has a NUL character (position 2)'],
    ['a\u{D800}', 'it has half of a surrogate pair, which UTF-8 cannot hold'],
    ['.', 'it has a "." or ".." between slashes'],
    ['..', 'it has a "." or ".." between slashes'],
    ['a/../b', 'it has a "." or ".." between slashes'],
    ['../other/secret', 'it has a "." or ".." between slashes'],
    ['./a', 'it has a "." or ".." between slashes'],
    ['a/.', 'it has a "." or ".." between slashes'],
  ])('refuses %j: %s', (name, fault) => {
    expect(keyFault(name)).toBe(fault);
  });

  it('is thrown as InvalidKey, with the key in quotes and the place in fields', () => {
    try {
      assertKey('a\n/..', { operation: 'get', provider: 'memory', bucket: 'b' });
      expect.unreachable();
    } catch (error) {
      expect(isStorageError(error, 'InvalidKey')).toBe(true);
      expect(error).toMatchObject({ message: '"a\\n/.." is no key: it has a "." or ".." between slashes', operation: 'get', key: 'a\n/..' });
    }
  });
});
