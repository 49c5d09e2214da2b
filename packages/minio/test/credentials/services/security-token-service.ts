import { createHash, createHmac } from 'node:crypto';
import { CANARY } from './canaries.ts';
import type { Asked, Reply } from './loopback-service.ts';

/** Who may ask: the secret and the token that go with an access key. */
interface Caller {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Why a request is not signed by the caller, by Signature Version 4; an empty text if it is. Shares no code with any client. */
function signatureFault({ method, path, headers, body }: Asked, caller: Caller, region: string, service: string): string {
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  );
  if (match === null) return 'MissingAuthenticationToken';
  const [, key = '', day = '', signedRegion = '', signedService = '', names = '', signature = ''] = match;
  if (key !== caller.accessKeyId) return 'InvalidClientTokenId';
  if ((headers['x-amz-security-token'] ?? undefined) !== caller.sessionToken) return 'InvalidClientTokenId';
  if (signedRegion !== region || signedService !== service) return 'SignatureDoesNotMatch';
  const date = String(headers['x-amz-date']);
  if (!date.startsWith(day) || !names.split(';').includes('host')) return 'SignatureDoesNotMatch';
  const canonicalHeaders = names
    .split(';')
    .map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`)
    .join('');
  const canonical = `${method}\n${path}\n\n${canonicalHeaders}\n${names}\n${hash(body)}`;
  const stringToSign = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${hash(canonical)}`;
  const signingKey = hmac(hmac(hmac(hmac(`AWS4${caller.secretAccessKey}`, day), region), service), 'aws4_request');
  return hmac(signingKey, stringToSign).toString('hex') === signature ? '' : 'SignatureDoesNotMatch';
}

export interface TokenService {
  readonly caller?: Caller;
  readonly region: string;
  /** The token that proves the web identity. */
  readonly webIdentityToken?: () => string;
  /** What is given. Default: the canary credentials. */
  readonly give?: Required<Caller>;
}

/** The Security Token Service: believes a signature, or a token, and gives credentials. */
export function tokenService({ caller, region, webIdentityToken, give = CANARY }: TokenService): (asked: Asked) => Reply {
  return (asked) => {
    const form = new URLSearchParams(asked.body);
    const action = form.get('Action') ?? '';
    const fault =
      action === 'AssumeRole' && caller !== undefined
        ? signatureFault(asked, caller, region, 'sts')
        : action === 'AssumeRoleWithWebIdentity' && webIdentityToken !== undefined
          ? asked.headers.authorization !== undefined
            ? 'SignedWithoutNeed'
            : form.get('WebIdentityToken') === webIdentityToken()
              ? ''
              : 'InvalidIdentityToken'
          : 'InvalidAction';
    // AWS repeats what it was sent, secrets included: so does this.
    if (fault !== '') return stsFailure(403, fault, `The request ${asked.body} with ${JSON.stringify(asked.headers)} is not right`);
    return { headers: { 'content-type': 'text/xml' }, body: stsAnswer(action, give) };
  };
}

export function stsFailure(status: number, code: string, message: string): Reply {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped}</Message></Error><RequestId>req-1</RequestId></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml', 'x-amzn-requestid': 'req-1' }, body };
}

function stsAnswer(action: string, give: Required<Caller>): string {
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>${give.accessKeyId}</AccessKeyId><SecretAccessKey>${give.secretAccessKey}</SecretAccessKey><SessionToken>${give.sessionToken}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></${action}Result><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></${action}Response>`;
}
