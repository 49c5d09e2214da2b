import type { Call } from '@stowage/core';
import { Renewed, withinDeadline } from '@stowage/wire';
import { signInError } from './sign-in-error.ts';

export interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

/** The longest that a sign-in takes before it says why it cannot. */
const SIGN_IN_MS = 9_000;

/** A token that is kept and renewed, and the last ones that were given. */
export class CachedToken {
  readonly #token: Renewed<Token>;
  #given: string[] = [];

  /** `what` begins the message where no answer comes. */
  constructor(what: string, fetch: () => Promise<Token>) {
    const late = (): Error => signInError('Timeout', `${what} gave no answer within ${SIGN_IN_MS / 1000} s`);
    const source = async (signal: AbortSignal): Promise<Token> => {
      const token = await withinDeadline(signal, SIGN_IN_MS, late, fetch);
      this.#given = [token.text, ...this.#given].slice(0, 2);
      return token;
    };
    this.#token = new Renewed(source, { endOf: ({ ends }) => ends });
  }

  /** Spares the hot path a promise. */
  held(): string | undefined {
    return this.#token.fresh()?.text;
  }

  async token({ signal }: Call): Promise<string> {
    return (await this.#token.value(signal)).text;
  }

  /** Not given out any more, where it is the one that is held. */
  forget(token: string): void {
    if (this.#token.held?.text === token) this.#token.forget();
  }

  /** The last tokens, for their removal from messages. */
  given(): readonly string[] {
    return this.#given;
  }
}
