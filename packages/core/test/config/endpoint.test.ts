import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isAwsEndpoint, readEndpoint } from '../../src/config/endpoint.ts';

describe('readEndpoint', () => {
  it.each([
    ['s3.amazonaws.com', undefined, 'https://s3.amazonaws.com'],
    ['s3.amazonaws.com', 443, 'https://s3.amazonaws.com'],
    ['https://s3.amazonaws.com', 443, 'https://s3.amazonaws.com'],
    ['HTTPS://S3.Amazonaws.com/', undefined, 'https://s3.amazonaws.com'],
    ['minio', undefined, 'https://minio'],
    ['minio', 9000, 'http://minio:9000'],
    ['minio', 80, 'http://minio'],
    ['minio:9000', undefined, 'http://minio:9000'],
    ['minio:9000', 9000, 'http://minio:9000'],
    ['minio:443', undefined, 'https://minio'],
    ['minio', 8443, 'https://minio:8443'],
    ['https://minio', 9000, 'https://minio:9000'],
    ['https://minio:9000', undefined, 'https://minio:9000'],
    ['http://minio', undefined, 'http://minio'],
    ['http://minio', 443, 'http://minio:443'],
    ['http://minio:80', 80, 'http://minio'],
    ['https://minio:443', 443, 'https://minio'],
    ['10.0.0.1:9000', undefined, 'http://10.0.0.1:9000'],
    ['[::1]:9000', undefined, 'http://[::1]:9000'],
    ['[::1]', 9000, 'http://[::1]:9000'],
    ['localhost/', 9000, 'http://localhost:9000'],
    ['storage_1.local', 9000, 'http://storage_1.local:9000'],
  ])('%s with port %s is %s', (text, port, url) => {
    expect(readEndpoint(text, port === undefined ? {} : { port })).toEqual({ ok: true, url });
  });

  it('keeps a path where one is allowed', () => {
    expect(readEndpoint('http://127.0.0.1:10000/devstoreaccount1/', { path: true })).toEqual({ ok: true, url: 'http://127.0.0.1:10000/devstoreaccount1' });
  });

  it.each([
    ['ftp://minio', 'the scheme "ftp"'],
    ['s3://bucket', 'the scheme "s3"'],
    ['https://', '"https://"'],
    ['two words', '"two words"'],
    ['mini\tio', '"mini\\tio"'],
    ['minio:70000', '"minio:70000"'],
    ['minio:x', '"minio:x"'],
    ['minio\\bucket', '"minio\\\\bucket"'],
    ['https://key:canary@minio', 'a user name before the host'],
    ['key:canary@minio', 'a user name before the host'],
    ['https://minio/?sv=1&sig=canary', 'a query behind it'],
    ['minio#canary', 'a "#" in it'],
    ['https://minio:x?sig=canary', 'something else'],
    ['https://minio/bucket', 'a path behind the host'],
  ])('refuses %s', (text, got) => {
    const read = readEndpoint(text);
    expect(read).toMatchObject({ ok: false, got });
    expect(JSON.stringify(read)).not.toContain('canary');
  });

  it('refuses two ports', () => {
    expect(readEndpoint('minio:9000', { port: 443 })).toEqual({ ok: false, expected: 'one port', got: '9000 in the endpoint and 443 beside it' });
    expect(readEndpoint('https://minio:443', { port: 9000 })).toMatchObject({ ok: false, expected: 'one port' });
  });

  it('reads its own answers, and throws for nothing', () => {
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.domain(),
          fc.string(),
          fc.ipV6().map((ip) => `[${ip}]`),
        ),
        port,
        (text, given) => {
          const read = readEndpoint(text, { path: true, ...(given === undefined ? {} : { port: given }) });
          if (read.ok) expect(readEndpoint(read.url, { path: true })).toEqual(read);
        },
      ),
    );
  });
});

describe('isAwsEndpoint', () => {
  it.each([
    ['https://s3.amazonaws.com', true],
    ['https://s3.eu-central-1.amazonaws.com', true],
    ['https://s3.cn-north-1.amazonaws.com.cn', true],
    ['https://s3.amazonaws.com.example.org', false],
    ['https://notamazonaws.com', false],
    ['https://amazonaws.com.evil', false],
    ['http://127.0.0.1:9000', false],
  ])('%s: %s', (url, aws) => {
    expect(isAwsEndpoint(url)).toBe(aws);
  });
});
