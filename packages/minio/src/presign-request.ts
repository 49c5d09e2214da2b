import { type PresignedRequest, type PresignOptions, StorageError } from '@stowage/core';
import { encodedKey } from '@stowage/wire';
import { isAnonymous } from './credentials/anonymous.ts';
import type { StoreConnection } from './store-connection.ts';
import { UNSIGNED_PAYLOAD } from './wire/sigv4.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html: seven days. */
const MAX_SECONDS = 604_800;

/** Signed here, without a request. Never outlives the credentials that it is signed with. */
export async function presignRequest(
  store: StoreConnection,
  key: string,
  { method, expiresInSeconds, headers = {}, signal }: PresignOptions,
): Promise<PresignedRequest> {
  if (expiresInSeconds > MAX_SECONDS)
    throw new StorageError('InvalidArgument', `S3 signs requests for ${MAX_SECONDS} seconds (7 days) at most; got ${expiresInSeconds}`, { key });
  const sent = signedHeaders(headers, key);
  const { address, signer } = await store.place(signal);
  const credentials = await store.credentials(signal);
  if (isAnonymous(credentials)) throw new StorageError('Unsupported', 'anonymous access has no key to sign with; give credentials', { key });
  const now = Date.now();
  const left = credentials.expiration === undefined ? Infinity : Math.floor((credentials.expiration.getTime() - now) / 1000);
  if (left < 1) throw new StorageError('Unauthenticated', 'the credentials have expired; a request signed with them would be refused', { key });
  const seconds = Math.min(expiresInSeconds, left);
  const path = signer.presign(
    { method, host: address.host, path: address.base + encodedKey(key), query: {}, headers: sent, payloadHash: UNSIGNED_PAYLOAD },
    credentials,
    seconds,
    now,
  );
  // The time that is signed has whole seconds.
  const expiresAt = new Date((Math.floor(now / 1000) + seconds) * 1000);
  return { url: `${address.origin}${path}`, method, headers: sent, expiresAt };
}

function signedHeaders(headers: Readonly<Record<string, string>>, key: string): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (lower === 'host' || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) || NOT_ENFORCED.has(lower))
      throw new StorageError('InvalidArgument', `the header ${JSON.stringify(name)} cannot be part of a presigned request`, { key });
    sent[lower] = value;
  }
  return sent;
}

/** Headers of one connection, which are not the holder's to send. */
const NOT_ENFORCED: ReadonlySet<string> = new Set(['authorization', 'connection', 'expect', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
