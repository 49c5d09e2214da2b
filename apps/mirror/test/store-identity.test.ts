import { networkInterfaces } from 'node:os';
import { overlap } from '@stowage/transfer';
import { expect, it } from 'vitest';
import { identityOfBucket } from '../src/store-identity.ts';

const found = (a: string, b: string, [from, to]: readonly [string, string] = ['', '']): string | undefined =>
  overlap(identityOfBucket(a, 'cars', from), identityOfBucket(b, 'cars', to));

it.each([
  ['http://localhost:9000', 'http://127.0.0.1:9000'],
  ['http://LOCALHOST:9000', 'http://[::1]:9000/'],
  ['http://0.0.0.0:9000', 'http://127.0.0.2:9000'],
  ['https://minio.local', 'https://MINIO.local.:443'],
  ['http://minio.local', 'http://minio.local:80'],
  ['https://minio.local:9000', 'http://minio.local:9000'],
  ['https://s3.amazonaws.com', 'https://s3.eu-central-1.amazonaws.com'],
  ['https://s3-eu-west-1.amazonaws.com', 'https://s3.dualstack.us-east-1.amazonaws.com'],
  ['http://127.0.0.1:10000/account', 'http://localhost:10000/account'],
])('one store: %s and %s', (a, b) => {
  expect(found(a, b)).toBe('same');
  expect(found(a, b, ['x/', ''])).toBe('source-inside-destination');
  expect(found(a, b, ['', 'x/y/'])).toBe('destination-inside-source');
  expect(found(a, b, ['x/', 'xy/'])).toBeUndefined();
});

it('an address of this machine is this machine', () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.filter(({ family }) => family === 'IPv4') ?? []);
  for (const { address } of own) expect(found(`http://${address}:9000`, 'http://localhost:9000')).toBe('same');
});

it.each([
  ['http://localhost:9000', 'http://localhost:9001'],
  ['http://a.minio.local:9000', 'http://b.minio.local:9000'],
  ['https://s3.cn-north-1.amazonaws.com.cn', 'https://s3.amazonaws.com'],
  ['https://s3.amazonaws.com.example.org', 'https://s3.amazonaws.com'],
  ['http://127.0.0.1:10000/one', 'http://127.0.0.1:10000/two'],
  ['http://127.0.0.1:9000', 'http://128.0.0.1:9000'],
])('two stores: %s and %s', (a, b) => {
  expect(found(a, b)).toBeUndefined();
});

it('a folder of this machine is no bucket of it', () => {
  expect(overlap({ store: 'file', path: ['cars'] }, identityOfBucket('http://localhost', 'cars', ''))).toBeUndefined();
});
