import { type ErrorCode, StorageError } from '@stowage/core';
import { errorNames, withoutSecrets } from '@stowage/wire';

/** A failed sign-in. There is never a cause: what the library throws holds the request with its headers and the assertion. */
export function signInError(code: ErrorCode, message: string): StorageError {
  return new StorageError(code, message, { operation: 'signIn', provider: 'google' });
}

export function configError(message: string): StorageError {
  return signInError('Config', message);
}

/** What the auth library threw, in plain words. `what`: who was asked; `who`: who asked. */
export function refusedSignIn(error: unknown, what: string, who: string): StorageError {
  const { status, name, description, codes } = factsOf(error);
  const said = withoutSecrets([name, description].filter((part) => part !== '').join(': '));
  const told = said === '' ? '' : ` (${said})`;
  if (/reasonable timeframe|short-lived/.test(description))
    return signInError('Unauthenticated', `${what} refuses the time of the request: this machine's clock is wrong; set it right${told}`);
  if (/Invalid JWT Signature/i.test(description))
    return signInError('Unauthenticated', `${what} does not know the key of ${who}: it was deleted or replaced; make a new key and its file${told}`);
  if (/account not found|Invalid issuer/i.test(description))
    return signInError('Unauthenticated', `${what} does not know ${who}: it was deleted, or the file is of another place${told}`);
  if (status === 429) return signInError('RateLimited', `${what} asks to slow down${told}`);
  if (status !== undefined && status >= 500) return signInError('Unavailable', `${what} failed with status ${status}${told}`);
  if (status !== undefined) return signInError('Unauthenticated', `${what} refused to sign in ${who} with status ${status}${told}`);
  if (codes.some((code) => /TIMEDOUT|TIMEOUT|timeout/i.test(code))) return signInError('Timeout', `${what} did not answer in time`);
  const file = codes.find((each) => /^(?:ENOENT|EACCES|EPERM|EISDIR|ENOTDIR)$/.test(each));
  if (file !== undefined) return signInError('Config', `${what} name a file that cannot be read (${file}: ${withoutSecrets(messageOf(error))})`);
  const code = codes.find((each) => /^[A-Z_]{3,40}$/.test(each));
  if (code !== undefined) return signInError('Unavailable', `${what} cannot be reached (${code}); check the network`);
  return signInError(
    'Unauthenticated',
    `${what} did not sign in ${who}${withoutSecrets(messageOf(error)) === '' ? '' : ` (${withoutSecrets(messageOf(error))})`}`,
  );
}

interface Facts {
  readonly status: number | undefined;
  readonly name: string;
  readonly description: string;
  readonly codes: readonly string[];
}

/** Only what is known to be harmless is taken out of the library's error. */
function factsOf(error: unknown): Facts {
  const { response } = (error ?? {}) as { response?: { status?: unknown; data?: unknown } };
  const data = response?.data;
  const fields = (typeof data === 'object' && data !== null ? data : {}) as { error?: unknown; error_description?: unknown };
  return {
    status: typeof response?.status === 'number' ? response.status : undefined,
    name: typeof fields.error === 'string' ? fields.error : '',
    description: typeof fields.error_description === 'string' ? fields.error_description : '',
    codes: errorNames(error),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
