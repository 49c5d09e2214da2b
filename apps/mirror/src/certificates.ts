import { isStorageError } from '@stowage/core';
import type * as Minio from '@stowage/minio';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, importInstalled, misfit, type Terminal, write } from '@stowage/terminal';
import { EXIT } from './exit-code.ts';

/** A command line of `certs`, read. Texts are as they were given: what they must be is the package's to say. */
export interface CertificatesRequest {
  readonly command: 'ca' | 'client' | 'check' | 'settings' | 'anchor' | 'policy';
  /** Where `ca.crt`, `ca.key`, `company.pem` and `company.key` lie. */
  readonly folder: string;
  readonly days?: string;
  readonly cn?: string;
  readonly ou?: string;
  readonly o?: string;
  readonly keyKind?: 'ec' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';
  readonly force: boolean;
  /** Files in the place of those of the folder. */
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly trustAnchorArn?: string;
}

type Certificates = Pick<
  typeof Minio,
  | 'AUTHORITY_FILES'
  | 'CLIENT_FILES'
  | 'certificateSettings'
  | 'checkPair'
  | 'makeAuthority'
  | 'makeClientCertificate'
  | 'readCertificateSubject'
  | 'trustAnchorPem'
  | 'trustPolicy'
  | 'writePair'
>;

const PACKAGE = '@stowage/minio';

/** Makes, checks and prints what IAM Roles Anywhere needs. Throws `CommandError`. */
export async function runCertificates(request: CertificatesRequest, terminal: Terminal): Promise<number> {
  const made = await importInstalled(PACKAGE, 'the maker of certificates', { command: 'stowage-mirror', importPackage: terminal.importPackage });
  if (!isCertificates(made)) throw misfit(PACKAGE, 'makes no certificates');
  try {
    await write(terminal.stdout, `${(await COMMANDS[request.command](request, made, terminal)).join('\n')}\n`);
    return EXIT.inSync;
  } catch (error) {
    if (isStorageError(error)) throw new CommandError(error.message, EXIT.failed, error);
    throw error;
  }
}

type Run = (request: CertificatesRequest, minio: Certificates, terminal: Terminal) => Promise<readonly string[]>;

const COMMANDS: Readonly<Record<CertificatesRequest['command'], Run>> = { ca, client, check, settings, anchor, policy };

async function ca(request: CertificatesRequest, minio: Certificates, terminal: Terminal): Promise<string[]> {
  const pair = await minio.makeAuthority(subjectOf(request, minio, terminal), keyKindOf(request));
  const files = await minio.writePair(folderOf(request, terminal), minio.AUTHORITY_FILES, pair, { force: request.force });
  return [
    files.certificate,
    '  the authority: the trust anchor is made of it ("certs anchor" prints it)',
    files.privateKey,
    '  its key, a secret: it signs the clients, and leaves this machine never',
    '',
    'Next: stowage-mirror certs client',
  ];
}

async function client(request: CertificatesRequest, minio: Certificates, terminal: Terminal): Promise<string[]> {
  const folder = folderOf(request, terminal);
  const authority = {
    certificate: readText(join(folder, minio.AUTHORITY_FILES.certificate), 'the certificate of an authority; make one with "certs ca"'),
    privateKey: readText(join(folder, minio.AUTHORITY_FILES.privateKey), 'the key of an authority; make one with "certs ca"'),
  };
  const subject = subjectOf(request, minio, terminal);
  const pair = await minio.makeClientCertificate(subject, authority, keyKindOf(request));
  const files = await minio.writePair(folder, minio.CLIENT_FILES, pair, { force: request.force });
  return [
    files.certificate,
    "  the client's certificate",
    files.privateKey,
    '  its key, a secret',
    '',
    'Next, in AWS and in your configuration:',
    '1. IAM Roles Anywhere, new trust anchor, "External certificate',
    '   bundle": paste what "stowage-mirror certs anchor" prints.',
    "2. IAM, the role's trust policy: what this prints:",
    `   stowage-mirror certs policy --trust-anchor-arn ARN --cn ${subject.commonName}`,
    '3. IAM Roles Anywhere, a profile with that role.',
    '4. iam_role_cert and iam_role_key of your entry: what',
    '   "stowage-mirror certs settings" prints (the key, too).',
  ];
}

async function check(request: CertificatesRequest, minio: Certificates, terminal: Terminal): Promise<string[]> {
  const report = await minio.checkPair({ ...pairOf(request, minio, terminal), ...authorityOf(request, minio, terminal), now: terminal.today() });
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  return [
    `subject        ${report.subject}`,
    `issuer         ${report.issuer}`,
    `serial number  ${report.serialNumber}`,
    `valid          ${day(report.notBefore)} to ${day(report.notAfter)}, ${report.daysLeft} days left`,
    `key            ${report.keyType}`,
    ...(report.intermediates === 0 ? [] : [`intermediates  ${report.intermediates}`]),
    ...report.warnings.map((text) => `Note: ${text}`),
    'Certificate and key belong together, and can sign in.',
  ];
}

async function settings(request: CertificatesRequest, minio: Certificates, terminal: Terminal): Promise<string[]> {
  const { iam_role_cert: certificate, iam_role_key: key } = await minio.certificateSettings({ ...pairOf(request, minio, terminal), now: terminal.today() });
  return [`iam_role_cert: ${certificate}`, `iam_role_key: ${key}`];
}

function anchor(request: CertificatesRequest, minio: Certificates, terminal: Terminal): Promise<string[]> {
  const path = request.ca === undefined ? join(folderOf(request, terminal), minio.AUTHORITY_FILES.certificate) : resolve(terminal.cwd, request.ca);
  return Promise.resolve([minio.trustAnchorPem(readText(path, "the authority's certificate"), terminal.today()).trimEnd()]);
}

function policy({ trustAnchorArn = '', cn }: CertificatesRequest, minio: Certificates): Promise<string[]> {
  const given = { trustAnchorArn, ...(cn === undefined ? {} : { commonName: cn }) };
  return Promise.resolve([
    JSON.stringify(
      asGiven(() => minio.trustPolicy(given)),
      null,
      2,
    ),
  ]);
}

/** From the command line, else from the environment. */
function subjectOf({ days, cn, ou, o }: CertificatesRequest, minio: Certificates, { env }: Terminal): Minio.CertificateSubject {
  return asGiven(() =>
    minio.readCertificateSubject({ DURATION_DAYS: days ?? env['DURATION_DAYS'], CN: cn ?? env['CN'], OU: ou ?? env['OU'], O: o ?? env['O'] }),
  );
}

/** What is wrong with the command line itself is wrong usage. */
function asGiven<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isStorageError(error)) throw new CommandError(error.message, EXIT.usage, error);
    throw error;
  }
}

function keyKindOf({ keyKind }: CertificatesRequest): Minio.MakeOptions {
  return keyKind === undefined ? {} : { keyKind };
}

function pairOf(request: CertificatesRequest, minio: Certificates, terminal: Terminal): Minio.PairOptions {
  const folder = folderOf(request, terminal);
  const certificate = request.cert === undefined ? join(folder, minio.CLIENT_FILES.certificate) : resolve(terminal.cwd, request.cert);
  const privateKey = request.key === undefined ? join(folder, minio.CLIENT_FILES.privateKey) : resolve(terminal.cwd, request.key);
  return {
    certificate: readText(certificate, "the client's certificate"),
    privateKey: readText(privateKey, "the client's key"),
    names: { certificate: JSON.stringify(certificate), privateKey: JSON.stringify(privateKey) },
  };
}

/** The authority beside the pair, where it is there; one that was named must be. */
function authorityOf(request: CertificatesRequest, minio: Certificates, terminal: Terminal): { readonly authority?: string } {
  if (request.ca !== undefined) return { authority: readText(resolve(terminal.cwd, request.ca), "the authority's certificate") };
  try {
    return { authority: readFileSync(join(folderOf(request, terminal), minio.AUTHORITY_FILES.certificate), 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

function folderOf({ folder }: CertificatesRequest, { cwd }: Terminal): string {
  return resolve(cwd, folder);
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `expected ${what} in ${JSON.stringify(path)}; ${code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`}`,
      EXIT.failed,
      error,
    );
  }
}

const NEEDED: readonly (keyof Certificates)[] = [
  'makeAuthority',
  'makeClientCertificate',
  'checkPair',
  'certificateSettings',
  'trustAnchorPem',
  'trustPolicy',
  'writePair',
];

function isCertificates(loaded: Readonly<Record<string, unknown>>): loaded is Readonly<Record<string, unknown>> & Certificates {
  return NEEDED.every((name) => typeof loaded[name] === 'function');
}
