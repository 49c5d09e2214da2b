import { setTimeout as sleep } from 'node:timers/promises';
import { isStorageError } from '@stowage/core';

/** A store that asks for more than this is not waited for here: its user is told. */
const LONGEST_PAUSE_MS = 30_000;

/**
 * Runs `work` until it succeeds, fails for good, or has failed `attempts` times. For the requests inside of one call whose bytes nobody
 * else has; a whole call is repeated by the retry layer alone.
 */
export async function inAttempts<T>(attempts: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      const wait = pauseAfter(error, failures, attempts);
      if (wait === undefined) throw isStorageError(error) && failures > 1 ? error.with({ attempts: failures }) : error;
      await pause(wait, signal);
    }
  }
}

/** Milliseconds until the next attempt after so many failures; undefined where there is none. */
export function pauseAfter(error: unknown, failures: number, attempts: number): number | undefined {
  if (!isStorageError(error) || !error.retryable || failures >= attempts) return undefined;
  const wait = Math.max(error.retryAfterMs ?? 0, 100 * 2 ** failures * (0.5 + Math.random() / 2));
  return wait > LONGEST_PAUSE_MS ? undefined : wait;
}

/** Rejects with the signal's reason when it is aborted. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((reason: unknown) => {
    throw signal?.aborted === true ? signal.reason : reason;
  });
}
