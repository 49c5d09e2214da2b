import { type ErrorCode, isStorageError, StorageError } from '@stowage/core';

interface Fault {
  readonly code: ErrorCode;
  readonly text: string;
  readonly retryable?: boolean;
}

/** Failures by the codes of Node, OpenSSL and undici, in words that go behind the URL. */
const FAULTS: Readonly<Record<string, Fault>> = {
  // The resolver says that there is no such name; it says something else where it could not ask.
  ENOTFOUND: { code: 'Unavailable', text: 'there is no such host: its name was not found', retryable: false },
  EAI_AGAIN: { code: 'Unavailable', text: "its host's name could not be looked up at the moment; check the network" },
  ECONNREFUSED: { code: 'Unavailable', text: 'nobody listens there' },
  UND_ERR_HEADERS_OVERFLOW: { code: 'Unavailable', text: "the answer's headers are larger than allowed (maxHeaderBytes)", retryable: false },
  UND_ERR_CONNECT_TIMEOUT: { code: 'Timeout', text: 'the connection was not made in time' },
  UND_ERR_HEADERS_TIMEOUT: { code: 'Timeout', text: 'the answer did not begin in time' },
  UND_ERR_BODY_TIMEOUT: { code: 'Timeout', text: 'the body was silent for too long' },
  ETIMEDOUT: { code: 'Timeout', text: 'the connection was not made in time' },
  CERT_HAS_EXPIRED: { code: 'Unavailable', text: "its host's certificate has expired", retryable: false },
  CERT_NOT_YET_VALID: { code: 'Unavailable', text: "its host's certificate is not valid yet; check this machine's clock", retryable: false },
  ERR_TLS_CERT_ALTNAME_INVALID: { code: 'Unavailable', text: "its host's certificate is for another host", retryable: false },
};

const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'INVALID_CA',
]);

/** A request or a body that broke, in plain words. `shown`: the URL as messages may hold it. The error underneath is not kept: it may hold the whole URL. */
export function networkFault(error: unknown, shown: string): StorageError {
  const own = errorsIn(error).find((each) => isStorageError(each));
  if (own !== undefined) return own;
  const codes = errorsIn(error).flatMap((each) => [...('code' in each && typeof each.code === 'string' ? [each.code] : []), each.name]);
  const { code, text, retryable } = faultOf(codes);
  return new StorageError(code, `${shown}: ${text}`, { provider: 'http', ...(retryable === undefined ? {} : { retryable }) });
}

function faultOf(codes: readonly string[]): Fault {
  const known = codes.find((code) => Object.hasOwn(FAULTS, code));
  if (known !== undefined) return FAULTS[known] as Fault;
  if (codes.some((code) => UNTRUSTED.has(code)))
    return { code: 'Unavailable', text: "its host's certificate is not of an authority that is trusted here", retryable: false };
  if (codes.some((code) => code === 'EPROTO' || code.startsWith('ERR_SSL_')))
    return { code: 'Unavailable', text: 'what answers there does not speak TLS as it should', retryable: false };
  if (codes.some((code) => code.startsWith('HPE_') || code === 'HTTPParserError'))
    return { code: 'Unavailable', text: 'what answers there does not speak http as it should', retryable: false };
  return { code: 'Unavailable', text: `the connection broke (${codes.find((code) => /^[A-Z_]{3,40}$/.test(code)) ?? 'for a reason unknown'})` };
}

/** An error and those that it wraps. */
function errorsIn(error: unknown, depth = 0): readonly Error[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return [error, ...[error.cause, ...inner].flatMap((each) => errorsIn(each, depth + 1))];
}
