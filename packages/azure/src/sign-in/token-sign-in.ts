import { Renewed } from '@stowage/wire';
import type { SignIn, UnsignedRequest } from './sign-in.ts';

/** A bearer token of Microsoft Entra ID for storage. */
export interface AccessToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** Gives a new token each time it is asked. */
export type TokenSource = (signal: AbortSignal) => Promise<AccessToken>;

/** Requests with a bearer token, which is kept and renewed. */
export class TokenSignIn implements SignIn {
  readonly kind = 'managed-identity';
  readonly account: string | undefined;
  readonly #token: Renewed<AccessToken>;

  constructor(source: TokenSource, account?: string) {
    this.account = account;
    this.#token = new Renewed(source, { endOf: ({ expiresAt }) => expiresAt.getTime() });
  }

  get secrets(): readonly string[] {
    const { held } = this.#token;
    return held === undefined ? [] : [held.token];
  }

  check(): void {
    // Roles are known to the service alone.
  }

  async sign({ headers }: UnsignedRequest, signal: AbortSignal | undefined): Promise<void> {
    headers['authorization'] = `Bearer ${(await this.token(signal)).token}`;
  }

  token(signal: AbortSignal | undefined): Promise<AccessToken> {
    return this.#token.value(signal);
  }
}
