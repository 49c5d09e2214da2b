import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numberedName, searchFreeNumber } from '../src/numbered-name.ts';

it('puts the number before what counts as extension', () => {
  expect(['a.jpg', 'a.b.jpg', 'a', '.jpg', 'a.', '🚗.png'].map((name) => numberedName(name, 7))).toEqual([
    'a_07.jpg',
    'a.b_07.jpg',
    'a_07',
    '.jpg_07',
    'a_07.',
    '🚗_07.png',
  ]);
  expect(numberedName('a.jpg', 123)).toBe('a_123.jpg');
});

it('gives every number another name', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), (name, a, b) => {
      expect(numberedName(name, a) === numberedName(name, b)).toBe(a === b);
    }),
  );
});

it('counts up where nothing lies between', () => {
  for (let taken = 0; taken < 300; taken++) expect(searchFreeNumber((number) => number <= taken)).toEqual({ free: taken + 1 });
});

it('finds a free number behind a taken one, in few questions, and always the same', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 5000 })), (numbers) => {
      const taken = new Set(numbers);
      let asked = 0;
      const search = (): number => {
        const found = searchFreeNumber((number) => {
          asked++;
          return taken.has(number);
        });
        return 'free' in found ? found.free : -1;
      };
      const free = search();
      expect(taken.has(free)).toBe(false);
      expect(free === 1 || taken.has(free - 1)).toBe(true);
      expect(asked).toBeLessThanOrEqual(2 * 14);
      expect(search()).toBe(free);
    }),
  );
});

it('asks for what is not known, one after another, until it is', () => {
  const known = new Map<number, boolean>();
  const asked: number[] = [];
  for (;;) {
    const found = searchFreeNumber((number) => known.get(number));
    if ('free' in found) {
      expect(found.free).toBe(101);
      break;
    }
    asked.push(found.unknown);
    known.set(found.unknown, found.unknown <= 100);
  }
  expect(asked).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 96, 112, 104, 100, 102, 101]);
});
