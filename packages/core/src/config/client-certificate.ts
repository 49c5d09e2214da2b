import { createPrivateKey, X509Certificate } from 'node:crypto';

import { isBase64 } from './base64.ts';

/** PEM in the usual form, or what was expected and what was found; never the content. */
export type ReadPem =
  | { readonly ok: true; readonly pem: string }
  | { readonly ok: false; readonly expected: string; readonly got: string; readonly advice?: string };

const CERTIFICATE = "base64 of the client's certificate in PEM, or the PEM itself";
const PRIVATE_KEY = "base64 of the client's private key in PEM, or the PEM itself";
const KEY_LABELS: ReadonlySet<string> = new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']);

/** The client's certificate, perhaps with intermediates behind it. A CA's certificate and a private key are refused. */
export function readClientCertificate(text: string): ReadPem {
  const refuse = (got: string, advice?: string): ReadPem => ({ ok: false, expected: CERTIFICATE, got, ...(advice === undefined ? {} : { advice }) });
  const blocks = pemBlocks(text);
  if (typeof blocks === 'string') return refuse(blocks);
  if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) return refuse('a private key', 'it belongs into iam_role_key');
  const [leaf] = blocks;
  if (leaf?.label !== 'CERTIFICATE' || blocks.some(({ label }) => label !== 'CERTIFICATE')) return refuse('PEM of another kind');
  for (const { pem } of blocks) if (!isParsed(() => new X509Certificate(pem))) return refuse('a damaged certificate');
  if (new X509Certificate(leaf.pem).ca)
    return refuse("a CA's certificate", 'take the one that the CA issued for this client; the CA belongs into the trust anchor');
  return { ok: true, pem: blocks.map(({ pem }) => pem).join('') };
}

/** The client's private key, not encrypted. A certificate is refused. */
export function readPrivateKey(text: string): ReadPem {
  const refuse = (got: string, advice?: string): ReadPem => ({ ok: false, expected: PRIVATE_KEY, got, ...(advice === undefined ? {} : { advice }) });
  const blocks = pemBlocks(text);
  if (blocks === ENCRYPTED) return refuse(ENCRYPTED, 'decrypt it first: openssl pkey -in in.key -out out.key');
  if (typeof blocks === 'string') return refuse(blocks);
  if (blocks.some(({ label }) => label === 'CERTIFICATE')) return refuse('a certificate', 'it belongs into iam_role_cert');
  // openssl writes the curve's name before an EC key.
  const keys = blocks.filter(({ label }) => label !== 'EC PARAMETERS');
  const [key] = keys;
  if (key === undefined || keys.length > 1 || !KEY_LABELS.has(key.label)) return refuse('PEM of another kind');
  return isParsed(() => createPrivateKey(key.pem)) ? { ok: true, pem: key.pem } : refuse('a damaged private key');
}

const ENCRYPTED = 'an encrypted private key';

interface PemBlock {
  readonly label: string;
  readonly pem: string;
}

/** The blocks, each rewritten with proper line ends (files of settings turn these into spaces or `\n`), or what was found instead. */
function pemBlocks(text: string): readonly PemBlock[] | string {
  const pem = text.includes('-----BEGIN') ? text : decoded(text);
  if (pem === undefined) return 'text that is neither';
  if (/-----BEGIN ENCRYPTED|ENCRYPTED[\s\\]/.test(pem)) return ENCRYPTED;
  const blocks: PemBlock[] = [];
  for (const [, label = '', body = ''] of pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)) {
    const bare = body.replace(/\\[rn]|\s/g, '');
    if (!isBase64(bare)) return 'damaged PEM';
    blocks.push({ label, pem: `-----BEGIN ${label}-----\n${bare.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n` });
  }
  return blocks.length > 0 ? blocks : pem.includes('-----BEGIN') ? 'damaged PEM' : 'base64 of something that is no PEM';
}

function decoded(text: string): string | undefined {
  return isBase64(text) ? Buffer.from(text, 'base64').toString('latin1') : undefined;
}

/** What OpenSSL says of a failure helps nobody, and could quote the input. */
function isParsed(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
