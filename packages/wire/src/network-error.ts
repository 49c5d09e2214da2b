import type { ErrorCode, StorageError } from '@stowage/core';
import { refusal, type RequestContext } from './refusal.ts';

/** Failures of certificates, as Node names them. */
const CERTIFICATE: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
  'CERT_CHAIN_TOO_LONG',
]);
const TIMEOUT: ReadonlySet<string> = new Set(['TimeoutError', 'ETIMEDOUT']);

/** A request that found no answer, in plain words. The error underneath is not kept: clients hang the signed request on it, its URL too. */
export function networkError(provider: string, error: unknown, context: RequestContext): StorageError {
  const { code, message } = described(errorNames(error), context);
  return refusal(provider, code, message, {}, context);
}

/** Codes and names of an error and of those that it wraps, the outermost first. */
export function errorNames(error: unknown, depth: number = 0): string[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const code = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return [...code, error.name, ...[error.cause, ...inner].flatMap((each) => errorNames(each, depth + 1))];
}

function described(names: readonly string[], { endpoint }: RequestContext): { readonly code: ErrorCode; readonly message: string } {
  const host = endpoint.replace(/^https?:\/\//, '');
  const has = (...any: string[]): boolean => any.some((name) => names.includes(name));
  if (has('ENOTFOUND')) return { code: 'Unavailable', message: `there is no host ${host}: its name was not found; check endpoint and the network` };
  if (has('EAI_AGAIN')) return { code: 'Unavailable', message: `the name ${host} could not be looked up at the moment; check the network` };
  if (has('ECONNREFUSED')) return { code: 'Unavailable', message: `nobody listens at ${endpoint}; check endpoint and port, and that the server runs` };
  if (has('CERT_HAS_EXPIRED'))
    return { code: 'Config', message: `the certificate of ${endpoint} has expired; renew it there, or set this machine's clock right` };
  if (has('CERT_NOT_YET_VALID')) return { code: 'Config', message: `the certificate of ${endpoint} is not valid yet; set this machine's clock right` };
  if (has('ERR_TLS_CERT_ALTNAME_INVALID'))
    return { code: 'Config', message: `the certificate of ${endpoint} is for another host; use the host's name that stands in it` };
  if (names.some((name) => CERTIFICATE.has(name)))
    return { code: 'Config', message: `the certificate of ${endpoint} is not of an authority that is trusted here; give the authority's certificate as "ca"` };
  if (names.some((name) => name === 'EPROTO' || name.startsWith('ERR_SSL_')))
    return { code: 'Config', message: `${endpoint} does not speak TLS; write the endpoint with http:// before it, or use its https port` };
  if (names.some((name) => name.startsWith('HPE_') || name === 'HTTP_MALFORMED'))
    return { code: 'Config', message: `what answers at ${endpoint} does not speak http; check the port, and whether it is https` };
  // The SDK of S3 calls a reset a timeout by name.
  if (!has('ECONNRESET', 'EPIPE') && names.some((name) => TIMEOUT.has(name))) return { code: 'Timeout', message: `${endpoint} did not answer in time` };
  return {
    code: 'Unavailable',
    message: `the connection to ${endpoint} broke (${names.find((name) => /^[A-Z_]{3,40}$/.test(name)) ?? 'for a reason unknown'})`,
  };
}
