import { type BucketDriver, delegate, type ErrorCode, faultLayer, type Layer, openBucket, retryLayer, StorageError } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import { waitBefore } from '../src/repeated-copy.ts';
import { AdaptiveConcurrency } from '../src/scheduling/adaptive-concurrency.ts';
import { BandwidthLimit, parseBandwidth, rateAt } from '../src/scheduling/bandwidth.ts';
import { apart, bucketOf, byKey, noChecksums, ran, treeOf } from './trees.ts';

/** The write takes effect, and its answer is lost: so many times. */
function lostAnswers(times: number, code: ErrorCode = 'Unavailable', meanwhile: () => Promise<unknown> = () => Promise.resolve()): Layer {
  let left = times;
  return (inner) =>
    delegate(inner, {
      async put(key, body, o) {
        const info = await inner.put(key, body, o);
        if (left-- <= 0) return info;
        await meanwhile();
        throw new StorageError(code, 'the answer was lost');
      },
    });
}

describe('a copy that failed in a way that may pass', () => {
  it.each(['Unavailable', 'Timeout', 'RateLimited'] as const)('(%s) is made again', async (code) => {
    const to = await bucketOf({}, apart, faultLayer([{ operation: 'put', times: 2, code }]));
    expect(byKey((await ran(await bucketOf({ a: '1' }), to, { retries: 3 })).outcomes)).toEqual({ a: 'copied' });
  });

  it('fails when it has failed too often, and is not repeated where that would help nothing', async () => {
    const to = await bucketOf({}, apart, faultLayer([{ operation: 'put', code: 'Unavailable' }]));
    expect(byKey((await ran(await bucketOf({ a: '1' }), to, { retries: 1 })).outcomes)).toEqual({ a: 'failed:Unavailable' });
    let puts = 0;
    const denied: Layer = (inner) =>
      delegate(inner, {
        put: () => {
          puts++;
          return Promise.reject(new StorageError('AccessDenied', 'no'));
        },
      });
    await ran(await bucketOf({ a: '1' }), await bucketOf({}, apart, denied), { retries: 5 });
    expect(puts).toBe(1);
  });

  it.each([{ a: 'old' }, {}])('and had taken effect is settled by looking (destination %j)', async (old: Record<string, string>) => {
    const to = await bucketOf(old, apart, noChecksums, lostAnswers(1));
    const { outcomes, report } = await ran(await bucketOf({ a: 'new!' }), to, { retries: 3 });
    expect(byKey(outcomes)).toEqual({ a: 'a' in old ? 'updated:size' : 'copied' });
    expect(report.counts.conflict.objects).toBe(0);
    expect(await treeOf(to)).toEqual({ a: 'new!' });
  });

  it('and met what somebody else wrote is a conflict, and leaves that', async () => {
    const store = await bucketOf({});
    const to = store.with(
      apart,
      lostAnswers(1, 'Unavailable', () => store.put('a', 'their')),
    );
    expect(byKey((await ran(await bucketOf({ a: 'mine!' }), to, { retries: 3 })).outcomes)).toEqual({ a: 'conflict:destination-changed' });
    expect(await treeOf(store)).toEqual({ a: 'their' });
  });

  it('of many on the server is repeated alone', async () => {
    let refused = false;
    const sizes: number[] = [];
    const once: Layer = (inner) =>
      delegate(inner, {
        async copyMany(items, o): ReturnType<BucketDriver['copyMany']> {
          sizes.push(items.length);
          const outcomes = await inner.copyMany(items, o);
          if (refused) return outcomes;
          refused = true;
          return outcomes.map((outcome) =>
            outcome.key === 'b' ? { key: 'b', ok: false, error: new StorageError('Unavailable', 'the answer was lost') } : outcome,
          );
        },
      });
    const to = await bucketOf({}, once);
    const { outcomes } = await ran(await bucketOf({ a: '1', b: '2', c: '3' }), to, { retries: 3 });
    expect(byKey(outcomes)).toEqual({ a: 'copied', b: 'copied', c: 'copied' });
    // It was there, as a look told.
    expect(sizes.reduce((sum, size) => sum + size)).toBe(3);
  });

  it('deletions are repeated, too', async () => {
    const to = await bucketOf({ a: '1', gone: '2' }, faultLayer([{ operation: 'delete', times: 2, code: 'Unavailable', after: true }]));
    const { outcomes } = await ran(await bucketOf({ a: '1' }), to, { delete: true, retries: 3 });
    expect(byKey(outcomes)).toEqual({ a: 'same', gone: 'deleted' });
  });

  it('waits as long as the store asks, and patiently where it asks to slow down', () => {
    const error = (code: ErrorCode, retryAfterMs?: number): StorageError => new StorageError(code, '', retryAfterMs === undefined ? {} : { retryAfterMs });
    expect(waitBefore(error('Unavailable'), 1, 3, () => 1)).toBe(250);
    expect(waitBefore(error('Unavailable'), 3, 3, () => 0)).toBe(500);
    expect(waitBefore(error('Unavailable'), 4, 3)).toBeUndefined();
    expect(waitBefore(error('RateLimited', 5000), 1, 3, () => 0)).toBe(5000);
    expect(waitBefore(error('RateLimited'), 20, 3, () => 1)).toBe(60_000);
    expect(waitBefore(error('RateLimited'), 21, 3)).toBeUndefined();
    expect(waitBefore(error('RateLimited'), 1, 0)).toBeUndefined();
    expect(waitBefore(error('AccessDenied'), 1, 3)).toBeUndefined();
  });
});

describe('adaptive concurrency', () => {
  /** With a clock, in milliseconds, that goes on when it is told to. */
  function from16to64(): { readonly clock: { now: number }; readonly c: AdaptiveConcurrency } {
    const clock = { now: 0 };
    const c = new AdaptiveConcurrency(
      { start: 16, most: 64 },
      () => clock.now,
      () => undefined,
    );
    return { clock, c };
  }

  /** A store whose goodput is a function of how much is in flight; gives the limits after so many windows. */
  function simulate(goodput: (limit: number) => number, windows: number, each: (c: AdaptiveConcurrency, window: number) => void = () => undefined): number[] {
    const limits: number[] = [];
    const { clock, c } = from16to64();
    for (let window = 0; window < windows; window++) {
      each(c, window);
      const { limit } = c;
      const bytes = (goodput(limit) * 500) / limit;
      clock.now += 500;
      for (let i = 0; i < limit; i++) c.ended(bytes - 64 * 1024, limit);
      limits.push(c.limit);
    }
    return limits;
  }
  const perSlot = 1_000_000;

  it('doubles while goodput doubles, to its bound', () => {
    expect(simulate((limit) => limit * perSlot, 3)).toEqual([32, 64, 64]);
    expect(simulate((limit) => limit * perSlot, 12).at(-1)).toBeGreaterThan(60);
  });

  it('stays at the knee, and probes again for ever', () => {
    const limits = simulate((limit) => Math.min(limit, 20) * perSlot, 200);
    // The one window in which it was doubled has told where the knee is.
    expect(limits.slice(0, 2)).toEqual([32, 20]);
    expect(Math.max(...limits.slice(1))).toBeLessThanOrEqual(25);
    expect(new Set(limits.slice(150)).size).toBeGreaterThan(1);
    expect(limits.filter((limit) => limit === 20).length).toBeGreaterThan(100);
  });

  it('goes on in smaller steps where doubling pays in part, and probes what gains nothing ever more seldom', () => {
    const limits = simulate((limit) => limit ** 0.55 * perSlot, 8);
    expect(limits.slice(0, 2)).toEqual([32, 24]);
    expect(limits.at(-1)).toBe(60);
    const probes = simulate((limit) => Math.min(limit, 20) * perSlot, 120).flatMap((limit, window) => (limit > 20 ? [window] : []));
    const waits = probes.slice(1).map((window, i) => window - (probes[i] ?? 0));
    expect(waits.slice(0, 6)).toEqual([2, 4, 6, 10, 18, 18]);
  });

  it('falls by 0.7 where a store asks to slow down, once for a burst, and recovers', () => {
    const limits = simulate(
      (limit) => limit * perSlot,
      60,
      (c, window) => {
        if (window >= 20 && window < 24) for (let i = 0; i < 50; i++) c.throttled();
      },
    );
    expect(limits[19]).toBe(64);
    expect(limits[20]).toBe(44);
    expect(limits[23]).toBe(Math.floor(Math.floor(Math.floor(Math.floor(64 * 0.7) * 0.7) * 0.7) * 0.7));
    expect(limits.at(-1)).toBeGreaterThan(60);
  });

  it('takes its time where a store asked to slow down, also while it still doubled', () => {
    const { clock, c } = from16to64();
    c.throttled();
    expect(c.limit).toBe(11);
    while (c.limit === 11 && clock.now < 10_000) {
      clock.now += 10;
      for (let i = 0; i < 20; i++) c.ended(1000, c.limit);
    }
    // The window of the refusal, still a short one; then two long ones of rest, and one to compare with.
    expect(clock.now).toBe(200 + 3 * 500);
    expect(c.limit).toBe(14);
  });

  it('learns nothing where there is not enough to do, and never falls below one', () => {
    const { clock, c } = from16to64();
    for (let i = 0; i < 1000; i++) {
      clock.now += 100;
      c.ended(1000, 2);
    }
    expect(c.limit).toBe(16);
    let lowest = c.limit;
    for (let i = 0; i < 100; i++) {
      c.throttled();
      lowest = Math.min(lowest, c.limit);
      for (let j = 0; j < 20; j++) {
        clock.now += 100;
        c.ended(1000, 1);
      }
    }
    expect(lowest).toBe(1);
  });

  it('hears of throttles beneath the retries of a layer', async () => {
    const to = await bucketOf({}, apart);
    const slow = faultLayer([{ operation: 'put', times: 3, code: 'RateLimited' }]);
    const throttled = openBucket(slow(to.driver), { layers: [retryLayer({ wait: () => Promise.resolve() })] });
    const { report, progress } = await ran(await bucketOf({ a: '1', b: '2' }), throttled, { transfers: 10, retries: 3 });
    expect(report.counts.copied.objects).toBe(2);
    expect(progress).toMatchObject({ throttled: 3, concurrency: 7 });
  });
});

describe('the bandwidth limit', () => {
  const at = (day: number, hour: number, minute = 0): Date => new Date(2026, 2, 1 + day, hour, minute);

  it('is read as rclone writes it', () => {
    expect(at(0, 0).getDay()).toBe(0);
    expect(rateAt(parseBandwidth('10M'), at(0, 0))).toBe(10 * 2 ** 20);
    expect(rateAt(parseBandwidth('512'), at(0, 0))).toBe(512 * 1024);
    expect(rateAt(parseBandwidth('off'), at(0, 0))).toBeUndefined();
    const table = parseBandwidth('08:00,512k 19:30,10M 23:00,off');
    const rates = [at(3, 7, 59), at(3, 8), at(3, 19, 29), at(3, 19, 30), at(3, 23), at(4, 0)].map((time) => rateAt(table, time));
    expect(rates).toEqual([undefined, 512 * 1024, 512 * 1024, 10 * 2 ** 20, undefined, undefined]);
    const weekly = parseBandwidth('Mon-08:00,1M Fri-18:00,off');
    expect([at(0, 12), at(1, 7), at(1, 8), at(5, 17), at(5, 18), at(6, 3)].map((time) => rateAt(weekly, time))).toEqual([
      undefined,
      undefined,
      2 ** 20,
      2 ** 20,
      undefined,
      undefined,
    ]);
  });

  it.each(['', 'fast', '25:00,1M', '08:00', '8:00,1M 12', 'Xyz-08:00,1M', '10MB', '-1'])('%j is refused', (text) => {
    expect(() => parseBandwidth(text)).toThrow('expected bytes a second such as 10M, "off", or a timetable');
  });

  it('lets pass what it says, for all together, and heeds the timetable', async () => {
    let now = 0;
    let hour = 9;
    const waits: number[] = [];
    const limit = new BandwidthLimit(
      { timetable: parseBandwidth('08:00,1000 18:00,off'), today: () => at(1, hour) },
      () => now,
      (ms) => {
        waits.push(ms);
        now += ms;
        return Promise.resolve();
      },
    );
    for (let i = 0; i < 10; i++) await limit.pass(102_400, undefined);
    expect(now).toBeCloseTo(900, 5);
    await Promise.all([limit.pass(1_024_000, undefined), limit.pass(1, undefined)]);
    expect(now).toBeCloseTo(2000, 5);
    hour = 18;
    const before = waits.length;
    await limit.pass(10 ** 9, undefined);
    expect(waits).toHaveLength(before);
  });

  it('slows a copy down', async () => {
    let today = 0;
    const slow = { timetable: parseBandwidth('1'), today: () => at(1, (today++ % 2) + 9) };
    await ran(await bucketOf({ a: '12345' }), await bucketOf({}, apart), { bandwidth: slow, now: () => 0 });
    expect(today).toBeGreaterThan(0);
  });
});
