import { describe, expect, it } from 'vitest';
import { minioSettings } from '../src/minio-options.ts';
import { minio } from '../src/minio-provider.ts';
import { bucketAddress, regionInHost } from '../src/wire/address.ts';

const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };

describe('a bucket is spoken to', () => {
  it.each([
    ['https://s3.amazonaws.com', 'cars', 'eu-west-1', undefined, 'https://cars.s3.eu-west-1.amazonaws.com', '/'],
    ['https://s3.amazonaws.com', 'cars_2020', 'us-east-1', undefined, 'https://s3.amazonaws.com', '/cars_2020/'],
    ['https://s3.amazonaws.com', 'cars.2020', 'eu-west-1', undefined, 'https://s3.eu-west-1.amazonaws.com', '/cars.2020/'],
    ['https://s3.eu-west-1.amazonaws.com', 'cars', 'eu-west-1', true, 'https://s3.eu-west-1.amazonaws.com', '/cars/'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'cars', 'cn-north-1', undefined, 'https://cars.s3.cn-north-1.amazonaws.com.cn', '/'],
    ['http://minio.local:9000', 'cars', 'us-east-1', undefined, 'http://minio.local:9000', '/cars/'],
    ['http://minio.local:9000', 'cars', 'us-east-1', false, 'http://cars.minio.local:9000', '/'],
  ])('%s %s in %s, path style %s: %s%s', (endpoint, bucket, region, pathStyle, origin, base) => {
    expect(bucketAddress(new URL(endpoint), bucket, region, pathStyle)).toMatchObject({ origin, base });
  });

  it.each([
    ['s3.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['s3-us-west-2.amazonaws.com', 'us-west-2'],
    ['s3.dualstack.ap-southeast-2.amazonaws.com', 'ap-southeast-2'],
    ['s3.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['s3.amazonaws.com', undefined],
    ['s3.eu-west-1.example.com', undefined],
  ])('%s names the region %s', (host, region) => {
    expect(regionInHost(host)).toBe(region);
  });
});

describe('options', () => {
  it.each([
    ['s3.amazonaws.com', 'https://s3.amazonaws.com', 'aws'],
    ['minio.local:9000', 'http://minio.local:9000', 's3'],
    ['minio.local:443', 'https://minio.local', 's3'],
    ['https://minio.local:9000', 'https://minio.local:9000', 's3'],
    ['HTTP://minio.local', 'http://minio.local', 's3'],
  ])('the endpoint %s is %s, a store of kind %s', (endpoint, origin, store) => {
    const settings = minioSettings({ endpoint, credentials: keys });
    expect(settings.endpoint.origin).toBe(origin);
    expect(settings.store).toBe(store);
  });

  it.each(['', 'ftp://host', 'user:secret-in-url@host', 'host/path', 'host name', 'host?x', 'host\\x'])(
    'the endpoint %j is refused, and shown only where it cannot be a secret',
    (endpoint) => {
      expect(() => minioSettings({ endpoint, credentials: keys })).toThrow(/^endpoint: expected a host/);
      expect(() => minioSettings({ endpoint, credentials: keys })).not.toThrow(/secret-in-url/);
    },
  );

  it.each([{ partSize: 1 }, { concurrency: 0 }, { connections: 1.5 }, { region: 'eu west' }])('%j is refused', (wrong) => {
    expect(() => minioSettings({ endpoint: 'host', credentials: keys, ...wrong })).toThrow(expect.objectContaining({ code: 'Config' }));
  });
});

describe('an entry of the configuration', () => {
  const entry = {
    provider: 'minio',
    endpoint: 'minio.local',
    port: 9000,
    access_key: 'id',
    secret_key: 'secret',
    buckets: ['a', 'b'],
    store: 'minio',
    path_style: true,
  };

  it('is read, and its buckets share an identity', () => {
    const options = minio.parseConfig(entry);
    expect(options).toMatchObject({ endpoint: 'minio.local:9000', store: 'minio', pathStyle: true });
    const [a, b] = ['a', 'b'].map((bucket) => minio.open(options, bucket));
    expect(b !== undefined && a?.canCopyFrom(b)).toBe(true);
    const other = minio.open(minio.parseConfig({ ...entry, access_key: 'other' }), 'b');
    expect(a?.canCopyFrom(other)).toBe(false);
  });

  it.each([
    [{ ...entry, endpoint: undefined }, /^endpoint: /],
    [{ ...entry, port: 'secret' }, /^port: expected a port number$/],
    [{ ...entry, store: 'secret' }, /^store: expected one of/],
    [{ ...entry, path_style: 'secret' }, /^path_style: expected true or false$/],
    [{ ...entry, transport: 'secret' }, /^transport: expected one of lean, sdk$/],
    [{ ...entry, ca: 'secret' }, /^ca: expected PEM/],
    [{ ...entry, ca: '-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n' }, /^ca: a certificate in it is damaged/],
    ['secret', /^expected a mapping/],
  ])('that cannot work is refused by the name of its field, without the value', (wrong, words) => {
    expect(() => minio.parseConfig(wrong)).toThrow(words);
  });
});
