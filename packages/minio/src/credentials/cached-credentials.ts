import { Renewed, type RenewedOptions } from '@stowage/wire';
import type { Credentials, CredentialSource } from './credentials.ts';
import { signInError } from './sign-in-error.ts';

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

/**
 * Asks `source` only when it must, and once for all callers.
 * Five minutes before their end credentials are renewed beside the work, which goes on with the held ones; if that fails,
 * the held ones serve while 60 seconds or more remain, and it is tried again. From then on, callers wait for new ones.
 * A source that keeps its credentials already comes back as it is.
 */
export function cachedCredentials(source: CredentialSource, options: CacheOptions = {}): CredentialSource {
  if (CACHED.has(source)) return source;
  const { now = Date.now, refreshEarlyMs: earlyMs, onRefreshFailure: onFailure, ...others } = options;
  const credentials = new Renewed(
    async (signal) => {
      const fresh = await source({ signal });
      if (endOf(fresh) <= now()) throw expiredError(fresh);
      return fresh;
    },
    {
      ...others,
      endOf,
      now,
      ...(earlyMs === undefined ? {} : { earlyMs }),
      ...(onFailure === undefined ? {} : { onFailure }),
    } satisfies RenewedOptions<Credentials>,
  );
  const cached: CredentialSource = (call) => credentials.value(call?.signal);
  CACHED.add(cached);
  return cached;
}

function endOf({ expiration }: Credentials): number {
  return expiration?.getTime() ?? Infinity;
}

function expiredError(credentials: Credentials): Error {
  const end = credentials.expiration?.toISOString() ?? 'an unknown time';
  return signInError('Unauthenticated', `the credentials just received expired at ${end} already; check the clock of this machine`);
}
