import { signInError } from './sign-in-error.ts';
import type { SignIn, UnsignedRequest } from './sign-in.ts';

/** A bearer token of Microsoft Entra ID for storage. */
export interface AccessToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** Gives a new token each time it is asked. */
export type TokenSource = (signal: AbortSignal) => Promise<AccessToken>;

/** A token is renewed this long before its end, beside the work. */
const EARLY_MS = 5 * 60_000;
/** One that ends sooner than this is not sent any more. */
const KEEP_MS = 60_000;
/** Between two renewals that fail while the held token still serves. */
const PAUSE_MS = 15_000;

interface Flight {
  readonly result: Promise<AccessToken>;
  readonly abort: AbortController;
  waiting: number;
  readonly kept: boolean;
}

/**
 * Requests with a bearer token, which is asked for once for all callers. Five minutes before its end it is renewed beside the work; if
 * that fails, the held one serves while a minute or more remains.
 */
export class TokenSignIn implements SignIn {
  readonly kind = 'managed-identity';
  readonly account: string | undefined;
  readonly #source: TokenSource;
  #held: AccessToken | undefined;
  #flight: Flight | undefined;
  #pausedUntil = -Infinity;

  constructor(source: TokenSource, account?: string) {
    this.account = account;
    this.#source = source;
  }

  get secrets(): readonly string[] {
    return this.#held === undefined ? [] : [this.#held.token];
  }

  check(): void {
    // Roles are known to the service alone.
  }

  async sign({ headers }: UnsignedRequest, signal: AbortSignal | undefined): Promise<void> {
    headers['authorization'] = `Bearer ${(await this.token(signal)).token}`;
  }

  async token(signal: AbortSignal | undefined): Promise<AccessToken> {
    signal?.throwIfAborted();
    const now = Date.now();
    const left = this.#held === undefined ? -Infinity : this.#held.expiresAt.getTime() - now;
    if (this.#held !== undefined && left >= KEEP_MS) {
      if (left < EARLY_MS && this.#flight === undefined && now >= this.#pausedUntil) {
        this.#pausedUntil = now + PAUSE_MS;
        // The held one serves; the next caller tries again.
        this.#take(true).result.catch(() => undefined);
      }
      return this.#held;
    }
    const joined = this.#take(false);
    joined.waiting++;
    try {
      return await untilAborted(joined.result, signal);
    } finally {
      joined.waiting--;
      if (joined.waiting === 0 && !joined.kept && this.#flight === joined) {
        this.#flight = undefined;
        joined.abort.abort(signInError('Unavailable', 'signing in was given up: every caller has gone'));
      }
    }
  }

  #take(kept: boolean): Flight {
    if (this.#flight !== undefined) return this.#flight;
    const abort = new AbortController();
    const result = this.#source(abort.signal).then((fresh) => {
      this.#held = fresh;
      return fresh;
    });
    const started: Flight = { result, abort, waiting: 0, kept };
    this.#flight = started;
    const land = (): void => {
      if (this.#flight === started) this.#flight = undefined;
    };
    result.then(land, land);
    return started;
  }
}

/** The promise, or the signal's reason if that comes first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const ended = Promise.withResolvers<never>();
  const end = (): void => ended.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([promise, ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
