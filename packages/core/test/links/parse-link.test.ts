import { describe, expect, it } from 'vitest';

import { parseLink, parseLinkPrefix, StorageError, tryParseLink, tryParseLinkPrefix } from '../../src/index.ts';

const object = (provider: string, bucket: string, key: string) => ({ kind: 'object', provider, bucket, key });

function failure(run: () => unknown): StorageError {
  try {
    run();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error('expected a StorageError, got none');
}

describe('parseLink', () => {
  it.each([
    ['s3://cars/truck.jpg', object('minio', 'cars', 'truck.jpg')],
    ['minio://cars/truck.jpg', object('minio', 'cars', 'truck.jpg')],
    ['azure://boats/a/b.jpg', object('azure', 'boats', 'a/b.jpg')],
    ['google://planes/x', object('google', 'planes', 'x')],
    ['gcs://planes/x', object('google', 'planes', 'x')],
    ['gs://planes/x', object('google', 'planes', 'x')],
    ['fs://local-datasets/persons/image1.jpg', object('fs', 'local-datasets', 'persons/image1.jpg')],
    ['S3://cars/x', object('minio', 'cars', 'x')],
    ['aZuRe://boats/x', object('azure', 'boats', 'x')],
  ])('%s: the scheme names the provider', (text, link) => {
    expect(parseLink(text)).toEqual(link);
  });

  it.each([
    ['spaces', 's3://b/a  b ', 'a  b '],
    ['a leading space', 's3://b/ a', ' a'],
    ['a fragment', 's3://b/a#b', 'a#b'],
    ['a query', 's3://b/a?x=1&y=2', 'a?x=1&y=2'],
    ['percent signs', 's3://b/%2F%25%Q%', '%2F%25%Q%'],
    ['encoded dots', 's3://b/%2e%2e/a', '%2e%2e/a'],
    ['plus', 's3://b/a+b', 'a+b'],
    ['a slash in front', 's3://b//a', '/a'],
    ['slashes in a row and at the end', 's3://b/foo//bar///baz/', 'foo//bar///baz/'],
    ['backslashes', 's3://b/a\\..\\b', 'a\\..\\b'],
    ['unicode, not normalised', 's3://b/e\u0301\u00e9😀', 'e\u0301\u00e9😀'],
    ['line ends and tabs', 's3://b/a\r\n\tb', 'a\r\n\tb'],
    ['control characters but NUL', 's3://b/\u0001\u007f\u0085', '\u0001\u007f\u0085'],
    ['names that begin or end with dots', 's3://b/.a/..b/c../...', '.a/..b/c../...'],
    ['another link', 's3://b/https://c/d', 'https://c/d'],
  ])('keeps %s in the key', (_what, text, key) => {
    expect(parseLink(text)).toEqual(object('minio', 'b', key));
  });

  it.each([
    ['underscores', 's3://cars_2020_20_10/x', 'cars_2020_20_10'],
    ['capitals', 's3://Cars/x', 'Cars'],
    ['a question mark', 's3://b?x=1/k', 'b?x=1'],
    ['a colon and an at sign', 's3://user:pass@b/k', 'user:pass@b'],
    ['spaces', 'fs://my data/k', 'my data'],
    ['three dots', 's3://.../k', '...'],
    ['a dollar sign', 'azure://$root/k', '$root'],
    ['unicode', 'fs://данные/k', 'данные'],
  ])('takes a bucket with %s', (_what, text, bucket) => {
    expect(parseLink(text)).toMatchObject({ bucket });
  });

  it.each([
    ['https://example.org/a.jpg', 'https://example.org/a.jpg'],
    ['HTTP://Example.org/A.jpg', 'http://Example.org/A.jpg'],
    ['https://example.org', 'https://example.org'],
    ['https://example.org?x=1', 'https://example.org?x=1'],
    ['https://example.org/a%20b/../c?x=/./#f', 'https://example.org/a%20b/../c?x=/./#f'],
    ['https://cars.s3.eu-central-1.amazonaws.com/a%20b', 'https://cars.s3.eu-central-1.amazonaws.com/a%20b'],
  ])('%s is one opaque URL', (text, url) => {
    expect(parseLink(text)).toEqual({ kind: 'url', url });
  });

  it('knows the schemes that it is given, and http', () => {
    const schemes = new Map([
      ['drive', 'my-drive'],
      ['https', 'http'],
    ]);
    expect(parseLink('DRIVE://a/b', { schemes })).toEqual(object('my-drive', 'a', 'b'));
    expect(parseLink('https://a/b', { schemes })).toEqual({ kind: 'url', url: 'https://a/b' });
    expect(failure(() => parseLink('s3://a/b', { schemes })).message).toContain('a scheme of drive, https');
  });

  it('has no scheme by the name of what every object inherits', () => {
    expect(tryParseLink('constructor://a/b')).toMatchObject({ ok: false, column: 1 });
    expect(tryParseLink('__proto__://a/b')).toMatchObject({ ok: false, column: 1 });
  });

  it.each([
    ['', 1, 'got nothing'],
    ['cars/truck.jpg', 1, 'got no scheme'],
    ['/data/a.jpg', 1, 'got no scheme'],
    ['C:\\a.jpg', 1, 'expected <scheme>://'],
    [' s3://b/k', 1, 'got no scheme'],
    ['\ufeffs3://b/k', 1, 'got no scheme'],
    ['://b/k', 1, 'got no scheme'],
    ['ftp://b/k', 1, 'got "ftp"'],
    ['asure://b/k', 1, 'did you mean "azure"?'],
    ['s3:', 4, 'expected "//" behind "s3:"'],
    ['s3:/b/k', 4, 'expected "//" behind "s3:"'],
    ['S3:b/k', 4, 'expected "//" behind "S3:"'],
    ['https:example.org', 7, 'expected "//" behind "https:"'],
    ['s3://', 6, 'expected the name of a bucket'],
    ['s3:///k', 6, 'expected the name of a bucket'],
    ['s3://b', 7, 'expected "/" and a key'],
    ['s3://b?k', 9, 'expected "/" and a key'],
    ['s3://b/', 8, 'expected a key'],
    ['s3://b\n/k', 7, 'control character'],
    ['s3://\u0000/k', 6, 'control character'],
    ['s3://b\u007f/k', 7, 'control character'],
    ['s3://b\u009b/k', 7, 'control character'],
    ['s3://./k', 6, '"." or ".."'],
    ['s3://../k', 6, '"." or ".."'],
    ['s3://..', 6, '"." or ".."'],
    ['s3://b/.', 8, '"." or ".."'],
    ['s3://b/..', 8, '"." or ".."'],
    ['s3://b/./a', 8, '"." or ".."'],
    ['s3://b/../other/secret', 8, '"." or ".."'],
    ['s3://b/a/../b', 10, '"." or ".."'],
    ['s3://b/.a/./b', 11, '"." or ".."'],
    ['s3://b/a/..', 10, '"." or ".."'],
    ['s3://b//..//', 9, '"." or ".."'],
    ['s3://b/a\u0000b', 9, 'NUL'],
    ['s3://b/a\ud800', 9, 'surrogate'],
    ['s3://b/😀\udc00', 10, 'surrogate'],
    ['s3://\udfff/k', 6, 'surrogate'],
    ['https://a/\ud800', 11, 'surrogate'],
    ['https://', 9, 'expected a host'],
    ['https:///a', 9, 'expected a host'],
    ['https://?a', 9, 'expected a host'],
    ['https://a\u0007b/c', 10, 'control character'],
  ])('refuses %j at column %i', (text, column, reason) => {
    const parsed = tryParseLink(text);
    expect(parsed).toMatchObject({ ok: false, column, reason: expect.stringContaining(reason) });
    const error = failure(() => parseLink(text));
    expect(error.code).toBe('InvalidLink');
    expect(error.message).toContain(`column ${column}: `);
    expect(error.message).toContain(reason);
    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(error.message.isWellFormed()).toBe(true);
  });

  it('shows neither passwords nor signatures, and not all of a long text', () => {
    const texts = ['https://user:canary@a\u0001b/c', 's3:/b/k?sig=canary', `https:${'a'.repeat(5_000)}canary`];
    for (const text of texts) {
      const { message } = failure(() => parseLink(text));
      expect(message).not.toContain('canary');
      expect(message.length).toBeLessThan(400);
    }
  });
});

describe('parseLinkPrefix', () => {
  it.each([
    ['azure://boats', { provider: 'azure', bucket: 'boats', prefix: '' }],
    ['azure://boats/', { provider: 'azure', bucket: 'boats', prefix: '' }],
    ['s3://cars/2020/', { provider: 'minio', bucket: 'cars', prefix: '2020/' }],
    ['s3://cars/2020', { provider: 'minio', bucket: 'cars', prefix: '2020' }],
    ['google://planes//x y%20?#', { provider: 'google', bucket: 'planes', prefix: '/x y%20?#' }],
    ['FS://local-datasets', { provider: 'fs', bucket: 'local-datasets', prefix: '' }],
  ])('%s', (text, place) => {
    expect(parseLinkPrefix(text)).toEqual(place);
  });

  it.each([
    ['boats', 1, 'got no scheme'],
    ['azure://', 9, 'name of a bucket'],
    ['azure:///x', 9, 'name of a bucket'],
    ['azure://../x', 9, '"." or ".."'],
    ['s3://cars/a/../', 13, '"." or ".."'],
    ['s3://cars/..', 11, '"." or ".."'],
    ['s3://cars/\u0000', 11, 'NUL'],
    ['s3://cars/\ud800', 11, 'surrogate'],
    ['s3://ca\trs/', 8, 'control character'],
    ['https://example.org/a/', 1, 'names one file and has no bucket'],
  ])('refuses %j at column %i', (text, column, reason) => {
    expect(tryParseLinkPrefix(text)).toMatchObject({ ok: false, column, reason: expect.stringContaining(reason) });
    const error = failure(() => parseLinkPrefix(text));
    expect(error.code).toBe('InvalidLink');
    expect(error.message).toContain(`is no link of a bucket or prefix: column ${column}: `);
  });
});
