import { describe, expect, it } from 'vitest';
import { cachedCredentials } from '../../src/credentials/cached-credentials.ts';
import type { Credentials } from '../../src/credentials/credentials.ts';

const MINUTE = 60_000;

/** A source that is answered by hand, a clock that is moved by hand. */
function scene(): ReturnType<typeof build> {
  return build();
}

function build() {
  const asked: { give: (minutes: number | undefined) => Promise<void>; fail: (why: string) => Promise<void>; signal: AbortSignal | undefined }[] = [];
  const failures: unknown[] = [];
  const clock = { now: 0 };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const source = cachedCredentials(
    (call) =>
      new Promise<Credentials>((resolve, reject) => {
        const number = asked.length + 1;
        asked.push({
          signal: call?.signal,
          give: (minutes) => {
            resolve({
              accessKeyId: `key-${number}`,
              secretAccessKey: 's',
              ...(minutes === undefined ? {} : { expiration: new Date(clock.now + minutes * MINUTE) }),
            });
            return turn();
          },
          fail: (why) => {
            reject(new Error(why));
            return turn();
          },
        });
      }),
    { now: () => clock.now, onRefreshFailure: (error) => failures.push(error) },
  );
  const key = async (): Promise<string> => (await source()).accessKeyId;
  return { asked, failures, clock, source, key, turn };
}

describe('cachedCredentials', () => {
  it('asks once for all callers, and not again while more than five minutes remain', async () => {
    const { asked, clock, key } = scene();
    const callers = [key(), key(), key()];
    await asked[0]?.give(60);
    expect(await Promise.all(callers)).toEqual(['key-1', 'key-1', 'key-1']);
    clock.now = 55 * MINUTE;
    expect(await key()).toBe('key-1');
    expect(asked).toHaveLength(1);
  });

  it('never asks again where there is no end', async () => {
    const { asked, clock, key } = scene();
    const first = key();
    await asked[0]?.give(undefined);
    await first;
    clock.now = 1e15;
    expect(await key()).toBe('key-1');
    expect(asked).toHaveLength(1);
  });

  it('renews five minutes early in one flight, and nobody waits for it', async () => {
    const { asked, clock, key } = scene();
    const first = key();
    await asked[0]?.give(60);
    await first;
    clock.now = 55 * MINUTE + 1;
    expect(await Promise.all([key(), key(), key()])).toEqual(['key-1', 'key-1', 'key-1']);
    expect(asked).toHaveLength(2);
    await asked[1]?.give(60);
    expect(await key()).toBe('key-2');
  });

  it('goes on with the held ones when renewal fails, tries again after a pause, and says why', async () => {
    const { asked, clock, failures, key } = scene();
    const first = key();
    await asked[0]?.give(60);
    await first;
    clock.now = 56 * MINUTE;
    expect(await key()).toBe('key-1');
    await asked[1]?.fail('away');
    expect(await key()).toBe('key-1');
    expect(asked).toHaveLength(2);
    clock.now += 15_000;
    expect(await key()).toBe('key-1');
    expect(asked).toHaveLength(3);
    await asked[2]?.fail('still away');
    expect(failures).toEqual([new Error('away'), new Error('still away')]);
    clock.now = 59 * MINUTE;
    expect(await key()).toBe('key-1');
    await asked[3]?.fail('gone');
    clock.now = 59 * MINUTE + 1;
    const late = key();
    await Promise.all([expect(late).rejects.toThrow('gone for good'), asked[4]?.fail('gone for good')]);
  });

  it('lets callers wait for the flight that is on its way when less than a minute remains', async () => {
    const { asked, clock, key } = scene();
    const first = key();
    await asked[0]?.give(60);
    await first;
    clock.now = 58 * MINUTE;
    await key();
    clock.now = 60 * MINUTE;
    const late = key();
    expect(asked).toHaveLength(2);
    await asked[1]?.give(60);
    expect(await late).toBe('key-2');
  });

  it('does not keep a failure', async () => {
    const { asked, key } = scene();
    const first = key();
    await Promise.all([expect(first).rejects.toThrow('away'), asked[0]?.fail('away')]);
    const second = key();
    await asked[1]?.give(60);
    expect(await second).toBe('key-2');
  });

  it('leaves a source that keeps its credentials as it is', () => {
    const { source } = scene();
    expect(cachedCredentials(source)).toBe(source);
  });

  it('refuses what has expired on arrival', async () => {
    const { asked, key } = scene();
    const first = key();
    await Promise.all([
      expect(first).rejects.toMatchObject({ code: 'Unauthenticated', message: expect.stringMatching(/expired at .* already; check the clock/) }),
      asked[0]?.give(0),
    ]);
  });

  it('lets one caller go without the others, and ends the flight when the last has gone', async () => {
    const { asked, source, turn } = scene();
    const first = new AbortController();
    const second = new AbortController();
    const calls = [source({ signal: first.signal }), source({ signal: second.signal })];
    first.abort(new Error('first has gone'));
    await expect(calls[0]).rejects.toThrow('first has gone');
    expect(asked[0]?.signal?.aborted).toBe(false);
    second.abort(new Error('second has gone'));
    await expect(calls[1]).rejects.toThrow('second has gone');
    expect(asked[0]?.signal?.aborted).toBe(true);
    const third = source();
    expect(asked).toHaveLength(2);
    await asked[0]?.fail('the ended flight');
    await asked[1]?.give(60);
    expect((await third).accessKeyId).toBe('key-2');
    await turn();
    await expect(source({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });
});
