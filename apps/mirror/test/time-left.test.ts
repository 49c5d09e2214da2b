import { describe, expect, it } from 'vitest';
import { timeLeft } from '../src/recent-rate.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

function left(objects: number, bytes: number, rate: { readonly objects: number; readonly bytes: number }, listed = true): number | undefined {
  const counts = { toDo: { objects: objects + 10, bytes: bytes + 10 }, done: { objects: 10, bytes: 10 } };
  const rest = { phase: 'copying', elapsedMs: 0, compared: 0, inFlight: 1, concurrency: 1, throttled: 0, failed: 0, conflicts: 0 } as const;
  const ms = timeLeft({ ...rest, ...counts, listed, deletions: { done: 0, toDo: 0 } }, rate.objects, rate.bytes);
  return ms === undefined ? undefined : Math.round(ms / 1000);
}

describe('the time that is left', () => {
  it('is that of the slower rate, where what is left is like what goes on', () => {
    expect(left(1000, 10 * MIB, { objects: 100, bytes: MIB })).toBe(10);
    expect(left(1000, 10 * MIB, { objects: 200, bytes: MIB })).toBe(10);
    expect(left(1000, 0, { objects: 100, bytes: 0 })).toBe(10);
  });

  it('is told of large objects, of which none ends for a while', () => {
    expect(left(1, GIB, { objects: 0, bytes: 100 * MIB })).toBe(10);
    expect(left(100, 100 * GIB, { objects: 0, bytes: 10 * MIB })).toBe(10_240);
    expect(left(100, 100 * GIB, { objects: 0.1, bytes: 100 * MIB })).toBe(1024);
  });

  it('is not guessed: while the listing goes on, without a rate, or where the rates are those of other objects', () => {
    expect(left(1000, 10 * MIB, { objects: 100, bytes: MIB }, false)).toBeUndefined();
    expect(left(1000, 10 * MIB, { objects: 0, bytes: 0 })).toBeUndefined();
    expect(left(0, 0, { objects: 100, bytes: MIB })).toBeUndefined();
    // Six thousand of five bytes go before one of 200 MB, or that before them.
    expect(left(751, 200_000_000, { objects: 1500, bytes: 7500 })).toBeUndefined();
    expect(left(1_000_000, 5_000_000, { objects: 0, bytes: 100 * MIB })).toBeUndefined();
  });
});
