import { describe, expect, it } from 'vitest';
import { RangeCount } from '../src/range-count.ts';

/** Reads pages of 1,000 keys, each the milliseconds after the one before that `msAt` says for as many ranges as there are. */
function reader(count: RangeCount, msAt: (ranges: number) => number): { read: (pages: number) => void; keys: () => number } {
  let ms = 0;
  let keys = 0;
  return {
    read(pages) {
      for (let i = 0; i < pages; i++) {
        ms += msAt(count.allowed);
        keys += 1000;
        count.page(ms, keys);
      }
    },
    keys: () => keys,
  };
}

describe('the number of ranges', () => {
  it('doubles as long as a store is that much faster', () => {
    const count = new RangeCount(8);
    const { read } = reader(count, (ranges) => 80 / ranges);
    const tried = [];
    read(12);
    // Nothing is known yet of the pace with one.
    expect(count.next).toBe(1);
    for (let i = 0; i < 10; i++) {
      read(24);
      tried.push(count.next);
      if (count.next > count.allowed) count.try(count.next);
    }
    expect([...new Set(tried)]).toEqual([2, 4, 8]);
  });

  it('is not tried further while it is not known what a try brings', () => {
    const count = new RangeCount(8);
    const { read } = reader(count, (ranges) => 80 / ranges);
    read(20);
    count.try(2);
    read(14);
    expect([count.allowed, count.next]).toEqual([2, 2]);
    read(1);
    expect(count.next).toBe(4);
  });

  it.each([
    ['no faster', () => 80],
    ['slower', (ranges: number) => 80 * ranges],
    ['hardly faster', (ranges: number) => 80 / (1 + (ranges - 1) * 0.3)],
  ])('stays at one where the store is %s with two, and is tried again at four times the keys', (_, msAt) => {
    const count = new RangeCount(8);
    const { read, keys } = reader(count, msAt);
    read(20);
    expect(count.next).toBe(2);
    count.try(2);
    read(15);
    expect([count.allowed, count.next]).toEqual([1, 1]);
    const then = keys();
    read((then * 3) / 1000 - 1);
    expect(count.next).toBe(1);
    read(1);
    expect(count.next).toBe(2);
  });

  it('goes back to what was worth it, where the store comes to its limit', () => {
    const count = new RangeCount(8);
    const { read } = reader(count, (ranges) => 80 / Math.min(4, ranges));
    for (let i = 0; i < 10; i++) {
      read(30);
      if (count.next > count.allowed) count.try(count.next);
    }
    expect(count.allowed).toBe(4);
  });

  it('is one where no more are allowed', () => {
    const count = new RangeCount(1);
    reader(count, () => 80).read(40);
    expect(count.next).toBe(1);
  });
});
