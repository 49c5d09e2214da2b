import type { CredentialSource } from './credentials.ts';
import { configError } from './sign-in-error.ts';
import { staticKeys } from './static-keys.ts';

/** Environment variables, given as a parameter: only a program's entry reads its own. */
export type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = { accessKeyId: 'AWS_ACCESS_KEY_ID', secretAccessKey: 'AWS_SECRET_ACCESS_KEY', sessionToken: 'AWS_SESSION_TOKEN' };

/** The keys of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`, read anew at each call. */
export function environmentKeys(env: Environment): CredentialSource {
  return async (call) => {
    const accessKeyId = env[NAMES.accessKeyId];
    const secretAccessKey = env[NAMES.secretAccessKey];
    const sessionToken = env[NAMES.sessionToken];
    const absent = [accessKeyId ? '' : NAMES.accessKeyId, secretAccessKey ? '' : NAMES.secretAccessKey].filter((name) => name !== '');
    if (!accessKeyId || !secretAccessKey) throw configError(`sign-in by environment: ${absent.join(' and ')} ${absent.length > 1 ? 'are' : 'is'} not set`);
    const expiration = readDate(env['AWS_CREDENTIAL_EXPIRATION']);
    return await staticKeys({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}), ...(expiration ? { expiration } : {}) }, NAMES)(call);
  };
}

function readDate(text: string | undefined): Date | undefined {
  if (!text) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw configError('AWS_CREDENTIAL_EXPIRATION is no date; expected one like 2027-01-31T12:00:00Z');
  return date;
}
