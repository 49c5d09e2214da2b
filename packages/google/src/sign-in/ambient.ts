/** Sign-ins that come with the machine. Each is used where it was asked for by name, and then alone. */
import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { type Call, isStorageError } from '@stowage/core';
import { quoted } from '../quoted.ts';
import { CachedToken, type Token } from './cached-token.ts';
import { configError, refusedSignIn, signInError } from './sign-in-error.ts';
import { SCOPE, type SignIn, type UrlSigner } from './sign-in.ts';

interface TokenClient {
  getAccessToken(): Promise<{ token?: string | null }>;
  readonly credentials: { readonly expiry_date?: number | null };
}

export interface ApplicationDefaultOptions {
  /** The file that `GOOGLE_APPLICATION_CREDENTIALS` names. Default: the library looks at its environment, gcloud's own file and the metadata server. */
  readonly file?: string;
}

/** Google's application-default credentials, with every type of file: https://cloud.google.com/docs/authentication/application-default-credentials */
export function applicationDefault({ file }: ApplicationDefaultOptions = {}): SignIn {
  return new Ambient('the application-default credentials', async () => {
    const credentials = file === undefined ? undefined : await fileContent(file);
    const { GoogleAuth } = await import('google-auth-library');
    const auth = new GoogleAuth({ scopes: [SCOPE], ...(credentials === undefined ? {} : { credentials }) });
    return (await auth.getClient()) as TokenClient;
  });
}

/** Whoever sets the variable answers for the file's type: it may name URLs to call. */
async function fileContent(path: string): Promise<object> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
    throw configError(`GOOGLE_APPLICATION_CREDENTIALS: cannot read ${quoted(path)} (${code})`);
  }
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === 'object' && fields !== null) return fields;
  } catch {
    // Said below, without the text, which may be a secret.
  }
  throw configError(`GOOGLE_APPLICATION_CREDENTIALS: ${quoted(path)} is no JSON mapping`);
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
