/**
 * The identity of the machine that this runs on, asked of the machine's own endpoint; no SDK, which takes longer to load than this to ask.
 * https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#get-a-token-using-http
 * https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
import { quoted, StorageError } from '@stowage/core';
import { inAttempts, retryAfterMs, withinDeadline, withoutSecrets } from '@stowage/wire';
import { configError, signInError } from './sign-in-error.ts';
import type { AccessToken, TokenSource } from './token-sign-in.ts';
import { type TokenAnswer, tokenRequest } from './token-request.ts';

export interface ManagedIdentityOptions {
  /** Which of several identities: the client id of a user-assigned one. Default: the system-assigned one, or the only one. */
  readonly clientId?: string;
  /** Where App Service, Functions and Container Apps have it: the values of IDENTITY_ENDPOINT and IDENTITY_HEADER. Default: the instance metadata of a virtual machine. */
  readonly appService?: { readonly endpoint: string; readonly header: string };
  /** Origin of the instance metadata. Default `http://169.254.169.254`. */
  readonly metadataEndpoint?: string;
  /** What the token is for. Default `https://storage.azure.com/`. */
  readonly resource?: string;
}

const METADATA = 'http://169.254.169.254';
const RESOURCE = 'https://storage.azure.com/';
const ATTEMPTS = 3;
const TOTAL_MS = 8_500;

/** Asks for a token each time it is called: the driver keeps it. Throws `Config` for options that cannot work. */
export function managedIdentity(options: ManagedIdentityOptions = {}): TokenSource {
  const { clientId, appService, resource = RESOURCE } = options;
  if (clientId !== undefined && !/^[\w-]{1,64}$/.test(clientId))
    throw configError(`client_id: expected the id of a managed identity, got ${quoted(clientId, 80)}`);
  const url = appService === undefined ? metadataUrl(options.metadataEndpoint ?? METADATA) : serviceUrl(appService.endpoint);
  url.searchParams.set('api-version', appService === undefined ? '2018-02-01' : '2019-08-01');
  url.searchParams.set('resource', resource);
  if (clientId !== undefined) url.searchParams.set('client_id', clientId);
  const headers: Record<string, string> = appService === undefined ? { metadata: 'true' } : { 'x-identity-header': appService.header };
  const what = appService === undefined ? `the instance metadata at ${url.host}` : `the identity endpoint at ${url.host}`;
  const secrets = appService === undefined ? [] : [appService.header];
  const ask = async (signal: AbortSignal): Promise<AccessToken> => {
    try {
      return readToken(what, await tokenRequest(what, url, headers, signal), secrets);
    } catch (error) {
      if (error instanceof StorageError && (error.code === 'Timeout' || error.code === 'Unavailable') && error.status === undefined)
        throw signInError(
          error.code,
          `${error.message}; sign_in: managed_identity works on a machine of Azure with an identity: elsewhere, sign in another way`,
        );
      throw error;
    }
  };
  const late = (): Error => signInError('Timeout', `${what} gave no answer within ${TOTAL_MS / 1000} s`);
  return (signal) => withinDeadline(signal, TOTAL_MS, late, (within) => inAttempts(ATTEMPTS, within, () => ask(within)));
}

function metadataUrl(endpoint: string): URL {
  const url = URL.parse('/metadata/identity/oauth2/token', endpoint);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw configError(`the instance metadata endpoint: expected an origin such as ${METADATA}`);
  return url;
}

function serviceUrl(endpoint: string): URL {
  const url = URL.parse(endpoint);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw configError('IDENTITY_ENDPOINT: expected a URL, as App Service sets it');
  return url;
}

function readToken(what: string, answer: TokenAnswer, secrets: readonly string[]): AccessToken {
  const document = documentOf(answer.text);
  if (answer.status !== 200) throw refusal(what, answer, document, secrets);
  const { access_token: token, expires_on: on, expires_in: seconds } = document;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw signInError('Unavailable', `${what} answered without an access token`, { retryable: false });
  const end = Number(on) > 0 ? Number(on) * 1000 : Number(seconds) > 0 ? Date.now() + Number(seconds) * 1000 : Number.NaN;
  if (Number.isNaN(end)) throw signInError('Unavailable', `${what} gave a token without its end`, { retryable: false });
  if (end <= Date.now())
    throw signInError('Unauthenticated', `${what} gave a token that expired at ${new Date(end).toISOString()} already; check this machine's clock`);
  return { token, expiresAt: new Date(end) };
}

function documentOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // What is no JSON says nothing that can be read.
    return {};
  }
}

/** https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling */
function refusal(what: string, { status, retryAfter }: TokenAnswer, document: Readonly<Record<string, unknown>>, secrets: readonly string[]): Error {
  const words = [document['error'], document['error_description'], document['message']].filter((part) => typeof part === 'string').join(': ');
  const said = words === '' ? '' : ` (${withoutSecrets(words, secrets)})`;
  const wait = retryAfterMs(retryAfter) ?? 0;
  const details = { status, ...(wait > 0 ? { retryAfterMs: wait } : {}) };
  if (status === 429) return signInError('RateLimited', `${what} asks to slow down`, details);
  if (status >= 500 || status === 410) return signInError('Unavailable', `${what} failed with status ${status}${said}`, details);
  if (status === 400 && /identity not found|no.*identit/i.test(words))
    return signInError('Config', `${what} has no such identity${said}; assign one to this machine, or correct client_id`, details);
  if (status === 401 || status === 403) return signInError('AccessDenied', `${what} gives this program no token: status ${status}${said}`, details);
  return signInError('Config', `${what} answered with status ${status}${said}: is this a machine of Azure with a managed identity?`, details);
}
