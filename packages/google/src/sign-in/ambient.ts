/** Sign-ins that come with the machine. Each is used where it was asked for by name, and then alone. */
import { inspect } from 'node:util';
import { type Call, isStorageError } from '@stowage/core';
import { CachedToken, type Token } from './cached-token.ts';
import { refusedSignIn, signInError } from './sign-in-error.ts';
import { SCOPE, type SignIn, type UrlSigner } from './sign-in.ts';

interface TokenClient {
  getAccessToken(): Promise<{ token?: string | null }>;
  readonly credentials: { readonly expiry_date?: number | null };
}

/**
 * Google's application-default credentials, as the auth library finds them in the environment of this process: the file of any type that
 * `GOOGLE_APPLICATION_CREDENTIALS` names, gcloud's own file, the metadata server. Whoever asks for them answers for what they find:
 * https://cloud.google.com/docs/authentication/application-default-credentials
 */
export function applicationDefault(): SignIn {
  return new Ambient('the application-default credentials', async () => {
    const { GoogleAuth } = await import('google-auth-library');
    return await new GoogleAuth({ scopes: [SCOPE] }).getClient();
  });
}

/** The service account of the virtual machine, container or function that this runs in, from its metadata server (`GCE_METADATA_HOST`). */
export function metadataServer(): SignIn {
  return new Ambient('the metadata server', async () => {
    const { Compute } = await import('google-auth-library');
    return new Compute({ scopes: [SCOPE] });
  });
}

class Ambient implements SignIn {
  readonly name: string;
  readonly identity: string;
  readonly #make: () => Promise<TokenClient>;
  readonly #token: CachedToken;
  #client: Promise<TokenClient> | undefined;

  constructor(name: string, make: () => Promise<TokenClient>) {
    this.name = name;
    this.identity = name;
    this.#make = make;
    this.#token = new CachedToken(name, () => this.#fetch());
  }

  held(): string | undefined {
    return this.#token.held();
  }

  token(call: Call): Promise<string> {
    return this.#token.token(call);
  }

  forget(token: string): void {
    this.#token.forget(token);
    // The library keeps it as well.
    this.#client = undefined;
  }

  async signer(): Promise<UrlSigner> {
    throw signInError(
      'Unsupported',
      `a signed URL needs the private key of a service account, which ${this.name} does not give; configure credentials_path for the storage whose URLs are signed`,
    );
  }

  secrets(): readonly string[] {
    return this.#token.given();
  }

  async authClient(): Promise<unknown> {
    return await this.#opened();
  }

  async #opened(): Promise<TokenClient> {
    this.#client ??= this.#make();
    try {
      return await this.#client;
    } catch (error) {
      this.#client = undefined;
      throw error;
    }
  }

  async #fetch(): Promise<Token> {
    try {
      const client = await this.#opened();
      const { token } = await client.getAccessToken();
      if (typeof token !== 'string' || token === '') throw signInError('Unauthenticated', `${this.name} gave no token`);
      return { text: token, ends: client.credentials.expiry_date ?? Date.now() + 10 * 60_000 };
    } catch (error) {
      if (isStorageError(error)) throw error;
      throw refusedSignIn(error, this.name, 'this program');
    }
  }

  [inspect.custom](): string {
    return `SignIn(${this.name})`;
  }

  toJSON(): unknown {
    return { name: this.name };
  }
}
