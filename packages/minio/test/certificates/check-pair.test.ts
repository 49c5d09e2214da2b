import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkPair } from '../../src/certificates/check-pair.ts';
import { isStorageError } from '@stowage/core';
import { failureOf } from '../credentials/services/canaries.ts';
import { issue, type Issued, openssl, temporaryFolder } from '../credentials/services/openssl.ts';

const made = {} as Record<'root' | 'client' | 'second' | 'other', Issued>;

beforeAll(() => {
  made.root = issue({ name: 'root', ca: true, days: 4000 });
  made.client = issue({ name: 'client', issuer: made.root, days: 90 });
  made.second = issue({ name: 'second', issuer: made.root, serial: '2' });
  made.other = issue({ name: 'other', ca: true });
});

const day = (days: number): Date => new Date(Date.now() + days * 86_400_000);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const body = (pem: string): string => pem.split('\n')[1] ?? '';

describe('checkPair', () => {
  it('reports a pair that is fit', async () => {
    const report = await checkPair({ ...made.client, authority: made.root.certificate });
    expect(report).toMatchObject({
      subject: 'O=Test, CN=client',
      issuer: 'O=Test, CN=root',
      serialNumber: '3735928559',
      keyType: 'ec',
      intermediates: 0,
      daysLeft: 89,
      warnings: [],
    });
    expect(JSON.stringify(report)).not.toContain(body(made.client.privateKey));
  });

  it.each([
    [59, 0],
    [61, 1],
    [84, 1],
  ])('warns of an end that is near: after %i days, %i warnings', async (days, count) => {
    expect((await checkPair({ ...made.client, now: day(days) })).warnings).toHaveLength(count);
  });

  it('refuses each fault with a word of its own, and never shows the key', async () => {
    const { root, client, second, other } = made;
    const key = createPrivateKey(client.privateKey);
    const encrypted = key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
    const encryptedOld = key.export({ format: 'pem', type: 'sec1', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
    const request = issueRequest();
    const faults: [string, Parameters<typeof checkPair>[0], RegExp][] = [
      ['another key', { ...client, privateKey: second.privateKey }, /^iam_role_key: this is not the key of the certificate/],
      [
        'swapped',
        { certificate: client.privateKey, privateKey: client.certificate },
        /^iam_role_cert: expected a certificate, got a private key; are certificate and key swapped/,
      ],
      ['certificate twice', { certificate: client.certificate, privateKey: client.certificate }, /^iam_role_key: expected a private key, got a certificate/],
      ['an authority', root, /^iam_role_cert: this is the certificate of an authority \(O=Test, CN=root\)/],
      ['two clients', { ...client, certificate: client.certificate + second.certificate }, /^iam_role_cert: 2 client certificates/],
      [
        'a stranger in the chain',
        { ...client, certificate: client.certificate + issue({ name: 'stray', ca: true, issuer: other, serial: '3' }).certificate },
        /CN=stray is no part of the client's chain/,
      ],
      ['expired', { ...client, now: day(91) }, /^iam_role_cert: the certificate expired at/],
      ['not yet', { ...client, now: day(-1) }, /^iam_role_cert: the certificate is valid from .* clock says/],
      ['no signatures', issue({ name: 'enc', issuer: root, usage: 'critical,keyEncipherment' }), /^iam_role_cert: the certificate is not for signatures/],
      ['no usage', issue({ name: 'none', issuer: root, usage: '' }), /^iam_role_cert: the certificate is not for signatures/],
      ['SHA-1', issue({ name: 'sha1', issuer: root, digest: 'sha1' }), /signed with SHA-1; SHA-256 or stronger/],
      ['SHA-1 by RSA', issue({ name: 'sha1', issuer: issue({ name: 'rsa', ca: true, key: 'rsa' }), digest: 'sha1' }), /signed with SHA-1; SHA-256 or stronger/],
      ['MD5', issue({ name: 'md5', issuer: issue({ name: 'rsa', ca: true, key: 'rsa' }), digest: 'md5' }), /SHA-256 or stronger/],
      ['a short key', issue({ name: 'short', key: 'rsa-1024', issuer: root }), /^iam_role_key: the RSA key has 1024 bits/],
      ['Ed25519', issue({ name: 'ed', key: 'ed25519', issuer: root }), /^iam_role_key: IAM Roles Anywhere takes RSA and elliptic-curve keys, not ed25519/],
      ['version 1', version1(), /version 3/],
      ['another authority', { ...client, authority: other.certificate }, /not signed by the authority O=Test, CN=other/],
      [
        'another authority of the same name',
        { ...issue({ name: 'same', issuer: nameless(), identifiers: false }), authority: nameless().certificate },
        /not signed by the authority O=Test, CN=nameless/,
      ],
      ['a client as authority', { ...client, authority: second.certificate }, /^the authority: this is a client's certificate/],
      ['a passphrase', { ...client, privateKey: encrypted }, /^iam_role_key: the key is protected by a passphrase/],
      ['a passphrase, old way', { ...client, privateKey: base64(encryptedOld) }, /^iam_role_key: the key is protected by a passphrase/],
      ['a request', { ...client, certificate: request }, /^iam_role_cert: expected a certificate, got a request/],
      [
        'a public key',
        { ...client, privateKey: new X509Certificate(client.certificate).publicKey.export({ format: 'pem', type: 'spki' }).toString() },
        /^iam_role_key: expected a private key, got a block named PUBLIC KEY/,
      ],
      ['empty', { ...client, privateKey: ' ' }, /^iam_role_key is empty/],
      ['no base64', { ...client, privateKey: 'hello there!' }, /^iam_role_key: expected PEM .* this is neither/],
      ['base64 of something else', { ...client, privateKey: base64('hello there') }, /^iam_role_key: expected PEM .* base64 of something else/],
      ['base64 cut short', { ...client, privateKey: base64(client.privateKey).slice(0, -5) }, /^iam_role_key: expected PEM .* a part is missing/],
      ['PEM without its end', { ...client, certificate: client.certificate.slice(0, -30) }, /^iam_role_cert: a PEM block has no end/],
      [
        'damaged',
        { ...client, certificate: client.certificate.replace(body(client.certificate), body(client.certificate).replace(/^..../, 'AAAA')) },
        /^iam_role_cert: a certificate in it is damaged/,
      ],
      [
        'a damaged key',
        { ...client, privateKey: client.privateKey.replace(body(client.privateKey).slice(0, 8), 'AAAAAAAA') },
        /^iam_role_key: the private key is damaged/,
      ],
    ];
    for (const [name, options, words] of faults) {
      const failure = await failureOf(
        () => checkPair(options),
        [body(client.privateKey), body(options.privateKey)].filter((secret) => secret.length > 20),
      );
      expect(failure.message, name).toMatch(words);
      expect(['Config', 'Unauthenticated'], name).toContain(failure.code);
    }
  });

  it('takes curves and forms that openssl writes', async () => {
    const withParameters = createPrivateKey(made.client.privateKey).export({ format: 'pem', type: 'sec1' }).toString();
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    expect((await checkPair({ ...made.client, privateKey: parameters + withParameters })).keyType).toBe('ec');
    expect((await checkPair({ ...made.client, certificate: `subject=CN = client\r\n${made.client.certificate.replaceAll('\n', '\r\n')}` })).keyType).toBe('ec');
  });

  it('fails on any text in its own way, or not at all', async () => {
    const { certificate, privateKey } = made.client;
    const damaged = fc
      .tuple(fc.constantFrom(certificate, privateKey, base64(certificate)), fc.nat(400), fc.nat(40), fc.string({ maxLength: 10 }))
      .map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.string(), fc.base64String()), fc.boolean(), async (text, asKey) => {
        try {
          await checkPair(asKey ? { certificate, privateKey: text } : { certificate: text, privateKey });
        } catch (error) {
          expect(isStorageError(error), String(error)).toBe(true);
          expect(String(error)).not.toContain(body(privateKey));
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** An authority whose key is told by nothing but its signatures. */
function nameless(): Issued {
  return issue({ name: 'nameless', ca: true, identifiers: false });
}

/** What is sent to an authority: no certificate yet. */
function issueRequest(): string {
  using folder = temporaryFolder();
  const key = join(folder.path, 'key');
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
  return openssl('req', '-new', '-key', key, '-subj', '/CN=request');
}

/** Without extensions openssl writes a certificate of version 1. */
function version1(): Issued {
  using folder = temporaryFolder();
  const key = join(folder.path, 'key');
  const request = join(folder.path, 'csr');
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
  openssl('req', '-new', '-key', key, '-subj', '/CN=v1', '-out', request);
  return { certificate: openssl('x509', '-req', '-in', request, '-signkey', key, '-days', '9'), privateKey: readFileSync(key, 'utf8') };
}
