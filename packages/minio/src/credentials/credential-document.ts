import type { Credentials } from './credentials.ts';
import { signInError } from './sign-in-error.ts';

/**
 * Credentials out of the JSON that instance metadata, container services and credential processes answer with:
 * `AccessKeyId`, `SecretAccessKey`, `Token` (a process says `SessionToken`) and `Expiration`.
 * What is missing is named; the text itself is never shown.
 */
export function readCredentialDocument(what: string, text: string): Credentials {
  const document = parseObject(what, text);
  return credentialsOf(what, {
    accessKeyId: document['AccessKeyId'],
    secretAccessKey: document['SecretAccessKey'],
    sessionToken: document['Token'] ?? document['SessionToken'],
    expiration: document['Expiration'],
  });
}

/** The JSON object in an answer. */
export function parseObject(what: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold a secret.
    throw signInError('Unavailable', `${what} answered something that is not JSON`, { retryable: false });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw signInError('Unavailable', `${what} answered JSON that is no object`, { retryable: false });
  return { ...value };
}

/** Checks what a service gave before it is used. */
export function credentialsOf(
  what: string,
  given: { accessKeyId: unknown; secretAccessKey: unknown; sessionToken?: unknown; expiration?: unknown },
): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = given;
  if (typeof accessKeyId !== 'string' || accessKeyId === '') throw missing(what, 'access key');
  if (typeof secretAccessKey !== 'string' || secretAccessKey === '') throw missing(what, 'secret key');
  if (sessionToken !== undefined && sessionToken !== null && typeof sessionToken !== 'string') throw missing(what, 'session token');
  const end = readExpiration(what, expiration);
  return {
    accessKeyId,
    secretAccessKey,
    ...(typeof sessionToken === 'string' && sessionToken !== '' ? { sessionToken } : {}),
    ...(end === undefined ? {} : { expiration: end }),
  };
}

function readExpiration(what: string, value: unknown): Date | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const date = value instanceof Date ? value : typeof value === 'string' ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) throw missing(what, 'expiration date');
  return date;
}

function missing(what: string, field: string): Error {
  return signInError('Unavailable', `${what} answered without a usable ${field}`, { retryable: false });
}
