import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CertificateSubject } from '../../src/certificates/certificate-subject.ts';
import { readCertificateSubject } from '../../src/certificates/certificate-subject.ts';
import { certificateSettings } from '../../src/certificates/certificate-settings.ts';
import { checkPair } from '../../src/certificates/check-pair.ts';
import { type CertificatePair, type KeyKind, makeAuthority, makeClientCertificate } from '../../src/certificates/make-certificate.ts';
import { trustAnchorPem } from '../../src/certificates/trust-anchor.ts';
import { trustPolicy } from '../../src/certificates/trust-policy.ts';
import { rolesAnywhere } from '../../src/credentials/roles-anywhere.ts';
import { failureOf } from '../credentials/services/canaries.ts';
import { issue, openssl, opensslAccepts, temporaryFolder } from '../credentials/services/openssl.ts';
import { rolesAnywhereVerifier } from '../credentials/services/roles-anywhere-verifier.ts';

const AUTHORITY: CertificateSubject = { commonName: 'stowage-ca', organization: 'Example Ltd.', organizationalUnit: 'Data: team/a', days: 3650 };
const CLIENT: CertificateSubject = { commonName: 'stowage-client@host-1', organization: 'Example Ltd.', organizationalUnit: 'Data: team/a', days: 365 };

function verifies(authority: string, certificate: string, ...more: string[]): boolean {
  using folder = temporaryFolder();
  const ca = join(folder.path, 'ca.crt');
  const leaf = join(folder.path, 'leaf.pem');
  writeFileSync(ca, authority);
  writeFileSync(leaf, certificate);
  return opensslAccepts('verify', '-x509_strict', '-check_ss_sig', ...more, '-CAfile', ca, leaf);
}

function shown(pair: CertificatePair): string {
  using folder = temporaryFolder();
  const path = join(folder.path, 'one.pem');
  writeFileSync(path, pair.certificate);
  return openssl('x509', '-in', path, '-noout', '-text', '-nameopt', 'RFC2253,sep_multiline');
}

describe('makeAuthority and makeClientCertificate', () => {
  const kinds: [KeyKind, KeyKind][] = [
    ['ec', 'ec'],
    ['rsa-2048', 'rsa-2048'],
    ['rsa-2048', 'ec'],
    ['ec', 'rsa-3072'],
  ];
  it.each(kinds)('make what openssl accepts by its strict rules: authority %s, client %s', async (authorityKind, clientKind) => {
    const authority = await makeAuthority(AUTHORITY, { keyKind: authorityKind });
    const client = await makeClientCertificate(CLIENT, authority, { keyKind: clientKind });
    expect(verifies(authority.certificate, authority.certificate)).toBe(true);
    expect(verifies(authority.certificate, client.certificate, '-purpose', 'sslclient')).toBe(true);
    expect(verifies(authority.certificate, client.certificate, '-purpose', 'sslserver')).toBe(false);
    // And the check can fail: another authority of the same name.
    expect(verifies((await makeAuthority(AUTHORITY)).certificate, client.certificate)).toBe(false);
    const text = shown(client);
    for (const words of [
      'Version: 3 (0x2)',
      'CA:FALSE',
      'Digital Signature',
      'TLS Web Client Authentication',
      'CN=stowage-client@host-1',
      'O=Example Ltd.',
      'OU=Data: team/a',
      '-SHA256|sha256With',
    ])
      expect(text).toMatch(new RegExp(words.replace(/[().]/g, '\\$&')));
    const authorityText = shown(authority);
    for (const words of ['CA:TRUE, pathlen:0', 'Certificate Sign, CRL Sign', 'CN=stowage-ca']) expect(authorityText).toContain(words);
    expect(client.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it('keep dates and serial numbers in order', async () => {
    const now = new Date('2026-02-03T04:05:06.789Z');
    const authority = await makeAuthority(AUTHORITY, { now });
    const clients = await Promise.all([1, 2].map(() => makeClientCertificate(CLIENT, authority, { now })));
    const [first, second] = clients.map(({ certificate }) => new X509Certificate(certificate));
    expect(first?.validFromDate.toISOString()).toBe('2026-02-03T04:00:06.000Z');
    expect(first?.validToDate.toISOString()).toBe('2027-02-03T04:05:06.000Z');
    expect(first?.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(first?.serialNumber).not.toBe(second?.serialNumber);
    expect(new X509Certificate((await makeAuthority({ ...AUTHORITY, days: 36_500 }, { now })).certificate).validToDate.getUTCFullYear()).toBe(2126);
  });

  it('carry every allowed name as it is', async () => {
    const authority = await makeAuthority(AUTHORITY);
    const letters = 'ABCabc019_.=@+-'.split('');
    const common = fc.string({ unit: fc.constantFrom(...letters), minLength: 2, maxLength: 64 });
    const unit = fc.string({ unit: fc.constantFrom(...letters, ' ', ':', '/'), minLength: 1, maxLength: 64 }).filter((text) => text === text.trim());
    await fc.assert(
      fc.asyncProperty(common, unit, unit, async (commonName, organizationalUnit, organization) => {
        const { certificate } = await makeClientCertificate({ commonName, organizationalUnit, organization, days: 1 }, authority);
        const subject = new X509Certificate(certificate).toLegacyObject().subject;
        expect(subject).toEqual(Object.assign(Object.create(null), { O: organization, OU: organizationalUnit, CN: commonName }));
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    [{ commonName: 'x' }, /^CN: expected 2 to 64/],
    [{ commonName: 'a"b' }, /^CN: /],
    [{ commonName: 'a\\b' }, /^CN: /],
    [{ commonName: 'a b' }, /^CN: /],
    [{ commonName: 'x'.repeat(65) }, /^CN: /],
    [{ organization: 'a,b' }, /^O: expected 1 to 64/],
    [{ organization: ' a' }, /^O: no space/],
    [{ organizationalUnit: '' }, /^OU: /],
    [{ days: 0 }, /^DURATION_DAYS: expected a whole number from 1 to 36500, got 0/],
    [{ days: 1.5 }, /^DURATION_DAYS: /],
    [{ days: Number.NaN }, /^DURATION_DAYS: /],
    [{ days: 36_501 }, /^DURATION_DAYS: /],
  ])('refuse %j', async (wrong, words) => {
    expect((await failureOf(() => makeAuthority({ ...AUTHORITY, ...wrong }))).message).toMatch(words);
  });

  it('refuse a client that outlives its authority or bears its name, and authorities that are none', async () => {
    const authority = await makeAuthority({ ...AUTHORITY, days: 100 });
    const client = await makeClientCertificate({ ...CLIENT, days: 100 }, authority);
    const make =
      (pair: CertificatePair, subject: Partial<CertificateSubject> = {}): (() => Promise<unknown>) =>
      () =>
        makeClientCertificate({ ...CLIENT, days: 10, ...subject }, pair);
    expect((await failureOf(make(authority, { days: 101 }))).message).toMatch(/^DURATION_DAYS: .* after its authority's/);
    expect((await failureOf(make(authority, AUTHORITY))).message).toMatch(/after its authority/);
    expect((await failureOf(make(authority, { ...AUTHORITY, days: 10 }))).message).toMatch(/^CN, OU and O are those of the authority/);
    expect((await failureOf(make(client))).message).toMatch(/^ca.crt: this is a client's certificate/);
    expect((await failureOf(make({ ...authority, privateKey: client.privateKey }))).message).toMatch(/^ca.key: this is not the key/);
    expect((await failureOf(make({ certificate: authority.privateKey, privateKey: authority.certificate }))).message).toMatch(
      /^ca.crt: expected a certificate, got a private key/,
    );
    const expired = await makeAuthority({ ...AUTHORITY, days: 1 }, { now: new Date('2020-01-01') });
    expect(await failureOf(make(expired))).toMatchObject({ code: 'Unauthenticated', message: expect.stringMatching(/^ca.crt: the certificate expired/) });
  });

  it('work with an authority that openssl made', async () => {
    const authority = issue({ name: 'by-openssl', ca: true, key: 'rsa', days: 400 });
    const client = await makeClientCertificate(CLIENT, authority);
    expect(verifies(authority.certificate, client.certificate)).toBe(true);
  });

  it('give a pair that signs in', async () => {
    const authority = await makeAuthority(AUTHORITY);
    const client = await makeClientCertificate(CLIENT, authority);
    const region = 'eu-central-1';
    const arns = {
      profileArn: `arn:aws:rolesanywhere:${region}:111122223333:profile/p`,
      roleArn: 'arn:aws:iam::111122223333:role/r',
      trustAnchorArn: `arn:aws:rolesanywhere:${region}:111122223333:trust-anchor/t`,
    };
    const settings = await certificateSettings(client);
    await using service = await rolesAnywhereVerifier({
      trustAnchor: trustAnchorPem(authority.certificate),
      region,
      arns,
      give: () => ({ accessKeyId: 'A', secretAccessKey: 'B', sessionToken: 'C', expiration: '2099-01-01T00:00:00Z' }),
    });
    const source = rolesAnywhere({ certificate: settings.iam_role_cert, privateKey: settings.iam_role_key, ...arns, endpoint: service.endpoint });
    expect(await source()).toMatchObject({ accessKeyId: 'A' });
    expect(service.verdicts).toEqual(['']);
  });
});

describe('readCertificateSubject', () => {
  it('reads texts', () => {
    expect(readCertificateSubject({ DURATION_DAYS: '365', CN: 'client', OU: '', O: 'Example' })).toEqual({
      commonName: 'client',
      organization: 'Example',
      days: 365,
    });
    for (const days of ['', '1e3', '-1', '365 ', '0', '99999'])
      expect(() => readCertificateSubject({ DURATION_DAYS: days, CN: 'client' }), days).toThrow(/^DURATION_DAYS/);
    expect(() => readCertificateSubject({ DURATION_DAYS: '1' })).toThrow(/^CN is missing/);
  });
});

describe('what is pasted into AWS', () => {
  it('is the authority’s certificate alone', async () => {
    const authority = await makeAuthority(AUTHORITY);
    expect(trustAnchorPem(authority.certificate)).toBe(authority.certificate);
    const client = await makeClientCertificate(CLIENT, authority);
    expect(() => trustAnchorPem(client.certificate)).toThrow(/client's certificate/);
    expect(() => trustAnchorPem(authority.privateKey)).toThrow(/private key/);
    expect(() => trustAnchorPem(authority.certificate + client.certificate)).toThrow(/expected one certificate, got 2/);
  });

  it('is a policy for one trust anchor, and one client if named', () => {
    const trustAnchorArn = 'arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/t';
    expect(trustPolicy({ trustAnchorArn, commonName: 'client' })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'rolesanywhere.amazonaws.com' },
          Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
          Condition: { StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'client' }, ArnEquals: { 'aws:SourceArn': trustAnchorArn } },
        },
      ],
    });
    expect(JSON.stringify(trustPolicy({ trustAnchorArn }))).not.toContain('StringEquals');
    expect(() => trustPolicy({ trustAnchorArn: 'arn:aws:iam::111122223333:role/r' })).toThrow(/^trust_anchor_arn/);
  });

  it('is checked before it is printed', async () => {
    const authority = await makeAuthority(AUTHORITY);
    expect((await failureOf(() => certificateSettings(authority), [authority.privateKey.split('\n')[1] ?? ''])).message).toMatch(/certificate of an authority/);
    const client = await makeClientCertificate(CLIENT, authority);
    expect((await checkPair({ ...client, authority: authority.certificate })).warnings).toEqual([]);
  });
});
