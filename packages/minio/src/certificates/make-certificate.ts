import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { configError } from '../credentials/sign-in-error.ts';
import { assertSubject, type CertificateSubject, distinguishedName } from './certificate-subject.ts';
import { assertDates } from './check-pair.ts';
import { oneLine } from './one-line.ts';
import { readCertificates, readPrivateKey } from './pem.ts';
import { x509Library } from './x509-library.ts';

/** The kinds of key: elliptic curve P-256, or RSA with 2,048, 3,072 or 4,096 bits. */
export type KeyKind = 'ec' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

export interface MakeOptions {
  /** Default `ec`. */
  readonly keyKind?: KeyKind;
  /** Default: the clock. */
  readonly now?: Date;
}

/** A certificate and the key that belongs to it. The key is a secret. */
export interface CertificatePair {
  /** PEM. */
  readonly certificate: string;
  /** PEM of PKCS#8, without passphrase. */
  readonly privateKey: string;
}

const DAY_MS = 86_400_000;
/** Certificates begin a little earlier than now: the clocks of machines differ. */
const BACKDATE_MS = 5 * 60_000;

/** A certificate authority of one's own: it signs the client's certificates, and its certificate is the trust anchor. */
export async function makeAuthority(subject: CertificateSubject, options: MakeOptions = {}): Promise<CertificatePair> {
  assertSubject(subject);
  const x509 = await x509Library();
  const keys = await generateKeys(options.keyKind);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: distinguishedName(subject),
    ...validity(subject.days, options.now ?? new Date()),
    keys,
    signingAlgorithm: SIGNING[algorithmName(keys.privateKey)],
    extensions: [
      // No authority below this one.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem') + '\n', privateKey: await pkcs8(keys.privateKey) };
}

/** A client's certificate, signed by an authority. It must not outlive the authority's, nor bear the authority's name. */
export async function makeClientCertificate(subject: CertificateSubject, authority: CertificatePair, options: MakeOptions = {}): Promise<CertificatePair> {
  assertSubject(subject);
  const now = options.now ?? new Date();
  const issuer = await readAuthority(authority, now);
  const x509 = await x509Library();
  const dates = validity(subject.days, now);
  if (dates.notAfter > issuer.certificate.validToDate) {
    throw configError(
      `DURATION_DAYS: the certificate would end at ${dates.notAfter.toISOString()}, after its authority's (${issuer.certificate.validToDate.toISOString()}); give fewer days`,
    );
  }
  const keys = await generateKeys(options.keyKind);
  const issuerCertificate = new x509.X509Certificate(issuer.certificate.raw);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: distinguishedName(subject),
    issuer: issuerCertificate.subjectName.toJSON(),
    ...dates,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: SIGNING[algorithmName(issuer.key)],
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuerCertificate.publicKey),
    ],
  });
  const certificate = made.toString('pem') + '\n';
  if (new X509Certificate(certificate).subject === issuer.certificate.subject) {
    throw configError(`CN, OU and O are those of the authority (${oneLine(issuer.certificate.subject)}); give the client a name of its own`);
  }
  return { certificate, privateKey: await pkcs8(keys.privateKey) };
}

interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function readAuthority(pair: CertificatePair, now: Date): Promise<Issuer> {
  const [certificate, ...others] = readCertificates('ca.crt', pair.certificate);
  if (certificate === undefined || others.length > 0) throw configError(`ca.crt: expected one certificate, got ${others.length + 1}`);
  if (!certificate.ca) throw configError("ca.crt: this is a client's certificate; expected the authority's");
  const key = readPrivateKey('ca.key', pair.privateKey);
  if (!certificate.checkPrivateKey(key)) throw configError('ca.key: this is not the key of the certificate in ca.crt; give the two that were made together');
  assertDates('ca.crt', certificate, now);
  const pem = key.export({ format: 'der', type: 'pkcs8' });
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const algorithm =
    key.asymmetricKeyType === 'ec' ? { name: 'ECDSA', namedCurve: CURVES[curve ?? ''] ?? unknownCurve(curve) } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return { certificate, key: await webcrypto.subtle.importKey('pkcs8', pem, algorithm, false, ['sign']) };
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function unknownCurve(curve: string | undefined): never {
  throw configError(`ca.key: expected a key on the curve P-256, P-384 or P-521, got ${curve ?? 'an unnamed curve'}`);
}

type AlgorithmName = 'ECDSA' | 'RSASSA-PKCS1-v1_5';
const SIGNING = { ECDSA: { name: 'ECDSA', hash: 'SHA-256' }, 'RSASSA-PKCS1-v1_5': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } } as const;

function algorithmName(key: webcrypto.CryptoKey): AlgorithmName {
  return key.algorithm.name === 'ECDSA' ? 'ECDSA' : 'RSASSA-PKCS1-v1_5';
}

async function generateKeys(kind: KeyKind = 'ec'): Promise<webcrypto.CryptoKeyPair> {
  if (kind === 'ec') return await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const modulusLength = Number(kind.slice('rsa-'.length));
  if (![2048, 3072, 4096].includes(modulusLength)) throw configError(`the kind of key: expected ec, rsa-2048, rsa-3072 or rsa-4096`);
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function validity(days: number, now: Date): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now.getTime() / 1000) * 1000;
  return { notBefore: new Date(second - BACKDATE_MS), notAfter: new Date(second + days * DAY_MS) };
}

/** 127 random bits and a leading one below the sign: positive, never zero, 16 bytes. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function pkcs8(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString();
}
