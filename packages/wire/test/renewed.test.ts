import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Renewed, untilAborted, withinDeadline } from '@stowage/wire';

const MINUTE = 60_000;

/** What `cachedCredentials` of `@stowage/minio` promises is tested there, over this. */
describe('what is renewed', () => {
  const scene = (): {
    readonly token: Renewed<{ readonly text: string; readonly ends: number }>;
    readonly clock: { now: number };
    readonly asked: () => number;
  } => {
    const clock = { now: 0 };
    let asked = 0;
    const source = async (): Promise<{ text: string; ends: number }> => ({ text: `token-${++asked}`, ends: clock.now + 60 * MINUTE });
    return { token: new Renewed(source, { endOf: ({ ends }) => ends, now: () => clock.now }), clock, asked: () => asked };
  };

  it('is given at once while it serves, and its renewal begun where that is due', async () => {
    const { token, clock, asked } = scene();
    expect(token.fresh()).toBeUndefined();
    expect(asked()).toBe(0);
    await token.value(undefined);
    clock.now = 56 * MINUTE;
    expect(token.fresh()?.text).toBe('token-1');
    await turn();
    expect(token.fresh()?.text).toBe('token-2');
    expect(asked()).toBe(2);
  });

  it('is asked for anew once it is forgotten, and when it is about to end', async () => {
    const { token, clock } = scene();
    await token.value(undefined);
    token.forget();
    expect(token.held).toBeUndefined();
    expect((await token.value(undefined)).text).toBe('token-2');
    clock.now = 59 * MINUTE + 1;
    expect(token.fresh()).toBeUndefined();
    expect((await token.value(undefined)).text).toBe('token-3');
  });
});

describe('work that an abort ends', () => {
  it('is left with the reason, also where it was aborted before and fails later', async () => {
    const reason = new Error('enough');
    const failing = Promise.reject(new Error('too late'));
    await expect(untilAborted(failing, AbortSignal.abort(reason))).rejects.toBe(reason);
    const stop = new AbortController();
    const left = untilAborted(new Promise(() => undefined), stop.signal);
    stop.abort(reason);
    await expect(left).rejects.toBe(reason);
    expect(await untilAborted(Promise.resolve('done'), new AbortController().signal)).toBe('done');
  });

  it('is over at its deadline, whether it listens or not', async () => {
    const late = new Error('too long');
    await expect(
      withinDeadline(
        undefined,
        10,
        () => late,
        () => new Promise(() => undefined),
      ),
    ).rejects.toBe(late);
    await expect(
      withinDeadline(
        undefined,
        10_000,
        () => late,
        async () => 'done',
      ),
    ).resolves.toBe('done');
  });
});
