import { createHash } from 'node:crypto';
import { type PresignedRequest, type PresignOptions, StorageError } from '@stowage/core';
import { percentEncoded, signalOf } from '@stowage/wire';
import type { ServiceClient } from './service-client.ts';

/** https://cloud.google.com/storage/docs/access-control/signed-urls: seven days. */
const MAX_SECONDS = 604_800;
const ALGORITHM = 'GOOG4-RSA-SHA256';

/** A V4 signed request of the XML API, signed on this machine: https://cloud.google.com/storage/docs/authentication/canonical-requests */
export async function presignRequest(client: ServiceClient, key: string, o: PresignOptions): Promise<PresignedRequest> {
  const { method, expiresInSeconds: seconds } = o;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_SECONDS)
    throw new StorageError('InvalidArgument', `expected "expiresInSeconds" to be a whole number from 1 to ${MAX_SECONDS} (seven days); got ${seconds}`, {
      key,
    });
  const { endpoint, signIn, userProject } = client.settings;
  const signer = await signIn.signer(signalOf(o));
  const now = new Date();
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${stamp.slice(0, 8)}/auto/storage/goog4_request`;
  const given = headersOf(o.headers ?? {}, key);
  const signed = new Map([['host', endpoint.host], ...given].sort(([a = ''], [b = '']) => (a < b ? -1 : 1)) as [string, string][]);
  const names = [...signed.keys()].join(';');
  const query = [
    ['X-Goog-Algorithm', ALGORITHM],
    ['X-Goog-Credential', `${signer.email}/${scope}`],
    ['X-Goog-Date', stamp],
    ['X-Goog-Expires', String(seconds)],
    ['X-Goog-SignedHeaders', names],
    ...(userProject === undefined ? [] : [['userProject', userProject]]),
  ]
    .map(([name = '', value = '']) => `${percentEncoded(name)}=${percentEncoded(value)}`)
    .sort()
    .join('&');
  const path = client.xmlPath(key);
  const lines = [...signed].map(([name, value]) => `${name}:${value}`);
  const canonical = [method, path, query, ...lines, '', names, 'UNSIGNED-PAYLOAD'].join('\n');
  const text = [ALGORITHM, stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const url = `${endpoint.origin}${path}?${query}&X-Goog-Signature=${signer.sign(text).toString('hex')}`;
  // The signature counts from its own second.
  return { url, method, headers: Object.fromEntries(given), expiresAt: new Date(Math.floor(now.getTime() / 1000) * 1000 + seconds * 1000) };
}

function headersOf(headers: Readonly<Record<string, string>>, key: string): [string, string][] {
  return Object.entries(headers).map(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === 'host' || !/^[a-z0-9-]+$/.test(lower) || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) || value.includes('  '))
      throw new StorageError(
        'InvalidArgument',
        `headers: ${JSON.stringify(name.slice(0, 40))} cannot be signed: expected a header with printable ASCII, without double spaces`,
        {
          key,
        },
      );
    return [lower, value];
  });
}
