import { createHash, createPublicKey, verify } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { Exchange } from './request.ts';

const MAX_SECONDS = 604_800;

/**
 * Checks a signed URL from the request's raw bytes, by the documented steps alone, and tells whose key signed it:
 * https://cloud.google.com/storage/docs/authentication/canonical-requests and …/signatures
 */
export function signerOf({ incoming, method, path, query }: Exchange, keyOf: (account: string) => string | undefined, now: Date): string {
  const read = (name: string): string => {
    const value = query.get(`X-Goog-${name}`);
    if (value === null) throw refused(`The query lacks X-Goog-${name}.`);
    return value;
  };
  if (read('Algorithm') !== 'GOOG4-RSA-SHA256') throw refused('Unknown signing algorithm.');
  const [account = '', day = '', ...scope] = read('Credential').split('/');
  const date = read('Date');
  if (!/^\d{8}T\d{6}Z$/.test(date) || !date.startsWith(day) || !/^[\w-]+\/storage\/goog4_request$/.test(scope.join('/')))
    throw refused('Malformed credential scope or date.');
  const seconds = Number(read('Expires'));
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_SECONDS) throw refused('X-Goog-Expires must be from 1 to 604800.');
  const begins = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const key = keyOf(account);
  if (key === undefined) throw refused('The account is not known.');
  const signedHeaders = read('SignedHeaders');
  const names = signedHeaders.split(';');
  if (!names.includes('host')) throw refused('The host must be signed.');
  const unsigned = Object.keys(incoming.headers).find((name) => name.startsWith('x-goog-') && !names.includes(name));
  if (unsigned !== undefined) throw refused(`The header ${unsigned} was sent and is not signed.`);
  const canonical = [
    method,
    path,
    canonicalQuery(incoming.url ?? ''),
    ...names.map((name) => `${name}:${headerText(incoming.headers[name])}`),
    '',
    signedHeaders,
    headerText(incoming.headers['x-goog-content-sha256']) || 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const text = ['GOOG4-RSA-SHA256', date, [day, ...scope].join('/'), createHash('sha256').update(canonical).digest('hex')].join('\n');
  const signature = read('Signature');
  if (!/^(?:[0-9a-f]{2})+$/.test(signature) || !verify('sha256', Buffer.from(text), createPublicKey(key), Buffer.from(signature, 'hex')))
    throw refused('The request signature we calculated does not match the signature you provided.');
  if (now.getTime() < begins - 15 * 60_000) throw refused('The signed URL is not valid yet.');
  if (now.getTime() > begins + seconds * 1000) throw new ApiError(400, 'expiredToken', 'Invalid argument. The signed URL has expired.');
  return account;
}

/** From the raw query: order by encoded name, the signature left out. */
function canonicalQuery(url: string): string {
  const raw = url.slice(url.indexOf('?') + 1);
  return raw
    .split('&')
    .filter((pair) => !pair.startsWith('X-Goog-Signature='))
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
}

function headerText(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replace(/ {2,}/g, ' ');
}

function refused(message: string): ApiError {
  return new ApiError(403, 'signatureDoesNotMatch', message);
}
