import { withinDeadline as within } from '@stowage/wire';
import type { SignInCall } from './credentials.ts';
import { signInError } from './sign-in-error.ts';

/** The longest that a sign-in takes before it says why it cannot. Users are promised ten seconds. */
export const SIGN_IN_MS = 9_000;

/** Runs a step of signing in, for `ms` milliseconds at most. `what` begins the message: "the instance metadata at …". */
export function withinDeadline<T>(call: SignInCall | undefined, ms: number, what: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return within(call?.signal, ms, () => signInError('Timeout', `${what} gave no answer within ${ms / 1000} s`), run);
}
