import { quoted } from '@stowage/core';
import { configError } from '../credentials/sign-in-error.ts';

/** Who a certificate is for, and for how long. */
export interface CertificateSubject {
  /** CN: 2 to 64 of `A-Za-z0-9_.=@+-`. */
  readonly commonName: string;
  /** OU: 1 to 64 of `A-Za-z0-9 _.:/=+@-`. Default: none. */
  readonly organizationalUnit?: string;
  /** O: as OU. Default: none. */
  readonly organization?: string;
  /** 1 to 36,500. */
  readonly days: number;
}

/** The same as texts of a command line or of the environment. */
export interface CertificateSubjectText {
  readonly DURATION_DAYS?: string | undefined;
  readonly CN?: string | undefined;
  readonly OU?: string | undefined;
  readonly O?: string | undefined;
}

const MAX_DAYS = 36_500;

/** Reads a subject out of texts. Throws code `Config`, naming the field. */
export function readCertificateSubject(text: CertificateSubjectText): CertificateSubject {
  const { DURATION_DAYS: days, CN: commonName, OU: organizationalUnit, O: organization } = text;
  if (!commonName) throw configError('CN is missing: the name that the certificate is for, such as stowage-client');
  if (!days) throw configError('DURATION_DAYS is missing: for how many days the certificate is valid, such as 365');
  if (!/^\d{1,6}$/.test(days)) throw configError(`DURATION_DAYS: expected a whole number from 1 to ${MAX_DAYS}, got ${quoted(days)}`);
  const subject = { commonName, days: Number(days), ...(organizationalUnit ? { organizationalUnit } : {}), ...(organization ? { organization } : {}) };
  assertSubject(subject);
  return subject;
}

/** Refuses names that would not arrive in the certificate as they are, and in the role's trust policy as they are. */
export function assertSubject({ commonName, organizationalUnit, organization, days }: CertificateSubject): void {
  if (!/^[A-Za-z0-9_.=@+-]{2,64}$/.test(commonName)) throw configError(`CN: expected 2 to 64 of A-Z a-z 0-9 _ . = @ + -, got ${quoted(commonName)}`);
  for (const [name, value] of [
    ['OU', organizationalUnit],
    ['O', organization],
  ] as const) {
    if (value === undefined) continue;
    if (!/^[A-Za-z0-9 _.:/=+@-]{1,64}$/.test(value)) throw configError(`${name}: expected 1 to 64 of A-Z a-z 0-9 space _ . : / = + @ -, got ${quoted(value)}`);
    if (value !== value.trim()) throw configError(`${name}: no space at its beginning or end`);
  }
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) throw configError(`DURATION_DAYS: expected a whole number from 1 to ${MAX_DAYS}, got ${days}`);
}

/** The distinguished name, in the order in which it is usually written. */
export function distinguishedName({ commonName, organizationalUnit, organization }: CertificateSubject): Record<string, string[]>[] {
  return [
    ...(organization === undefined ? [] : [{ O: [organization] }]),
    ...(organizationalUnit === undefined ? [] : [{ OU: [organizationalUnit] }]),
    { CN: [commonName] },
  ];
}
