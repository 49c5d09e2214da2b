import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { configError } from '../credentials/sign-in-error.ts';

interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/**
 * The blocks of a PEM text, or of base64 of one, wrapped or not: settings hold both. `Buffer.from(x, 'base64')` accepts
 * anything, so everything is checked before. Messages name the field and never show its value.
 */
function readBlocks(field: string, text: string): PemBlock[] {
  const trimmed = text.trim();
  if (trimmed === '') throw configError(`${field} is empty`);
  const pem = trimmed.includes('-----BEGIN') ? unescaped(trimmed) : decoded(field, trimmed);
  if (/Proc-Type:[^\n]*ENCRYPTED|-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(pem)) {
    throw configError(`${field}: the key is protected by a passphrase; decrypt it first: openssl pkey -in company.key -out plain.key`);
  }
  const blocks = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)].map(([, label = '', body = '']) => ({
    label,
    der: strictBase64(field, body),
  }));
  if (blocks.length === 0 || blocks.length !== pem.split('-----BEGIN ').length - 1) throw configError(`${field}: a PEM block has no end; copy the whole file`);
  return blocks;
}

function decoded(field: string, base64: string): string {
  const text = strictBase64(field, base64).toString('latin1');
  if (!text.includes('-----BEGIN ')) throw configError(`${field}: expected PEM (-----BEGIN …) or base64 of PEM; this is base64 of something else`);
  return text;
}

function strictBase64(field: string, text: string): Buffer {
  const joined = text.replace(/\s+/g, '');
  if (joined === '' || joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(joined)) {
    throw configError(`${field}: expected PEM (-----BEGIN …) or base64 of PEM; this is neither, or a part is missing`);
  }
  return Buffer.from(joined, 'base64');
}

/** Environment files hold line breaks as a backslash and an n. */
function unescaped(pem: string): string {
  return pem.includes('\n') ? pem : pem.replaceAll('\\n', '\n');
}

/** The certificates in a text, in its order. */
export function readCertificates(field: string, text: string): X509Certificate[] {
  return readBlocks(field, text).map(({ label, der }) => {
    if (label.endsWith('PRIVATE KEY')) throw configError(`${field}: expected a certificate, got a private key; are certificate and key swapped?`);
    if (label === 'CERTIFICATE REQUEST') throw configError(`${field}: expected a certificate, got a request for one; the authority must sign it first`);
    if (label !== 'CERTIFICATE') throw configError(`${field}: expected a certificate, got a block named ${label}`);
    try {
      return new X509Certificate(der);
    } catch {
      throw configError(`${field}: a certificate in it is damaged; copy it again`);
    }
  });
}

const KEY_FORMATS = { 'PRIVATE KEY': 'pkcs8', 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1' } as const;

/** The one private key in a text: PKCS#8, PKCS#1 or SEC1, RSA of 2,048 bits or more, or elliptic curve. */
export function readPrivateKey(field: string, text: string): KeyObject {
  // `openssl ecparam -genkey` writes the curve's name in front of the key.
  const blocks = readBlocks(field, text).filter(({ label }) => label !== 'EC PARAMETERS');
  const certificate = blocks.find(({ label }) => label === 'CERTIFICATE');
  if (certificate !== undefined) throw configError(`${field}: expected a private key, got a certificate; are certificate and key swapped?`);
  const [block, ...others] = blocks;
  if (block === undefined || others.length > 0) throw configError(`${field}: expected one private key, got ${blocks.length}`);
  if (!isKeyLabel(block.label)) throw configError(`${field}: expected a private key, got a block named ${block.label}`);
  const key = createKey(field, block.der, KEY_FORMATS[block.label]);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType === 'rsa' && bits < 2048) throw configError(`${field}: the RSA key has ${bits} bits; 2048 or more are needed`);
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ec') {
    throw configError(`${field}: IAM Roles Anywhere takes RSA and elliptic-curve keys, not ${key.asymmetricKeyType ?? 'this kind'}`);
  }
  return key;
}

function isKeyLabel(label: string): label is keyof typeof KEY_FORMATS {
  return Object.hasOwn(KEY_FORMATS, label);
}

function createKey(field: string, der: Buffer, type: 'pkcs8' | 'pkcs1' | 'sec1'): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type });
  } catch {
    throw configError(`${field}: the private key is damaged; copy it again`);
  }
}

/** A PEM text as one line for a setting. */
export function settingOf(pem: string): string {
  return Buffer.from(pem, 'utf8').toString('base64');
}
