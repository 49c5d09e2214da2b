import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the openssl program; what it says on failure becomes the error's message. */
export function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Whether it succeeds. */
export function opensslAccepts(...args: string[]): boolean {
  try {
    openssl(...args);
    return true;
  } catch {
    return false;
  }
}

/** A folder that is gone when the scope ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'stowage-certificates-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Issued {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface IssueOptions {
  readonly name: string;
  /** Absent: signed by itself. */
  readonly issuer?: Issued;
  readonly key?: 'rsa' | 'ec' | 'ed25519' | 'rsa-1024';
  readonly ca?: boolean;
  readonly digest?: string;
  readonly usage?: string;
  readonly serial?: string;
  readonly days?: number;
  /** Whether it says which key signed it: without, only the signature tells authorities of one name apart. Default true. */
  readonly identifiers?: boolean;
}

const KEYS = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'rsa-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  ec: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ed25519: ['-algorithm', 'ED25519'],
} as const;

/** A certificate made by the openssl program, independent of our own maker. */
export function issue(options: IssueOptions): Issued {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const { name, issuer, key = 'ec', ca = false, digest = 'sha256', serial = '0x00DEADBEEF', days = 90, identifiers = true } = options;
  const usage = options.usage ?? (ca ? 'critical,keyCertSign,cRLSign' : 'critical,digitalSignature');
  openssl('genpkey', ...KEYS[key], '-out', at('key'));
  const extensions = [
    `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`,
    usage === '' ? '' : `keyUsage=${usage}`,
    `subjectKeyIdentifier=${identifiers ? 'hash' : 'none'}`,
    `authorityKeyIdentifier=${identifiers && issuer !== undefined ? 'keyid' : 'none'}`,
  ];
  writeFileSync(at('ext'), extensions.join('\n'));
  openssl('req', '-new', '-key', at('key'), '-subj', `/O=Test/CN=${name}`, '-out', at('csr'));
  const common = ['x509', '-req', '-in', at('csr'), '-extfile', at('ext'), `-${digest}`, '-days', String(days), '-set_serial', serial, '-out', at('crt')];
  if (issuer === undefined) openssl(...common, '-signkey', at('key'));
  else {
    writeFileSync(at('ca.crt'), issuer.certificate);
    writeFileSync(at('ca.key'), issuer.privateKey);
    openssl(...common, '-CA', at('ca.crt'), '-CAkey', at('ca.key'));
  }
  return { certificate: readFileSync(at('crt'), 'utf8'), privateKey: readFileSync(at('key'), 'utf8') };
}
