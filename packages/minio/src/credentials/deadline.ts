import { setTimeout as delay } from 'node:timers/promises';
import { isStorageError } from '@stowage/core';
import type { SignInCall } from './credentials.ts';
import { signInError } from './sign-in-error.ts';

/** The longest that a sign-in takes before it says why it cannot. Users are promised ten seconds. */
export const SIGN_IN_MS = 9_000;

/**
 * Runs a step of signing in, for `ms` milliseconds at most. `what` begins the message: "the instance metadata at …".
 * What ignores the signal (a read of a file that never ends) is left behind.
 */
export async function withinDeadline<T>(call: SignInCall | undefined, ms: number, what: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  call?.signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(signInError('Timeout', `${what} gave no answer within ${ms / 1000} s`)), ms);
  const signal = call?.signal === undefined ? deadline.signal : AbortSignal.any([call.signal, deadline.signal]);
  const ended = Promise.withResolvers<never>();
  const end = (): void => ended.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([run(signal), ended.promise]);
  } catch (error) {
    // Whatever an aborted step throws, the caller learns why it was ended.
    if (signal.aborted) throw signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/** Runs `once` until it succeeds, fails for good, or has failed `attempts` times; waits longer each time. */
export async function repeated<T>(attempts: number, signal: AbortSignal, once: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once();
    } catch (error) {
      signal.throwIfAborted();
      if (!isStorageError(error) || !error.retryable) throw error;
      if (attempt >= attempts) throw error.with({ attempts: attempt });
      const wait = error.retryAfterMs ?? 100 * 2 ** attempt * (0.5 + Math.random() / 2);
      await delay(wait, undefined, { signal });
    }
  }
}
