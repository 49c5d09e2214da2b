import { CatalogError, type CatalogErrorCode } from '../catalog-error.ts';

/** By SQLSTATE, or by its class of two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: ReadonlyMap<string, readonly [CatalogErrorCode, string]> = new Map([
  ['28', ['Unauthenticated', 'the server does not accept this user and password. Check both in the URL.']],
  ['3D', ['NotFound', 'the server has no such database. Create it first ("createdb"), or check its name in the URL.']],
  ['42501', ['AccessDenied', 'this user may not do that. Grant it the schema: CREATE SCHEMA … AUTHORIZATION user.']],
  ['53100', ['OutOfSpace', 'the disk of the server is full; nothing of this step was kept.']],
  ['53', ['Unavailable', 'the server has no room for another connection or no memory left. Try again later.']],
  ['55P03', ['Locked', 'another process kept the rows too long. Try again when it is done.']],
  ['40', ['Locked', 'another process changed the same rows at the same time. Try again.']],
  ['57P', ['Unavailable', 'the server is shutting down or ended this connection. Nothing is half-written; run again.']],
  ['08', ['Unavailable', 'the connection to the server broke. Nothing is half-written; run again.']],
  ['25006', ['AccessDenied', 'the server takes no writes: it is a standby, or read-only. Use the URL of the primary.']],
]);

/** Codes of Node for connections that break or never come about, and for names that cannot be resolved. */
const BROKEN = /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|ENOENT|EACCES)/;
/** The driver tells these by their words alone. */
const BROKEN_WORDS = /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|timeout expired/i;
const UNTRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/;

export const NO_TLS: RegExp = /does not support SSL/i;

/** Whether the work may simply be done again: another transaction was in the way, and this one was undone. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40P01' || code === '40001';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** PostgreSQL's errors and its driver's to ours; others come back as they are. */
export function postgresError(error: unknown, location: string): unknown {
  if (!(error instanceof Error) || error instanceof CatalogError) return error;
  const code = codeOf(error);
  const known = BY_STATE.get(code) ?? BY_STATE.get(code.slice(0, 3)) ?? BY_STATE.get(code.slice(0, 2));
  // A state has five characters; names of Node's codes are longer.
  if (/^[0-9A-Z]{5}$/.test(code)) {
    const [kind, text] = known ?? ['Unknown', 'the server refused.'];
    return new CatalogError(kind, `${location}: ${text} PostgreSQL says: ${error.message}`, error);
  }
  if (BROKEN.test(code) || BROKEN_WORDS.test(error.message)) {
    return new CatalogError(
      'Unavailable',
      `${location}: the server cannot be reached or went away (${code || error.message}). Nothing is half-written; run again when it is back.`,
      error,
    );
  }
  if (UNTRUSTED.test(code)) {
    return new CatalogError(
      'InvalidArgument',
      `${location}: the server's certificate is not trusted (${code}). Name its authority with sslrootcert=FILE, or its host as the certificate has it.`,
      error,
    );
  }
  if (NO_TLS.test(error.message)) {
    return new CatalogError('InvalidArgument', `${location}: the server has no TLS, which the URL asks for. Turn it on there, or say sslmode=disable.`, error);
  }
  return error;
}
