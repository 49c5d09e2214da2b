import { createHash, sign } from 'node:crypto';
import { decimalSerial, type ClientPair } from '../certificates/check-pair.ts';

/** What a call of `CreateSession` is about. */
export interface CreateSession {
  /** Origin of the service. */
  readonly endpoint: URL;
  readonly region: string;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  readonly durationSeconds: number;
}

/** A request as it goes over the wire: the bytes that were signed are the bytes to send. */
export interface SignedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Signs `CreateSession` with a client's certificate. Signature Version 4 as for every AWS service, but signed by the private
 * key itself: no derived key, and the certificate's serial number in the place of the access key.
 * Source: IAM Roles Anywhere User Guide, "Signing process", and the API's `CreateSession`.
 */
export function signCreateSession(session: CreateSession, pair: ClientPair, now: Date): SignedRequest {
  const date = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const body = Buffer.from(JSON.stringify({ durationSeconds: session.durationSeconds }), 'utf8');
  const query = canonicalQuery({ profileArn: session.profileArn, roleArn: session.roleArn, trustAnchorArn: session.trustAnchorArn });
  const url = new URL(`/sessions?${query}`, session.endpoint);
  const signed: Record<string, string> = {
    'content-type': 'application/json',
    host: url.host,
    'x-amz-date': date,
    'x-amz-x509': pair.leaf.raw.toString('base64'),
  };
  if (pair.intermediates.length > 0) signed['x-amz-x509-chain'] = pair.intermediates.map(({ raw }) => raw.toString('base64')).join(',');
  const names = Object.keys(signed).sort();
  const canonicalHeaders = names.map((name) => `${name}:${signed[name]}\n`).join('');
  const canonicalRequest = ['POST', '/sessions', query, canonicalHeaders, names.join(';'), sha256(body)].join('\n');
  const algorithm = pair.key.asymmetricKeyType === 'ec' ? 'AWS4-X509-ECDSA-SHA256' : 'AWS4-X509-RSA-SHA256';
  const scope = `${date.slice(0, 8)}/${session.region}/rolesanywhere/aws4_request`;
  const stringToSign = [algorithm, date, scope, sha256(Buffer.from(canonicalRequest, 'utf8'))].join('\n');
  // Node's defaults are the ones asked for: PKCS#1 v1.5 for RSA, ASN.1 DER for ECDSA.
  const signature = sign('sha256', Buffer.from(stringToSign, 'utf8'), pair.key).toString('hex');
  const authorization = `${algorithm} Credential=${decimalSerial(pair.leaf)}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { url, headers: { ...signed, authorization }, body };
}

/** Parameters in RFC 3986 form, in the order of their names. */
function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${rfc3986(name)}=${rfc3986(value)}`);
  return pairs.sort().join('&');
}

function rfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
