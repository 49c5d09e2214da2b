import type { PlaceIdentity } from '@stowage/transfer';
import { networkInterfaces } from 'node:os';

/**
 * Which store an endpoint leads to, the same for its aliases: scheme, letter case and a default port do not matter, names and
 * addresses of this machine are one, and so are all of Amazon's regions, whose buckets share one space of names.
 *
 * Other names are taken as they are: two of them may lead to one address, and to two stores behind it.
 */
export function identityOfBucket(endpoint: string, bucket: string, prefix: string): PlaceIdentity {
  return { store: storeOf(endpoint), path: [bucket, ...prefix.split('/').slice(0, -1)] };
}

function storeOf(endpoint: string): string {
  const url = new URL(endpoint);
  const amazon = /(?:^|\.)amazonaws\.com(\.cn)?$/.exec(url.hostname);
  if (amazon) return `amazonaws.com${amazon[1] ?? ''}`;
  const host = url.hostname.replace(/\.$/, '').replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return `${isThisMachine(host) ? 'localhost' : host}:${port}${url.pathname.replace(/\/+$/, '')}`;
}

function isThisMachine(host: string): boolean {
  if (host === 'localhost' || host === '0.0.0.0' || host === '::' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}
