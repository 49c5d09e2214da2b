import type * as sts from '@aws-sdk/client-sts';
import type { STSClient, STSClientConfig } from '@aws-sdk/client-sts';
import { isStorageError, quoted, type StorageError } from '@stowage/core';
import { withoutSecrets } from '@stowage/wire';
import { QuietHttpAgent, QuietHttpsAgent } from '../wire/quiet-agent.ts';
import { awsDomain, isRegion } from './aws-domain.ts';
import type { Credentials, CredentialSource, SignInCall } from './credentials.ts';
import { configError, signInError } from './sign-in-error.ts';

/** Where and how the Security Token Service is asked. */
export interface StsPlace {
  /** The region whose service is asked; also part of the signature. */
  readonly region: string;
  /** Origin of the service. Default: AWS's own of that region. */
  readonly endpoint?: string;
}

/** Loaded at first use: 50 ms and 22 MB of modules that most runs never need. */
export type StsLibrary = typeof sts;

export function stsEndpoint({ region, endpoint }: StsPlace): URL {
  if (!isRegion(region)) throw configError(`region: ${quoted(region)} is not spelled like a region, such as eu-central-1`);
  const url = URL.parse(endpoint ?? `https://sts.${region}.${awsDomain(region)}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') {
    throw configError('sts_endpoint: expected a URL such as https://sts.eu-central-1.amazonaws.com, without user and password');
  }
  return url;
}

/** The credentials in the service's answer. */
export interface StsAnswer {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
  readonly Expiration?: Date | undefined;
}

/** One call of the service with a client of its own, which is closed afterwards. */
export async function callSts<T>(
  place: StsPlace,
  credentials: CredentialSource,
  signal: AbortSignal,
  run: (client: STSClient, library: StsLibrary) => Promise<T>,
): Promise<T> {
  const library = await import('@aws-sdk/client-sts');
  const config: STSClientConfig = {
    region: place.region,
    endpoint: stsEndpoint(place).href,
    // Given in every case, so that the client never looks for credentials of its own.
    credentials: () => credentials({ signal }),
    // Else the client takes these from the environment and from the shared files.
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    defaultsMode: 'standard',
    retryMode: 'standard',
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 2_500,
      requestTimeout: 4_000,
      throwOnRequestTimeout: true,
      httpAgent: new QuietHttpAgent({ keepAlive: false }),
      httpsAgent: new QuietHttpsAgent({ keepAlive: false }),
    },
  };
  const client = new library.STSClient(config);
  try {
    return await run(client, library);
  } finally {
    client.destroy();
  }
}

/** Credentials for calls that go unsigned: that they are asked for at all is a fault. */
export const NO_CREDENTIALS: CredentialSource = async (_call?: SignInCall): Promise<Credentials> => {
  throw signInError('Config', 'this call of the Security Token Service goes unsigned');
};

const UNAUTHENTICATED: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'IDPRejectedClaim',
  'IDPRejectedClaimException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'InvalidIdentityTokenException',
  'MissingAuthenticationToken',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const CONFIG: ReadonlySet<string> = new Set([
  'MalformedPolicyDocument',
  'NoSuchEntity',
  'RegionDisabledException',
  'ValidationError',
  'InvalidParameterValue',
  'MissingParameter',
]);

/**
 * A failure of the Security Token Service in our own terms. The SDK's error carries the request's token and signature in
 * `$response` and is never kept; the service's words are quoted without them.
 */
export function stsError(what: string, place: StsPlace, error: unknown, secrets: readonly string[], advice: string): StorageError {
  if (isStorageError(error)) return error;
  const host = stsEndpoint(place).host;
  if (!(error instanceof Error)) return signInError('Unknown', `${what} at ${host} failed`);
  const status = statusOf(error);
  const requestId = requestIdOf(error);
  const known = { ...(status === undefined ? {} : { status }), ...(requestId === undefined ? {} : { requestId }) };
  if (status === undefined)
    return signInError('Unavailable', `${what}: ${quoted(host)} cannot be reached (${transportCode(error)}); check sts_endpoint, region and the network`);
  const name = withoutSecrets(error.name, secrets);
  const message = `${what} at ${host} was refused: ${name}: ${withoutSecrets(error.message, secrets)}`;
  if (/signature (expired|not yet current)/i.test(error.message)) {
    return signInError(
      'Unauthenticated',
      `${what} at ${host} was refused: the clock of this machine is wrong (now ${new Date().toISOString()}); set it right`,
      known,
    );
  }
  if (UNAUTHENTICATED.has(name)) return signInError('Unauthenticated', message, known);
  if (name === 'AccessDenied' || name === 'AccessDeniedException') return signInError('AccessDenied', `${message}; ${advice}`, known);
  if (status === 429 || /Throttl|TooManyRequests|SlowDown|RequestLimitExceeded/.test(name)) return signInError('RateLimited', message, known);
  if (status >= 500 || name.startsWith('IDPCommunicationError')) return signInError('Unavailable', message, known);
  if (CONFIG.has(name) || status === 400) return signInError('Config', message, known);
  if (status === 401) return signInError('Unauthenticated', message, known);
  if (status === 403) return signInError('AccessDenied', `${message}; ${advice}`, known);
  return signInError('Config', `${what}: ${quoted(host)} answered ${status}, and not as a Security Token Service; check sts_endpoint`, known);
}

interface Metadata {
  readonly httpStatusCode?: unknown;
  readonly requestId?: unknown;
}

function metadataOf(error: Error): Metadata {
  return '$metadata' in error && typeof error.$metadata === 'object' && error.$metadata !== null ? error.$metadata : {};
}

function statusOf(error: Error): number | undefined {
  const { httpStatusCode } = metadataOf(error);
  return typeof httpStatusCode === 'number' ? httpStatusCode : undefined;
}

function requestIdOf(error: Error): string | undefined {
  const { requestId } = metadataOf(error);
  return typeof requestId === 'string' && /^[\w-]{1,64}$/.test(requestId) ? requestId : undefined;
}

/** The system's word for a connection that failed; an SDK wraps it once. */
function transportCode(error: Error): string {
  const inner = error.cause instanceof Error ? error.cause : error;
  return 'code' in inner && typeof inner.code === 'string' && /^[A-Z_0-9]{2,40}$/.test(inner.code) ? inner.code : error.name.slice(0, 40);
}
