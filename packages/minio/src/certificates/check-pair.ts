import type { KeyObject, X509Certificate } from 'node:crypto';
import { configError, signInError } from '../credentials/sign-in-error.ts';
import { oneLine } from './one-line.ts';
import { readCertificates, readPrivateKey } from './pem.ts';
import { x509Library } from './x509-library.ts';

export interface PairOptions {
  /** The client's certificate, with intermediates behind it where there are any: PEM, or base64 of it. */
  readonly certificate: string;
  /** Its private key: PEM, or base64 of it. */
  readonly privateKey: string;
  /** The authority's certificate; the client's must come from it. Default: not checked. */
  readonly authority?: string;
  /** Names of the fields in messages. Default `iam_role_cert` and `iam_role_key`, as in the configuration. */
  readonly names?: { readonly certificate: string; readonly privateKey: string };
  /** Default: the clock. */
  readonly now?: Date;
}

/** What a pair is, without its secret. */
export interface PairReport {
  readonly subject: string;
  readonly issuer: string;
  /** In decimal, as IAM Roles Anywhere names it. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whole days until the end. */
  readonly daysLeft: number;
  readonly keyType: 'rsa' | 'ec';
  readonly intermediates: number;
  /** What will soon be wrong: an end within 30 or within 7 days. */
  readonly warnings: readonly string[];
}

/** A pair that was read and found fit. */
export interface ClientPair {
  readonly leaf: X509Certificate;
  /** The leaf's issuer first; no self-signed ones. */
  readonly intermediates: readonly X509Certificate[];
  readonly key: KeyObject;
}

const DEFAULT_NAMES = { certificate: 'iam_role_cert', privateKey: 'iam_role_key' };
const DAY_MS = 86_400_000;

/**
 * Checks that certificate and key can sign in with IAM Roles Anywhere, before any request: they belong together, the dates,
 * no authority's certificate, its use for signatures, SHA-256 or stronger. Throws code `Config`, or `Unauthenticated` where it expired.
 */
export async function checkPair(options: PairOptions): Promise<PairReport> {
  const pair = await readPair(options);
  const names = options.names ?? DEFAULT_NAMES;
  const now = options.now ?? new Date();
  assertDates(names.certificate, pair.leaf, now);
  if (options.authority !== undefined) assertIssuedBy(names.certificate, pair, options.authority, now);
  const { leaf } = pair;
  const { notBefore, notAfter } = validityOf(leaf);
  const warning = expiryWarning(names.certificate, leaf, now);
  return {
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    serialNumber: decimalSerial(leaf),
    notBefore,
    notAfter,
    daysLeft: Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS),
    keyType: pair.key.asymmetricKeyType === 'ec' ? 'ec' : 'rsa',
    intermediates: pair.intermediates.length,
    warnings: warning === undefined ? [] : [warning.text],
  };
}

/** Reads a pair and checks everything but its dates, which change. */
export async function readPair(options: PairOptions): Promise<ClientPair> {
  const names = options.names ?? DEFAULT_NAMES;
  const certificates = readCertificates(names.certificate, options.certificate);
  const key = readPrivateKey(names.privateKey, options.privateKey);
  const leaf = theLeaf(names.certificate, certificates);
  if (!leaf.checkPrivateKey(key))
    throw configError(`${names.privateKey}: this is not the key of the certificate in ${names.certificate}; give the two that were made together`);
  await assertFit(names.certificate, leaf);
  return { leaf, key, intermediates: chainOf(names.certificate, leaf, certificates) };
}

function theLeaf(field: string, certificates: readonly X509Certificate[]): X509Certificate {
  const clients = certificates.filter((certificate) => !certificate.ca);
  const [leaf, ...others] = clients;
  if (leaf === undefined) {
    throw configError(
      `${field}: this is the certificate of an authority (${oneLine(certificates[0]?.subject ?? '')}); expected the client's, which the authority signed`,
    );
  }
  if (others.length > 0)
    throw configError(`${field}: ${clients.length} client certificates, expected one (with the authorities between it and the trust anchor, if any)`);
  return leaf;
}

/** The certificates between leaf and root, each signed by the next. */
function chainOf(field: string, leaf: X509Certificate, certificates: readonly X509Certificate[]): X509Certificate[] {
  const unused = new Set(certificates.filter((certificate) => certificate !== leaf && certificate.issuer !== certificate.subject));
  const chain: X509Certificate[] = [];
  for (let below = leaf; ;) {
    const issuer = [...unused].find((candidate) => isIssuedBy(below, candidate));
    if (issuer === undefined) break;
    unused.delete(issuer);
    chain.push(issuer);
    below = issuer;
  }
  const [stranger] = unused;
  if (stranger !== undefined) throw configError(`${field}: the certificate of ${oneLine(stranger.subject)} is no part of the client's chain; remove it`);
  return chain;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

const WEAK_HASHES: ReadonlySet<string> = new Set(['MD2', 'MD4', 'MD5', 'SHA-1', 'SHA-224']);

/** What IAM Roles Anywhere demands of a client's certificate. Source: its User Guide, "Signature verification" of the trust model. */
async function assertFit(field: string, leaf: X509Certificate): Promise<void> {
  const x509 = await x509Library();
  const parsed = new x509.X509Certificate(leaf.raw);
  if (!isVersion3(leaf.raw)) throw configError(`${field}: expected an X.509 certificate of version 3`);
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
  if ((usages & x509.KeyUsageFlags.digitalSignature) === 0)
    throw configError(`${field}: the certificate is not for signatures; make one with keyUsage digitalSignature`);
  const hash = hashOf(parsed.signatureAlgorithm);
  if (hash === undefined || WEAK_HASHES.has(hash))
    throw configError(`${field}: the certificate is signed with ${hash ?? 'an unknown or weak algorithm'}; SHA-256 or stronger is needed`);
}

function hashOf(algorithm: object): string | undefined {
  if (!('hash' in algorithm)) return undefined;
  const { hash } = algorithm;
  if (typeof hash === 'string') return hash.toUpperCase();
  return typeof hash === 'object' && hash !== null && 'name' in hash && typeof hash.name === 'string' ? hash.name.toUpperCase() : undefined;
}

/** A certificate's third version is written `[0] EXPLICIT INTEGER 2`, first thing inside of its two sequences. */
function isVersion3(der: Buffer): boolean {
  const inner = contentStart(der, contentStart(der, 0));
  return der.subarray(inner, inner + 5).equals(Buffer.from('a003020102', 'hex'));
}

/** Where the content of the DER element at an offset begins. */
function contentStart(der: Buffer, offset: number): number {
  const length = der[offset + 1] ?? 0;
  return offset + 2 + (length > 0x80 ? length - 0x80 : 0);
}

/** Throws where a certificate is not valid at a time. */
export function assertDates(field: string, certificate: X509Certificate, now: Date): void {
  const { notBefore, notAfter } = validityOf(certificate);
  if (now > notAfter) throw signInError('Unauthenticated', `${field}: the certificate expired at ${notAfter.toISOString()}; make a new one`);
  if (now < notBefore)
    throw configError(`${field}: the certificate is valid from ${notBefore.toISOString()} on, and this machine's clock says ${now.toISOString()}`);
}

/** What to say of a certificate that ends within 30 or within 7 days. */
export function expiryWarning(field: string, certificate: X509Certificate, now: Date): { days: 30 | 7; text: string } | undefined {
  const { notAfter } = validityOf(certificate);
  const left = notAfter.getTime() - now.getTime();
  if (left > 30 * DAY_MS) return undefined;
  const days = left > 7 * DAY_MS ? 30 : 7;
  return { days, text: `${field}: the certificate ends within ${days} days, at ${notAfter.toISOString()}; make a new one in time` };
}

function assertIssuedBy(field: string, { leaf, intermediates }: ClientPair, authority: string, now: Date): void {
  const [root, ...others] = readCertificates('the authority', authority);
  if (root === undefined || others.length > 0) throw configError("the authority: expected one certificate, the authority's");
  if (!root.ca) throw configError("the authority: this is a client's certificate; expected the authority's (ca.crt)");
  assertDates('the authority', root, now);
  if (!isIssuedBy(intermediates.at(-1) ?? leaf, root)) throw configError(`${field}: the certificate was not signed by the authority ${oneLine(root.subject)}`);
}

/** Node writes serials in hexadecimal; IAM Roles Anywhere reads them in decimal. */
export function decimalSerial(certificate: X509Certificate): string {
  return BigInt(`0x${certificate.serialNumber}`).toString(10);
}

function validityOf(certificate: X509Certificate): { notBefore: Date; notAfter: Date } {
  return { notBefore: certificate.validFromDate, notAfter: certificate.validToDate };
}
