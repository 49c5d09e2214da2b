import { expect, test } from 'vitest';
import { ReadPace } from '../src/read-pace.ts';

test('small reads are made in place until one has to wait for the disk; then some go to the pool', () => {
  let now = 0;
  const pace = new ReadPace(() => now);
  const read = (ms: number): number =>
    pace.timed(() => {
      now += ms;
      return 7;
    });
  expect(pace.readsHere(4096)).toBe(true);
  expect(read(0.01)).toBe(7);
  expect(pace.readsHere(4096)).toBe(true);
  read(8);
  const next = Array.from({ length: 100 }, () => pace.readsHere(4096));
  expect(next.indexOf(true)).toBe(32);
  expect(next.slice(32).every(Boolean)).toBe(true);
});

test('large reads never hold up the thread', () => {
  expect(new ReadPace(() => 0).readsHere(512 * 1024)).toBe(false);
});
