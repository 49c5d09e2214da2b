/**
 * The SharedKey scheme for Blob Storage, in the form of version 2015-02-21 and later.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
 */
import { HmacKey } from '@stowage/wire';
import { configError } from './sign-in-error.ts';
import type { SignIn, UnsignedRequest } from './sign-in.ts';

/** Standard headers that are signed, in the order of the string to sign; the length comes third, and the date is `x-ms-date`. */
const BEFORE_LENGTH = ['content-encoding', 'content-language'] as const;
const BEHIND_LENGTH = ['content-md5', 'content-type', 'date', 'if-modified-since', 'if-match', 'if-none-match', 'if-unmodified-since', 'range'] as const;

/** The account's key, decoded once. */
export class AccountKey implements SignIn {
  readonly kind = 'account-key';
  readonly account: string;
  readonly #key: Buffer;
  readonly #hmac: HmacKey;

  /** Throws `Config` for what is no base64: `Buffer.from` would drop what it does not know, and a truncated key be used as it is. */
  constructor(account: string, key: string) {
    const bare = key.replace(/\s+/g, '');
    if (bare === '' || bare.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(bare))
      throw configError('the account key: expected base64 of about 88 characters, as the portal shows it; got something else, or a part of it');
    this.account = account;
    this.#key = Buffer.from(bare, 'base64');
    this.#hmac = new HmacKey(this.#key);
  }

  /** Not kept as a property: whoever prints a driver shall not see it. */
  get secrets(): readonly string[] {
    return [this.#key.toString('base64')];
  }

  /** The owner's key may do everything. */
  check(): void {
    // Nothing is known to be refused.
  }

  sign(request: UnsignedRequest): void {
    request.headers['x-ms-date'] ??= httpDate(Date.now());
    request.headers['authorization'] = `SharedKey ${this.account}:${this.digest(stringToSign(request, this.account))}`;
  }

  /** Base64 of HMAC-SHA256 with the key. */
  digest(text: string): string {
    return this.#hmac.base64(text);
  }
}

function stringToSign({ method, path, query, headers, length }: UnsignedRequest, account: string): string {
  let text = method;
  for (const name of BEFORE_LENGTH) text += `\n${headers[name] ?? ''}`;
  text += `\n${length === 0 ? '' : length}`;
  for (const name of BEHIND_LENGTH) text += `\n${headers[name] ?? ''}`;
  text += '\n';
  for (const name of signedNames(headers)) text += `${name}:${(headers[name] as string).trim()}\n`;
  text += `/${account}${path}`;
  for (const name of Object.keys(query).sort()) text += `\n${name.toLowerCase()}:${query[name]}`;
  return text;
}

/**
 * The `x-ms-` headers in the order in which the service signs them: that of words in .NET, where a hyphen does not count and an
 * underscore comes before digits and letters. Only names of metadata have one.
 */
function signedNames(headers: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(headers).filter((name) => name.startsWith('x-ms-'));
  return names.some((name) => name.includes('_')) ? names.sort((a, b) => (wordOf(a) < wordOf(b) ? -1 : 1)) : names.sort();
}

function wordOf(name: string): string {
  return name.replaceAll('-', '').replaceAll('_', '!');
}

let second = -1;
let text = '';

/** Made once a second: it is the same for all requests of one. */
function httpDate(now: number): string {
  const at = Math.floor(now / 1000);
  if (at !== second) {
    second = at;
    text = new Date(at * 1000).toUTCString();
  }
  return text;
}
