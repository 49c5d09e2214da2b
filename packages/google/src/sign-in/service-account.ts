import { createPrivateKey, sign } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { inspect } from 'node:util';
import { type Call, isStorageError, quoted } from '@stowage/core';
import { CachedToken, type Token } from './cached-token.ts';
import { configError, refusedSignIn } from './sign-in-error.ts';
import { SCOPE, type SignIn, type UrlSigner } from './sign-in.ts';

/** What is used of a service account's file. `private_key` is a secret. */
export interface ServiceAccountKey {
  readonly client_email: string;
  /** PEM. */
  readonly private_key: string;
  readonly private_key_id?: string;
  /** New buckets belong to it, unless another is configured. */
  readonly project_id?: string;
}

export interface ServiceAccountOptions {
  /** Where tokens are asked for. Default `https://oauth2.googleapis.com/token`; never a URL out of the file. */
  readonly tokenEndpoint?: string;
}

const TOKEN_ENDPOINT = 'https://oauth2.googleapis.com/token';
/** Beside it the older spellings that Google has written into such files. */
const TOKEN_URIS: ReadonlySet<unknown> = new Set([
  undefined,
  TOKEN_ENDPOINT,
  'https://accounts.google.com/o/oauth2/token',
  'https://www.googleapis.com/oauth2/v4/token',
]);
const MAX_FILE_BYTES = 64 * 1024;

/** Signs in as the service account whose key this is. Throws `Config` for a key that is none. */
export function serviceAccount(key: ServiceAccountKey, options: ServiceAccountOptions = {}): SignIn {
  const checked = checkedKey(key, 'the credentials');
  return new ServiceAccount(
    `the service account ${checked.client_email}`,
    async () => checked,
    options,
    `${checked.client_email} ${checked.private_key_id ?? ''}`,
  );
}

/** The same from a file of Google's console, which is read at first use. Files of other types are refused: they name URLs to call and programs to run. */
export function serviceAccountFile(path: string, options: ServiceAccountOptions = {}): SignIn {
  return new ServiceAccount(`the service account of ${quoted(path)}`, () => readKeyFile(path), options, path);
}

class ServiceAccount implements SignIn {
  readonly name: string;
  readonly identity: string;
  readonly #read: () => Promise<ServiceAccountKey>;
  readonly #endpoint: string;
  readonly #token: CachedToken;
  #key: ServiceAccountKey | undefined;

  constructor(name: string, read: () => Promise<ServiceAccountKey>, { tokenEndpoint = TOKEN_ENDPOINT }: ServiceAccountOptions, identity: string) {
    if (!/^https?:$/.test(URL.parse(tokenEndpoint)?.protocol ?? '')) throw configError(`token_endpoint: expected an http URL, got ${quoted(tokenEndpoint)}`);
    this.name = name;
    this.identity = identity;
    this.#read = read;
    this.#endpoint = tokenEndpoint;
    this.#token = new CachedToken(`the token endpoint ${new URL(tokenEndpoint).origin}`, () => this.#fetch());
  }

  held(): string | undefined {
    return this.#token.held();
  }

  token(call: Call): Promise<string> {
    return this.#token.token(call);
  }

  forget(token: string): void {
    this.#token.forget(token);
  }

  async signer(): Promise<UrlSigner> {
    const { client_email: email, private_key: key } = await this.#loaded();
    const parsed = createPrivateKey(key);
    return { email, sign: (text) => sign('sha256', Buffer.from(text), parsed) };
  }

  async project(): Promise<string | undefined> {
    return (await this.#loaded()).project_id;
  }

  secrets(): readonly string[] {
    return [
      ...this.#token.given(),
      ...(this.#key === undefined ? [] : [this.#key.private_key, ...this.#key.private_key.split('\n').filter((line) => line.length > 40)]),
    ];
  }

  async authClient(): Promise<unknown> {
    return await jwtClient(await this.#loaded(), this.#endpoint);
  }

  async #loaded(): Promise<ServiceAccountKey> {
    this.#key ??= await this.#read();
    return this.#key;
  }

  async #fetch(): Promise<Token> {
    const key = await this.#loaded();
    try {
      // Tokens are kept here: each client is asked once.
      const client = await jwtClient(key, this.#endpoint);
      const { access_token: text, expiry_date: ends } = await client.authorize();
      if (typeof text !== 'string' || text === '') throw configError('the token endpoint answered without a token');
      return { text, ends: ends ?? Date.now() + 3_600_000 };
    } catch (error) {
      if (isStorageError(error)) throw error;
      throw refusedSignIn(error, `the token endpoint ${new URL(this.#endpoint).origin}`, `the service account ${key.client_email}`);
    }
  }

  /** Printed, it shows no secret. */
  [inspect.custom](): string {
    return `SignIn(${this.name})`;
  }

  toJSON(): unknown {
    return { name: this.name };
  }
}

async function jwtClient({ client_email: email, private_key: key, private_key_id: keyId }: ServiceAccountKey, endpoint: string) {
  const { JWT, gaxios } = await import('google-auth-library');
  const transporter = new gaxios.Gaxios({ timeout: 8_000, retry: false });
  transporter.interceptors.request.add({
    // One attempt, at the endpoint that was configured: the library has a fixed one, and repeats by itself.
    resolved: async (options) => Object.assign(options, { url: new URL(endpoint), retry: false, retryConfig: { retry: 0, noResponseRetries: 0 } }),
  });
  return new JWT({ email, key, scopes: [SCOPE], transporter, ...(keyId === undefined ? {} : { keyId }) });
}

async function readKeyFile(path: string): Promise<ServiceAccountKey> {
  let text: string;
  try {
    const found = await stat(path);
    if (!found.isFile()) throw configError(`credentials_path: ${quoted(path)} is no regular file`);
    if (found.size > MAX_FILE_BYTES) throw configError(`credentials_path: ${quoted(path)} has ${found.size} bytes; that is no service account's file`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isStorageError(error)) throw error;
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
    if (code === 'ENOENT') throw configError(`credentials_path: there is no file ${quoted(path)}`);
    if (code === 'EACCES' || code === 'EPERM') throw configError(`credentials_path: no permission to read ${quoted(path)}`);
    throw configError(`credentials_path: cannot read ${quoted(path)} (${code})`);
  }
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw configError(`credentials_path: ${quoted(path)} is no JSON; expected a service account's key file from Google's console`);
  }
  return checkedKey(fields, `credentials_path: ${quoted(path)}`);
}

/** What other files of Google's are, for whoever took one of them. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  authorized_user: 'the sign-in of a person (gcloud auth application-default login)',
  external_account: 'a workload identity federation',
  external_account_authorized_user: 'a workforce identity federation',
  impersonated_service_account: 'an impersonation',
  gdch_service_account: 'an account of Google Distributed Cloud',
};

/** Names the field, never its value. */
function checkedKey(fields: unknown, where: string): ServiceAccountKey {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw configError(`${where}: expected a mapping with type, client_email and private_key`);
  const {
    type,
    client_email: email,
    private_key: key,
    private_key_id: id,
    project_id: project,
    token_uri: uri,
    universe_domain: universe,
    installed,
    web,
  } = fields as Record<string, unknown>;
  if (installed !== undefined || web !== undefined)
    throw configError(`${where}: this is an OAuth client of an app; expected the key file of a service account`);
  if (typeof type === 'string' && type !== 'service_account') {
    const what = Object.hasOwn(OTHER_TYPES, type) ? `${type}, ${OTHER_TYPES[type]}` : 'another';
    throw configError(`${where}: expected the type service_account, got ${what}; such a file is used through sign_in: application_default, if at all`);
  }
  if (type === undefined && where.startsWith('credentials_path'))
    throw configError(`${where}: the field type is missing; expected the key file of a service account`);
  if (typeof email !== 'string' || !/^[^\s@]+@[^\s@]+$/.test(email))
    throw configError(`${where}: the field client_email is missing or no address; download the key file again`);
  if (typeof key !== 'string' || key === '') throw configError(`${where}: the field private_key is missing; download the key file again`);
  if (id !== undefined && typeof id !== 'string') throw configError(`${where}: the field private_key_id is no text`);
  if (project !== undefined && typeof project !== 'string') throw configError(`${where}: the field project_id is no text`);
  if (!TOKEN_URIS.has(uri)) throw configError(`${where}: the field token_uri names another place than Google's token endpoint, which is not followed`);
  if (universe !== undefined && universe !== 'googleapis.com')
    throw configError(`${where}: the field universe_domain names another cloud than googleapis.com, which is not supported`);
  const pem = key.replaceAll('\\n', '\n');
  try {
    if (createPrivateKey(pem).asymmetricKeyType !== 'rsa') throw new Error('no RSA key');
  } catch {
    throw configError(`${where}: the field private_key holds no RSA key in PEM: it was damaged; download the key file again`);
  }
  return {
    client_email: email,
    private_key: pem,
    ...(id === undefined ? {} : { private_key_id: id }),
    ...(project === undefined ? {} : { project_id: project }),
  };
}
