import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_CHANNEL, type AttemptEvent, concurrencyLayer, delegate, faultLayer, memoryDriver, openBucket, retryLayer, timeoutLayer } from '@stowage/core';

describe('timeoutLayer', () => {
  it('ends a call that hangs, whoever set the limit', async () => {
    const hanging = openBucket(memoryDriver(), { layers: [faultLayer([{ operation: 'head', hang: true }])] });
    await expect(hanging.head('a', { timeoutMs: 20 })).rejects.toMatchObject({ code: 'Timeout', retryable: true, key: 'a', operation: 'head' });
    await expect(hanging.with(timeoutLayer(20)).head('a')).rejects.toMatchObject({ code: 'Timeout' });
  });

  it('ends a driver that does not listen to its signal', async () => {
    const deaf = openBucket(delegate(memoryDriver(), { head: () => new Promise(() => {}) }));
    await expect(deaf.head('a', { timeoutMs: 20 })).rejects.toMatchObject({ code: 'Timeout' });
  });

  it('times the silence of a body, and closes it', async () => {
    let closed = false;
    const driver = memoryDriver();
    const stalling = openBucket(
      delegate(driver, {
        async get(key, o) {
          const object = await driver.get(key, o);
          const body = async function* (): AsyncGenerator<Uint8Array> {
            yield Buffer.from('ab');
            await new Promise(() => {});
          };
          return {
            ...object,
            body: body(),
            close: () => {
              closed = true;
              return Promise.resolve();
            },
          };
        },
      }),
    );
    await stalling.put('a', 'abcd');
    const object = await stalling.get('a', { timeoutMs: 30 });
    await expect(object.bytes()).rejects.toMatchObject({ code: 'Timeout' });
    expect(closed).toBe(true);
  });

  it('gives the caller’s abort before its own', async () => {
    const hanging = openBucket(memoryDriver(), { layers: [faultLayer([{ operation: 'head', hang: true }])] });
    const reason = new Error('enough');
    await expect(hanging.head('a', { timeoutMs: 10_000, signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ name: 'TimeoutError' });
    const controller = new AbortController();
    const head = hanging.head('a', { timeoutMs: 10_000, signal: controller.signal });
    controller.abort(reason);
    await expect(head).rejects.toBe(reason);
  });
});

describe('concurrencyLayer', () => {
  it('lets so many calls through and no more, in order', async () => {
    const driver = memoryDriver();
    let inFlight = 0;
    let most = 0;
    const order: string[] = [];
    const counting = delegate(driver, {
      async head(key, o) {
        inFlight++;
        most = Math.max(most, inFlight);
        order.push(key);
        await turn();
        inFlight--;
        return driver.head(key, o);
      },
    });
    const bucket = openBucket(counting, { layers: [concurrencyLayer(3)] });
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await Promise.allSettled(keys.map((key) => bucket.head(key)));
    expect(most).toBe(3);
    expect(order).toEqual(keys);
  });

  it('keeps a place while a body is open', async () => {
    const bucket = openBucket(memoryDriver(), { layers: [concurrencyLayer(1)] });
    await bucket.put('a', 'x');
    const open = await bucket.get('a');
    let through = false;
    const waiting = bucket.head('a').then(() => {
      through = true;
    });
    await turn();
    expect(through).toBe(false);
    await open[Symbol.asyncDispose]();
    await waiting;
    await (await bucket.get('a')).text();
    await bucket.head('a');
  });

  it('gives a waiting call up when it is aborted, and its place to nobody', async () => {
    const bucket = openBucket(memoryDriver(), { layers: [concurrencyLayer(1)] });
    await bucket.put('a', 'x');
    const open = await bucket.get('a');
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = bucket.head('a', { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await open.bytes();
    await bucket.head('a');
  });
});

describe('attempt events', () => {
  it('tell each attempt with its outcome', async () => {
    const events: AttemptEvent[] = [];
    const listen = (event: unknown): void => {
      events.push(event as AttemptEvent);
    };
    subscribe(ATTEMPT_CHANNEL, listen);
    try {
      let failures = 1;
      const driver = memoryDriver();
      const flaky = delegate(driver, {
        put: (key, body, o) => (failures-- > 0 ? driver.head('missing', {}) : driver.put(key, body, o)),
      });
      const bucket = openBucket(flaky, { layers: [retryLayer({ wait: () => Promise.resolve() })] });
      await expect(bucket.put('a', 'x')).rejects.toMatchObject({ code: 'NotFound' });
      await bucket.put('a', 'x');
      await bucket.listPage();
    } finally {
      unsubscribe(ATTEMPT_CHANNEL, listen);
    }
    expect(events.map(({ operation, attempt, outcome, provider }) => [operation, attempt, outcome, provider])).toEqual([
      ['put', 1, 'NotFound', 'memory'],
      ['put', 1, 'ok', 'memory'],
      ['list', 1, 'ok', 'memory'],
    ]);
    expect(events.every(({ durationMs }) => durationMs >= 0)).toBe(true);
  });

  it('count the attempts of the retry layer', async () => {
    const attempts: number[] = [];
    const listen = (event: unknown): void => {
      attempts.push((event as AttemptEvent).attempt);
    };
    subscribe(ATTEMPT_CHANNEL, listen);
    try {
      const driver = faultLayer([{ operation: 'head', code: 'Unavailable', times: 2 }])(memoryDriver());
      const bucket = openBucket(driver, { layers: [retryLayer({ wait: () => Promise.resolve() })] });
      await expect(bucket.head('a')).rejects.toMatchObject({ code: 'NotFound' });
    } finally {
      unsubscribe(ATTEMPT_CHANNEL, listen);
    }
    expect(attempts).toEqual([1, 2, 3]);
  });
});
