import type { Credentials, CredentialSource } from './credentials.ts';
import { signInError } from './sign-in-error.ts';
import { untilAborted } from '../until-aborted.ts';

export interface CacheOptions {
  /** The time in milliseconds. Default: the clock. */
  readonly now?: () => number;
  /** How long before their end credentials are renewed, in milliseconds. Default 5 minutes. */
  readonly refreshEarlyMs?: number;
  /** Held credentials with less than this left are not given out while new ones can be had, in milliseconds. Default 60 s. */
  readonly keepMs?: number;
  /** The pause between two renewals while the held ones still serve, in milliseconds. Default 15 s. */
  readonly pauseMs?: number;
  /** Told of each failed renewal that the held credentials cover up. Default: not told. */
  readonly onRefreshFailure?: (error: unknown) => void;
}

/** The sources made here. */
const CACHED: WeakSet<CredentialSource> = new WeakSet();

interface Flight {
  readonly result: Promise<Credentials>;
  readonly abort: AbortController;
  waiting: number;
  /** Renews in the background: it goes on when nobody waits. */
  readonly kept: boolean;
}

/**
 * Asks `source` only when it must, and once for all callers.
 * Five minutes before their end credentials are renewed beside the work, which goes on with the held ones; if that fails,
 * the held ones serve while 60 seconds or more remain, and it is tried again. From then on, callers wait for new ones.
 * A source that keeps its credentials already comes back as it is.
 */
export function cachedCredentials(source: CredentialSource, options: CacheOptions = {}): CredentialSource {
  if (CACHED.has(source)) return source;
  const { now = Date.now, refreshEarlyMs = 300_000, keepMs = 60_000, pauseMs = 15_000, onRefreshFailure } = options;
  let held: Credentials | undefined;
  let flight: Flight | undefined;
  let pausedUntil = -Infinity;

  function take(kept: boolean): Flight {
    if (flight !== undefined) return flight;
    const abort = new AbortController();
    const result = source({ signal: abort.signal }).then((fresh) => {
      if (remaining(fresh, now()) <= 0) throw expiredError(fresh);
      held = fresh;
      return fresh;
    });
    const started: Flight = { result, abort, waiting: 0, kept };
    flight = started;
    const land = (): void => {
      if (flight === started) flight = undefined;
    };
    result.then(land, land);
    return started;
  }

  const cached: CredentialSource = async (call) => {
    call?.signal?.throwIfAborted();
    const time = now();
    const left = held === undefined ? -Infinity : remaining(held, time);
    if (held !== undefined && left >= keepMs) {
      if (left < refreshEarlyMs && flight === undefined && time >= pausedUntil) {
        pausedUntil = time + pauseMs;
        take(true).result.catch((error: unknown) => onRefreshFailure?.(error));
      }
      return held;
    }
    const joined = take(false);
    joined.waiting++;
    try {
      return await untilAborted(joined.result, call?.signal);
    } finally {
      joined.waiting--;
      if (joined.waiting === 0 && !joined.kept && flight === joined) {
        // The last one who waited has gone: end the request, and let the next caller begin anew.
        flight = undefined;
        joined.abort.abort(signInError('Unavailable', 'signing in was given up: every caller has gone'));
      }
    }
  };
  CACHED.add(cached);
  return cached;
}

function remaining(credentials: Credentials, now: number): number {
  return credentials.expiration === undefined ? Infinity : credentials.expiration.getTime() - now;
}

function expiredError(credentials: Credentials): Error {
  const end = credentials.expiration?.toISOString() ?? 'an unknown time';
  return signInError('Unauthenticated', `the credentials just received expired at ${end} already; check the clock of this machine`);
}
