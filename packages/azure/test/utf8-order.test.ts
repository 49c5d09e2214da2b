import { compareKeys } from '@stowage/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { serviceStart, Utf8Order } from '../src/utf8-order.ts';

const letter = fc.constantFrom('a', 'b', '/', '-', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{1f600}', '\u{10ffff}');
const key = fc.array(letter, { minLength: 1, maxLength: 6 }).map((letters) => letters.join(''));
const keys = fc.uniqueArray(key, { maxLength: 60 });

it('puts what Azure sorts by UTF-16 into UTF-8 byte order, however it is cut into pages', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 10 }), (set, page) => {
      // The comparison of JavaScript is that of UTF-16 code units, as the service's is.
      const listed = set.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map((each) => ({ key: each }));
      const order = new Utf8Order<{ readonly key: string }>();
      const out: string[] = [];
      for (let at = 0; at < listed.length; at += page) out.push(...order.next(listed.slice(at, at + page)).map((entry) => entry.key));
      out.push(...order.end().map((entry) => entry.key));
      expect(out).toEqual(listed.map((entry) => entry.key).sort(compareKeys));
    }),
  );
});

it('names a beginning in the order of Azure that leaves out nothing which UTF-8 has behind a key', () => {
  fc.assert(
    fc.property(keys, key, (set, after) => {
      const start = serviceStart(after);
      for (const each of set.filter((one) => compareKeys(one, after) > 0)) expect(each >= start).toBe(true);
    }),
  );
});

it('refuses the listings of a hierarchical namespace, which are in no order of names', () => {
  const order = new Utf8Order<{ readonly key: string }>();
  // As Data Lake Storage lists: a folder's content before its neighbours.
  const listed = ['A', 'A/dat1', 'A-B', 'A-B/dat2'].map((each) => ({ key: each }));
  expect(() => order.next(listed)).toThrow(expect.objectContaining({ code: 'Unsupported', message: expect.stringContaining('hierarchical namespace') }));
});

it('holds nothing back where no name has a letter beyond the basic plane', () => {
  const order = new Utf8Order<{ readonly key: string }>();
  const listed = ['a', 'b\u{e000}', 'c'].map((each) => ({ key: each }));
  expect(order.next(listed)).toBe(listed);
  expect(order.holds).toBe(false);
});
