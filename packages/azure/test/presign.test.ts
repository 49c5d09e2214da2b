import { createHmac } from 'node:crypto';
import { openBucket } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import type { AzureSignIn } from '../src/azure-options.ts';
import { containerSas } from './test-sas.ts';

const account = { name: 'acc', key: Buffer.alloc(64, 'k').toString('base64') };
const byKey: AzureSignIn = { kind: 'account-key', account: account.name, key: account.key };
const open = (signIn: AzureSignIn): ReturnType<typeof openBucket> =>
  openBucket(azureDriver({ endpoint: 'https://acc.blob.core.windows.net', signIn }, 'a-container'));

/**
 * What is wrong with a blob's SAS: the service's own check, from its documents alone.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas#version-2020-12-06-and-later
 */
function sasFault(url: string, key: string): string | undefined {
  const { pathname, searchParams } = new URL(url);
  const of = (name: string): string => searchParams.get(name) ?? '';
  const fields = [
    of('sp'),
    of('st'),
    of('se'),
    `/blob/${account.name}${decodeURIComponent(pathname)}`,
    of('si'),
    of('sip'),
    of('spr'),
    of('sv'),
    of('sr'),
    of('snapshot'),
    of('ses'),
  ];
  for (const name of ['rscc', 'rscd', 'rsce', 'rscl', 'rsct']) fields.push(of(name));
  const right = createHmac('sha256', Buffer.from(key, 'base64')).update(fields.join('\n'), 'utf8').digest('base64');
  if (of('sig') !== right) return 'a wrong signature';
  if (of('sr') !== 'b') return 'a SAS for more than one blob';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(of('se')) || Date.parse(of('se')) <= Date.now()) return 'expired';
  return undefined;
}

describe('a presigned request', () => {
  it('is signed as the documents say, whatever the key', async () => {
    const bucket = open(byKey);
    const key = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => text.isWellFormed() && bucket.checkKey(text) === undefined && !/(?:^|\/)\.\.?(?:\/|$)/.test(text));
    await fc.assert(
      fc.asyncProperty(key, async (name) => {
        const { url } = await bucket.presign(name, { method: 'GET', expiresInSeconds: 60 });
        expect(sasFault(url, account.key)).toBeUndefined();
        expect(decodeURIComponent(new URL(url).pathname)).toBe(`/a-container/${name}`);
      }),
    );
  });

  it('is found wrong by the verifier where it was changed', async () => {
    const { url } = await open(byKey).presign('k', { method: 'GET', expiresInSeconds: 60 });
    const wrong = [
      url.replace('/k?', '/l?'),
      url.replace('sp=r', 'sp=rw'),
      url.replace('sr=b', 'sr=c'),
      url.replace('spr=https&', ''),
      url.replace(/se=20\d\d/, 'se=2099'),
    ];
    for (const changed of wrong) expect(sasFault(changed, account.key), changed).toBeDefined();
    expect(sasFault(url, Buffer.alloc(64, 'l').toString('base64'))).toBeDefined();
  });

  it.each([
    ['GET', 'r', {}],
    ['HEAD', 'r', {}],
    ['PUT', 'cw', { 'x-ms-blob-type': 'BlockBlob' }],
    ['DELETE', 'd', {}],
  ] as const)('%s may do that and no more, over https alone, and names the headers that it needs', async (method, letters, headers) => {
    const before = Date.now();
    const request = await open(byKey).presign('k', { method, expiresInSeconds: 90 });
    const { searchParams } = new URL(request.url);
    expect([searchParams.get('sp'), searchParams.get('spr')]).toEqual([letters, 'https']);
    expect(request.headers).toEqual(headers);
    expect(request.expiresAt).toEqual(new Date(searchParams.get('se') ?? ''));
    expect(request.expiresAt.getTime()).toBeGreaterThan(before + 88_000);
    expect(request.expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 90_000);
  });

  it('has no header of a connection, and none that signs in another way', async () => {
    for (const name of ['Host', 'Authorization', 'x-ms-date', 'Transfer-Encoding', 'a b'])
      await expect(open(byKey).presign('k', { method: 'PUT', expiresInSeconds: 60, headers: { [name]: 'x' } })).rejects.toMatchObject({
        code: 'InvalidArgument',
      });
  });

  it('cannot be made by who has no key', async () => {
    for (const signIn of [{ kind: 'anonymous' as const }, { kind: 'sas' as const, token: containerSas(account, 'a-container', { letters: 'r' }) }])
      await expect(open(signIn).presign('k', { method: 'GET', expiresInSeconds: 60 })).rejects.toMatchObject({ code: 'Unsupported' });
  });
});

describe('a key that Azure cannot keep', () => {
  it.each([
    ['a\\b', 'backslash'],
    ['name.', 'ends in a dot'],
    ['folder./name', 'ends in a dot'],
    ['a\u{1}b', 'U+0001'],
    ['a\u{7f}', 'U+007F'],
    ['a\u{81}', 'U+0081'],
    ['é'.repeat(513), '1026 bytes'],
    ['a/'.repeat(254) + 'a', '254 parts'],
  ])('%j is refused in words', (key, words) => {
    expect(open(byKey).checkKey(key)).toContain(words);
  });

  it.each(['trail/', '/lead', 'a//b', '.hidden', 'a.b/.c', '100%', 'a b', '😀', '\u{e000}', 'a/'.repeat(253) + 'a'])('%j is none of these', (key) => {
    expect(open(byKey).checkKey(key)).toBeUndefined();
  });
});

describe('what a blob cannot keep beside its bytes is refused before a request', () => {
  it.each<[string, object, string]>([
    ['a metadata name with a dash', { metadata: { 'with-dash': 'x' } }, 'with-dash'],
    ['a metadata name that begins with a digit', { metadata: { '1st': 'x' } }, '1st'],
    ['an empty value', { metadata: { a: '' } }, 'metadata "a"'],
    ['a value beyond ASCII', { metadata: { a: 'grün' } }, 'metadata "a"'],
    ['too much metadata', { metadata: { a: 'x'.repeat(8192) } }, '8193 bytes'],
    ['eleven tags', { tags: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`t${i}`, 'v'])) }, '11 tags'],
    ['a tag with a star', { tags: { a: '*' } }, 'tag "a"'],
    ['a content type with a line feed', { contentType: 'a\nb' }, 'contentType'],
  ])('%s', async (_what, headers, words) => {
    const bucket = openBucket(azureDriver({ endpoint: 'http://127.0.0.1:1/acc', signIn: byKey }, 'c'));
    await expect(bucket.put('k', 'x', headers)).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining(words) });
    await expect(bucket.upload('k', headers)).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});
