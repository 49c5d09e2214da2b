import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { keyFault, parseLink, parseStoreUrl, tryParseLink } from '../../src/index.ts';

const rewritten = (text: string) => parseLink(text, { rewriteStoreUrls: true });

describe('https forms of stores', () => {
  it.each([
    ['https://cars.s3.eu-central-1.amazonaws.com/a/b.jpg', 'minio', 'cars', 'a/b.jpg'],
    ['https://cars.s3-eu-central-1.amazonaws.com/a', 'minio', 'cars', 'a'],
    ['https://cars.s3.amazonaws.com/a', 'minio', 'cars', 'a'],
    ['https://my.dotted.bucket.s3.us-gov-west-1.amazonaws.com/a', 'minio', 'my.dotted.bucket', 'a'],
    ['https://s3.s3.eu-west-1.amazonaws.com/a', 'minio', 's3', 'a'],
    ['https://s3.eu-central-1.amazonaws.com/cars/a/b.jpg', 'minio', 'cars', 'a/b.jpg'],
    ['https://s3-eu-central-1.amazonaws.com/cars/a', 'minio', 'cars', 'a'],
    ['https://s3.amazonaws.com/cars/a', 'minio', 'cars', 'a'],
    ['https://s3.dualstack.us-west-2.amazonaws.com/cars/a', 'minio', 'cars', 'a'],
    ['https://cars.s3.cn-north-1.amazonaws.com.cn/a', 'minio', 'cars', 'a'],
    ['https://cars.s3-accelerate.amazonaws.com/a', 'minio', 'cars', 'a'],
    ['https://boatsaccount.blob.core.windows.net/boats/a/b.jpg', 'azure', 'boats', 'a/b.jpg'],
    ['https://boatsaccount.blob.core.windows.net/%24root/a', 'azure', '$root', 'a'],
    ['https://storage.googleapis.com/planes/a/b.jpg', 'google', 'planes', 'a/b.jpg'],
    ['https://planes.storage.googleapis.com/a', 'google', 'planes', 'a'],
    ['https://storage.cloud.google.com/planes/a', 'google', 'planes', 'a'],
    ['https://storage.googleapis.com/storage/v2/a', 'google', 'storage', 'v2/a'],
    ['HTTPS://CARS.S3.EU-CENTRAL-1.AMAZONAWS.COM/A', 'minio', 'cars', 'A'],
    ['https://cars.s3.eu-central-1.amazonaws.com:443/a', 'minio', 'cars', 'a'],
    ['http://cars.s3.eu-central-1.amazonaws.com/a', 'minio', 'cars', 'a'],
  ])('%s', (text, provider, bucket, key) => {
    expect(rewritten(text)).toEqual({ kind: 'object', provider, bucket, key });
  });

  it.each([
    ['a%20b', 'a b'],
    ['a%2520b', 'a%20b'],
    ['a%2Fb', 'a/b'],
    ['a+b', 'a+b'],
    ['%D1%8F.jpg', 'я.jpg'],
    ['я.jpg', 'я.jpg'],
    ['a%23b%3Fc', 'a#b?c'],
    ['/a//b/', '/a//b/'],
  ])('the path %s is decoded once, to %s', (path, key) => {
    expect(rewritten(`https://cars.s3.eu-central-1.amazonaws.com/${path}`)).toMatchObject({ bucket: 'cars', key });
    expect(rewritten(`https://storage.googleapis.com/cars/${path}`)).toMatchObject({ bucket: 'cars', key });
  });

  it.each([
    'https://example.org/cars/a',
    'https://s3.example.org/cars/a',
    'https://cars.s3.eu-central-1.amazonaws.com.example.org/a',
    'https://evil-s3.eu-central-1.amazonaws.com/a',
    'https://cars.s3-website-us-east-1.amazonaws.com/a',
    'https://cars.s3-website.eu-central-1.amazonaws.com/a',
    'https://point-123456789012.s3-accesspoint.eu-central-1.amazonaws.com/a',
    'https://cars.s3.eu-central-1.amazonaws.com',
    'https://cars.s3.eu-central-1.amazonaws.com/',
    'https://s3.eu-central-1.amazonaws.com/cars',
    'https://s3.eu-central-1.amazonaws.com/cars/',
    'https://s3.eu-central-1.amazonaws.com//a',
    'https://cars.s3.eu-central-1.amazonaws.com:8443/a',
    'http://cars.s3.eu-central-1.amazonaws.com:443/a',
    'https://user@cars.s3.eu-central-1.amazonaws.com/a',
    'https://cars.s3.eu-central-1.amazonaws.com/a?versionId=1',
    'https://cars.s3.eu-central-1.amazonaws.com/a?X-Amz-Signature=1',
    'https://cars.s3.eu-central-1.amazonaws.com/a#b',
    'https://boats.blob.core.windows.net/in-the-root.jpg',
    'https://a.b.blob.core.windows.net/boats/a',
    'https://boats.dfs.core.windows.net/boats/a',
    'https://storage.googleapis.com/storage/v1/b/planes/o/a',
    'https://storage.googleapis.com/download/storage/v1/b/planes/o/a',
    'https://console.cloud.google.com/storage/browser/planes',
  ])('%s stays a URL', (text) => {
    expect(rewritten(text)).toEqual({ kind: 'url', url: text });
    expect(parseStoreUrl(text)).toBeUndefined();
  });

  it('rewrites only on request', () => {
    expect(parseLink('https://cars.s3.eu-central-1.amazonaws.com/a')).toMatchObject({ kind: 'url' });
  });

  it.each([
    ['https://storage.googleapis.com/planes/a%', 40, 'two hexadecimal digits'],
    ['https://storage.googleapis.com/planes/a%Qx', 40, 'two hexadecimal digits'],
    ['https://storage.googleapis.com/planes/a%20%ff', 40, 'percent-encoding of UTF-8'],
    ['https://storage.googleapis.com/planes/a%ed%a0%80', 40, 'percent-encoding of UTF-8'],
    ['https://storage.googleapis.com/planes/%2e%2e/other', 39, '"." or ".."'],
    ['https://storage.googleapis.com/planes/a/%2e/b', 39, '(position 3 of the decoded key)'],
    ['https://storage.googleapis.com/planes/a%00', 39, 'NUL'],
    ['https://storage.googleapis.com/a%2Fb/c', 32, 'name of a bucket'],
    ['https://storage.googleapis.com/%2e%2e/c', 32, 'name of a bucket'],
  ])('refuses %s at column %i', (text, column, reason) => {
    expect(tryParseLink(text, { rewriteStoreUrls: true })).toMatchObject({ ok: false, column, reason: expect.stringContaining(reason) });
    expect(() => parseStoreUrl(text)).toThrow(expect.objectContaining({ code: 'InvalidLink' }));
  });

  it('gives the host, for a caller that compares it with an endpoint', () => {
    expect(parseStoreUrl('https://BoatsAccount.blob.core.windows.net/boats/a')).toEqual({
      link: { kind: 'object', provider: 'azure', bucket: 'boats', key: 'a' },
      host: 'boatsaccount.blob.core.windows.net',
    });
  });

  it('gives back any key that was encoded into a URL', () => {
    const keys = fc.string({ unit: 'grapheme', minLength: 1 }).filter((key) => keyFault(key) === undefined);
    fc.assert(
      fc.property(keys, (key) => {
        const path = key.split('/').map(encodeURIComponent).join('/');
        expect(rewritten(`https://cars.s3.eu-central-1.amazonaws.com/${path}`)).toMatchObject({ kind: 'object', bucket: 'cars', key });
      }),
      { numRuns: 2_000 },
    );
  });
});
