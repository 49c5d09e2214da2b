import { configError } from '../credentials/sign-in-error.ts';
import { assertDates } from './check-pair.ts';
import { readCertificates } from './pem.ts';

/** The PEM to paste into "External certificate bundle" of a new trust anchor: the authority's certificate and nothing else, no key. */
export function trustAnchorPem(authority: string, now: Date = new Date()): string {
  const [certificate, ...others] = readCertificates('ca.crt', authority);
  if (certificate === undefined || others.length > 0) throw configError(`ca.crt: expected one certificate, got ${others.length + 1}`);
  if (!certificate.ca) throw configError("ca.crt: this is a client's certificate; expected the authority's");
  assertDates('ca.crt', certificate, now);
  return certificate.toString();
}
