import { describe, expect, it } from 'vitest';
import { delegate, faultLayer, type Layer, memoryDriver, openBucket, retryLayer, StorageError, throttleLayer } from '@stowage/core';

/** A clock that stands still until it is moved, and wakes whoever waits. */
class Clock {
  #at = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  readonly now = (): number => this.#at;
  readonly wait = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { at: this.#at + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });

  async pass(ms: number): Promise<void> {
    this.#at += ms;
    for (const sleeper of this.#sleepers) if (sleeper.at <= this.#at && this.#sleepers.delete(sleeper)) sleeper.wake();
    await new Promise(setImmediate);
  }
}

const refusal = (retryAfterMs?: number): StorageError => new StorageError('RateLimited', 'slow down', retryAfterMs === undefined ? {} : { retryAfterMs });

/** Two buckets of one store, and what it was asked. */
function store(layer: Layer, refusals: StorageError[]) {
  const asked: string[] = [];
  const open = (name: string) => {
    const driver = memoryDriver({ bucket: name });
    return openBucket(
      delegate(driver, {
        async put(key, body, o) {
          asked.push(`put ${name}/${key}`);
          const refused = refusals.shift();
          if (refused !== undefined) throw refused;
          return driver.put(key, body, o);
        },
        async *list(o) {
          asked.push(`list ${name}`);
          yield* driver.list(o);
        },
        async deleteMany(items) {
          asked.push(`delete ${name}`);
          return items.map(({ key }) => ({ key, ok: false, error: refusal(3000) }));
        },
      }),
      { layers: [layer] },
    );
  };
  return { a: open('a'), b: open('b'), asked };
}

describe('throttleLayer', () => {
  it('begins no call of any bucket that shares it while the store has asked to wait', async () => {
    const clock = new Clock();
    const { a, b, asked } = store(throttleLayer(clock), [refusal(2000)]);
    await expect(a.put('x', '1')).rejects.toMatchObject({ code: 'RateLimited', retryAfterMs: 2000 });
    const later = [a.put('y', '1'), b.put('z', '1'), b.listPage()];
    await clock.pass(1999);
    expect(asked).toEqual(['put a/x']);
    await clock.pass(1);
    await Promise.all(later);
    expect(asked).toEqual(['put a/x', 'put a/y', 'put b/z', 'list b']);
    await a.put('x', '1');
  });

  it('lets a call that is aborted go at once, and unsent', async () => {
    const clock = new Clock();
    const { a, b, asked } = store(throttleLayer(clock), [refusal(2000)]);
    await expect(a.put('x', '1')).rejects.toThrow('slow down');
    const given = new AbortController();
    const waiting = b.put('y', '1', { signal: given.signal });
    const reason = new Error('no longer wanted');
    given.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await clock.pass(5000);
    expect(asked).toEqual(['put a/x']);
  });

  it('waits longer where another refusal says so, and at most as long as is allowed', async () => {
    const clock = new Clock();
    const { a, b, asked } = store(throttleLayer({ now: clock.now, wait: clock.wait, maxPauseMs: 4000 }), [refusal(2000), refusal(3_600_000)]);
    const first = [a.put('w', '1'), a.put('x', '1')].map((put) => put.catch(() => 'refused'));
    expect(await Promise.all(first)).toEqual(['refused', 'refused']);
    const later = b.put('y', '1');
    await clock.pass(2000);
    expect(asked).toHaveLength(2);
    await clock.pass(2000);
    await later;
    expect(asked).toHaveLength(3);
  });

  it('heeds what one item of a batch was told, and no refusal that names no time', async () => {
    const clock = new Clock();
    const { a, b, asked } = store(throttleLayer(clock), [refusal()]);
    await expect(a.put('x', '1')).rejects.toThrow('slow down');
    await b.put('y', '1');
    await expect(a.delete('y')).rejects.toThrow('slow down');
    const later = b.put('z', '1');
    await clock.pass(2999);
    expect(asked.at(-1)).toBe('delete a');
    await clock.pass(1);
    await later;
  });

  it('is no reason for the refused call itself to wait twice', async () => {
    const clock = new Clock();
    const waits: number[] = [];
    const wait = async (ms: number, signal?: AbortSignal): Promise<void> => {
      waits.push(ms);
      await Promise.all([clock.wait(ms, signal), clock.pass(ms)]);
    };
    const bucket = openBucket(memoryDriver(), {
      layers: [
        faultLayer([{ operation: 'put', times: 1, code: 'RateLimited', details: { retryAfterMs: 2000 } }]),
        throttleLayer({ now: clock.now, wait }),
        retryLayer({ wait }),
      ],
    });
    await bucket.put('x', '1');
    expect(waits).toEqual([2000]);
  });
});
