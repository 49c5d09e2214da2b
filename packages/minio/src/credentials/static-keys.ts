import type { Credentials, CredentialSource } from './credentials.ts';
import { configError, signInError } from './sign-in-error.ts';

/** Where a key was written, for messages: the field's name in the configuration. */
export interface KeyNames {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

const OPTION_NAMES: KeyNames = { accessKeyId: 'accessKeyId', secretAccessKey: 'secretAccessKey', sessionToken: 'sessionToken' };

/** An access key and its secret, as given; temporary ones with their session token. Throws code `Config` at once where a key cannot be one. */
export function staticKeys(keys: Credentials, names: KeyNames = OPTION_NAMES): CredentialSource {
  assertKeys(keys, names);
  const credentials: Credentials = { ...keys };
  return async (call) => {
    call?.signal?.throwIfAborted();
    const { expiration } = credentials;
    if (expiration !== undefined && expiration.getTime() <= Date.now()) {
      throw signInError('Unauthenticated', `${names.sessionToken}: these temporary keys expired at ${expiration.toISOString()}; get new ones`);
    }
    return credentials;
  };
}

/** Refuses keys that no service can have issued: empty, or with white space from copying. Names the field, never its value. */
function assertKeys(keys: Credentials, names: KeyNames = OPTION_NAMES): void {
  for (const field of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
    const value = keys[field];
    if (value === undefined) continue;
    if (value === '') throw configError(`${names[field]} is empty`);
    if (/^\s|\s$/.test(value)) throw configError(`${names[field]} begins or ends with white space; copy it again without`);
    if (/[^\x21-\x7e]/.test(value))
      throw configError(`${names[field]} holds a character that no key has (a space, a line break or a letter outside ASCII); copy it again`);
  }
}
