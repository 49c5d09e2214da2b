import type { Call } from '@stowage/core';
import { signInError } from './sign-in-error.ts';

export interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

/** The longest that a sign-in takes before it says why it cannot. */
const SIGN_IN_MS = 9_000;
/** From here on a token is renewed beside the work, which goes on with the held one. */
const EARLY_MS = 5 * 60_000;
/** With less left a held token is not given out. */
const KEEP_MS = 60_000;
/** Between two renewals while the held token still serves. */
const PAUSE_MS = 15_000;

/** Asks for a token only when it must, and once for all callers. */
export class CachedToken {
  readonly #fetch: () => Promise<Token>;
  readonly #what: string;
  #held: Token | undefined;
  #flight: Promise<Token> | undefined;
  #pausedUntil = 0;
  #given: string[] = [];

  /** `what` begins the message where no answer comes. */
  constructor(what: string, fetch: () => Promise<Token>) {
    this.#what = what;
    this.#fetch = fetch;
  }

  held(): string | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    const left = held.ends - Date.now();
    if (left >= EARLY_MS) return held.text;
    return left >= KEEP_MS && Date.now() < this.#pausedUntil ? held.text : undefined;
  }

  async token({ signal }: Call): Promise<string> {
    signal?.throwIfAborted();
    const held = this.#held;
    const left = held === undefined ? 0 : held.ends - Date.now();
    if (held !== undefined && left >= EARLY_MS) return held.text;
    this.#flight ??= this.#renew().finally(() => {
      this.#flight = undefined;
    });
    if (held === undefined || left < KEEP_MS) return (await untilAborted(this.#flight, signal)).text;
    // The held one serves: a renewal that fails is tried again later, and told when it counts.
    this.#pausedUntil = Date.now() + PAUSE_MS;
    this.#flight.catch(() => undefined);
    return held.text;
  }

  /** Not given out any more, where it is the one that is held. */
  forget(token: string): void {
    if (this.#held?.text === token) this.#held = undefined;
  }

  /** The last tokens, for their removal from messages. */
  given(): readonly string[] {
    return this.#given;
  }

  async #renew(): Promise<Token> {
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => limit.reject(signInError('Timeout', `${this.#what} gave no answer within ${SIGN_IN_MS / 1000} s`)), SIGN_IN_MS);
    try {
      const token = await Promise.race([this.#fetch(), limit.promise]);
      this.#held = token;
      this.#given = [token.text, ...this.#given].slice(0, 2);
      return token;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const ended = Promise.withResolvers<never>();
  const end = (): void => ended.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
