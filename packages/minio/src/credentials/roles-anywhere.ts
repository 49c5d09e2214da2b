import { quoted } from '@stowage/core';
import { inAttempts, withoutSecrets } from '@stowage/wire';
import { assertDates, type ClientPair, expiryWarning, readPair } from '../certificates/check-pair.ts';
import { type Arn, parseArn } from './arn.ts';
import { checkedDuration } from './assume-role.ts';
import { awsDomain } from './aws-domain.ts';
import { credentialsOf, parseObject } from './credential-document.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { SIGN_IN_MS, withinDeadline } from './deadline.ts';
import { type CreateSession, signCreateSession } from './roles-anywhere-request.ts';
import { type ServiceAnswer, serviceRequest, statusError } from './service-request.ts';
import { configError, signInError } from './sign-in-error.ts';

export interface RolesAnywhereOptions {
  /** PEM or base64 of PEM; intermediates may follow the client's certificate. */
  readonly certificate: string;
  /** PEM or base64 of PEM: PKCS#8, PKCS#1 or SEC1, without passphrase. */
  readonly privateKey: string;
  readonly trustAnchorArn: string;
  /** The profile in IAM Roles Anywhere: in the same region and account as the trust anchor. */
  readonly profileArn: string;
  readonly roleArn: string;
  /** 900 to 43,200 seconds. Default 3,600. */
  readonly durationSeconds?: number;
  /** Origin of the service. Default: AWS's own, in the region of the trust anchor. */
  readonly endpoint?: string;
  /** PEM of the authorities that are trusted for the endpoint's TLS instead of the system's. */
  readonly tlsAuthority?: string;
  /** Told once each when the certificate ends within 30 and within 7 days. Default: not told. */
  readonly onNotice?: (notice: string) => void;
  /** Default: the clock. */
  readonly now?: () => Date;
}

const FIELD = 'iam_role_cert';
const REQUEST_MS = 4_000;

/** Temporary credentials of a role, for a client's certificate and its key: sign-in for machines outside AWS without any lasting AWS key. */
export function rolesAnywhere(options: RolesAnywhereOptions): CredentialSource {
  const session = sessionOf(options);
  const what = `IAM Roles Anywhere at ${session.endpoint.host}`;
  const { now = () => new Date(), onNotice } = options;
  let reading: Promise<ClientPair> | undefined;
  let told = Infinity;
  return (call) =>
    withinDeadline(call, SIGN_IN_MS, what, async (signal) => {
      reading ??= readPair({ certificate: options.certificate, privateKey: options.privateKey });
      const pair = await reading;
      const time = now();
      for (const certificate of [pair.leaf, ...pair.intermediates]) assertDates(FIELD, certificate, time);
      const warning = expiryWarning(FIELD, pair.leaf, time);
      if (warning !== undefined && warning.days < told) {
        told = warning.days;
        onNotice?.(warning.text);
      }
      // Signed anew each time: a signature is only good for minutes.
      return await inAttempts(3, signal, () => createSession(session, pair, { what, now: now(), signal, ca: options.tlsAuthority }));
    });
}

function sessionOf(options: RolesAnywhereOptions): CreateSession {
  const anchor = parseArn('trust_anchor_arn', options.trustAnchorArn, 'rolesanywhere', 'trust-anchor/');
  const profile = parseArn('profile_arn', options.profileArn, 'rolesanywhere', 'profile/');
  const role = parseArn('iam_role', options.roleArn, 'iam', 'role/');
  if (profile.region !== anchor.region) {
    throw configError(`profile_arn is in the region ${quoted(profile.region)} and trust_anchor_arn in ${quoted(anchor.region)}; both must be in the same one`);
  }
  return {
    endpoint: endpointOf(options.endpoint, anchor),
    region: anchor.region,
    trustAnchorArn: anchor.text,
    profileArn: profile.text,
    roleArn: role.text,
    durationSeconds: checkedDuration(options.durationSeconds),
  };
}

function endpointOf(endpoint: string | undefined, { region }: Arn): URL {
  const url = URL.parse(endpoint ?? `https://rolesanywhere.${region}.${awsDomain(region)}`);
  if (
    url === null ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw configError('the endpoint of IAM Roles Anywhere: expected an origin such as https://rolesanywhere.eu-central-1.amazonaws.com');
  }
  return url;
}

interface Sending {
  readonly what: string;
  readonly now: Date;
  readonly signal: AbortSignal;
  readonly ca: string | undefined;
}

async function createSession(session: CreateSession, pair: ClientPair, { what, now, signal, ca }: Sending): Promise<Credentials> {
  const request = signCreateSession(session, pair, now);
  const answer = await serviceRequest(what, { method: 'POST', ...request, timeoutMs: REQUEST_MS, signal, ...(ca === undefined ? {} : { ca }) });
  if (answer.status !== 201 && answer.status !== 200) throw refusal(what, session, answer, now, request.headers['authorization'] ?? '');
  const { credentialSet } = parseObject(what, answer.text);
  const first: unknown = Array.isArray(credentialSet) ? credentialSet[0] : undefined;
  const given: unknown = typeof first === 'object' && first !== null && 'credentials' in first ? first.credentials : undefined;
  if (typeof given !== 'object' || given === null) throw signInError('Unavailable', `${what} answered without credentials`, { retryable: false });
  const { accessKeyId, secretAccessKey, sessionToken, expiration }: Record<string, unknown> = { ...given };
  return credentialsOf(what, { accessKeyId, secretAccessKey, sessionToken, expiration });
}

/** Why the service refused, by its error code; the code is in a header, or in the body under one of two names. */
function refusal(what: string, session: CreateSession, answer: ServiceAnswer, now: Date, authorization: string): Error {
  const body = tolerantObject(answer.text);
  const code = shortCode(answer.headers['x-amzn-errortype']) ?? shortCode(body['code']) ?? shortCode(body['__type']);
  const words = [body['message'], body['Message']].find((value) => typeof value === 'string') ?? '';
  const skew = clockSkew(answer, now);
  if (skew !== undefined && answer.status < 500)
    return signInError('Unauthenticated', `${what}: the clock of this machine is ${skew}; set it right`, { status: answer.status });
  if (code === undefined) return statusError(what, answer, answer.status >= 500 ? '' : 'not in the way of IAM Roles Anywhere; check the endpoint');
  const said = withoutSecrets(words, [authorization, authorization.slice(authorization.lastIndexOf('=') + 1)]);
  const requestId = answer.headers['x-amzn-requestid'];
  const known = { status: answer.status, ...(typeof requestId === 'string' && /^[\w-]{1,64}$/.test(requestId) ? { requestId } : {}) };
  const message = `${what} refused: ${code}: ${said}`;
  if (answer.status === 429 || code.startsWith('Throttling')) return signInError('RateLimited', message, known);
  if (answer.status >= 500) return signInError('Unavailable', message, known);
  if (code.startsWith('AccessDenied')) {
    return signInError(
      'AccessDenied',
      `${message}; check that the trust anchor holds this certificate's authority, that the profile lists ${quoted(session.roleArn)}, and the role's trust policy`,
      known,
    );
  }
  if (code.startsWith('ResourceNotFound')) return signInError('Config', `${message}; check trust_anchor_arn and profile_arn`, known);
  if (code.startsWith('Validation')) return signInError('Config', message, known);
  return signInError('Unauthenticated', message, known);
}

/** The object in a refusal, or an empty one: gateways in between answer in HTML. */
function tolerantObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** `AccessDeniedException` out of `com.amazonaws#AccessDeniedException:http://…`. */
function shortCode(value: unknown): string | undefined {
  const text: unknown = Array.isArray(value) ? value[0] : value;
  return typeof text === 'string' ? /^(?:[\w.]+#)?(\w{1,80})(?=$|:)/.exec(text)?.[1] : undefined;
}

const SKEW_MS = 300_000;

/** By how much this machine's clock is off, where that is more than the service allows. */
function clockSkew({ headers }: ServiceAnswer, now: Date): string | undefined {
  const ahead = now.getTime() - Date.parse(headers.date ?? '');
  if (Number.isNaN(ahead) || Math.abs(ahead) <= SKEW_MS) return undefined;
  return `${Math.round(Math.abs(ahead) / 60_000)} minutes ${ahead > 0 ? 'ahead' : 'behind'}`;
}
