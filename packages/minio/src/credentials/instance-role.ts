import { isStorageError, quoted } from '@stowage/core';
import { inAttempts } from '@stowage/wire';
import { readCredentialDocument } from './credential-document.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { withinDeadline } from './deadline.ts';
import { serviceRequest, type ServiceAnswer, statusError } from './service-request.ts';
import { configError, signInError } from './sign-in-error.ts';

export interface InstanceRoleOptions {
  /** The name of the role that the instance must have. Absent: whichever it has, which only makes sense below AssumeRole. */
  readonly role?: string;
  /** Origin of the instance metadata. Default `http://169.254.169.254`. */
  readonly endpoint?: string;
}

const DEFAULT_ENDPOINT = 'http://169.254.169.254';
const ROLES_PATH = '/latest/meta-data/iam/security-credentials/';
const TOKEN_SECONDS = '300';
/** Metadata answers in milliseconds or not at all. */
const REQUEST_MS = 2_000;
const TOTAL_MS = 7_500;

/**
 * The role of the EC2 instance that this runs on, over IMDSv2 alone: version 1 answers anyone who can make this machine
 * send a GET, so it is not used even where v2 is missing. The instance's role must be the configured one.
 */
export function instanceRole(options: InstanceRoleOptions = {}): CredentialSource {
  const { role } = options;
  const endpoint = metadataEndpoint(options.endpoint ?? DEFAULT_ENDPOINT);
  if (role !== undefined && !/^[\w+=,.@-]{1,64}$/.test(role)) {
    throw configError(`iam_role: expected the bare name of the instance's role, or the ARN of a role, got ${quoted(role)}`);
  }
  const what = `instance metadata (IMDSv2) at ${endpoint.host}`;
  return (call) => withinDeadline(call, TOTAL_MS, what, (signal) => inAttempts(3, signal, () => ask({ role, endpoint, what, signal })));
}

interface Asking {
  readonly role: string | undefined;
  readonly endpoint: URL;
  readonly what: string;
  readonly signal: AbortSignal;
}

async function ask(asking: Asking): Promise<Credentials> {
  const { role, what } = asking;
  const token = await metadataToken(asking);
  const attached = await attachedRole(asking, token);
  if (role !== undefined && attached !== role) {
    throw configError(
      `iam_role: this instance has the role ${quoted(attached)}, not ${quoted(role)}; correct iam_role, or attach the other role to the instance`,
    );
  }
  const answer = await get(asking, token, ROLES_PATH + encodeURIComponent(attached));
  if (answer.status !== 200) throw statusError(`${what}, role ${quoted(attached)},`, answer, 'no credentials of the role');
  if (/"Code"\s*:\s*"(?!Success")/.test(answer.text)) {
    throw signInError(
      'Unauthenticated',
      `${what} cannot give credentials of the role ${quoted(attached)}: its trust policy must let ec2.amazonaws.com assume it`,
    );
  }
  return readCredentialDocument(what, answer.text);
}

async function metadataToken({ endpoint, what, signal }: Asking): Promise<string> {
  const url = new URL('/latest/api/token', endpoint);
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS };
  const answer = await serviceRequest(what, { method: 'PUT', url, headers, timeoutMs: REQUEST_MS, signal }).catch((error: unknown) => {
    throw noMetadata(error);
  });
  if (answer.status === 200 && /^[\x21-\x7e]+$/.test(answer.text)) return answer.text;
  if (answer.status === 403) throw signInError('AccessDenied', `${what} is switched off for this instance (403)`, { status: 403 });
  if (answer.status === 200 || (answer.status >= 400 && answer.status < 500)) {
    throw configError(`${what} gives no v2 token (status ${answer.status}); version 1 is never used: switch IMDSv2 on for this instance`);
  }
  throw statusError(what, answer, 'no v2 token');
}

/** The name that the instance's profile holds. */
async function attachedRole(asking: Asking, token: string): Promise<string> {
  const answer = await get(asking, token, ROLES_PATH);
  if (answer.status === 404) throw configError(`iam_role: no role is attached to this instance (${asking.what} lists none); attach one, or sign in by keys`);
  if (answer.status !== 200) throw statusError(asking.what, answer, 'no list of roles');
  const name = answer.text.trim().split(/\s+/)[0] ?? '';
  if (name === '') throw configError(`iam_role: no role is attached to this instance (${asking.what} lists none); attach one, or sign in by keys`);
  return name;
}

async function get({ endpoint, what, signal }: Asking, token: string, path: string): Promise<ServiceAnswer> {
  const headers = { 'x-aws-ec2-metadata-token': token };
  return await serviceRequest(what, { method: 'GET', url: new URL(path, endpoint), headers, timeoutMs: REQUEST_MS, signal });
}

/** Most who meet this are not on EC2, or in a container one hop too far. */
function noMetadata(error: unknown): unknown {
  if (!isStorageError(error)) return error;
  if (error.code === 'Timeout') {
    return signInError('Timeout', `${error.message}: is this an EC2 instance? Inside a container, set the instance's metadata hop limit to 2`);
  }
  return signInError(error.code, `${error.message}; iam_role needs an EC2 instance: elsewhere, sign in another way`, { retryable: error.retryable });
}

function metadataEndpoint(text: string): URL {
  const url = URL.parse(text);
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw configError(`the instance metadata endpoint: expected an origin such as ${DEFAULT_ENDPOINT}`);
  }
  return url;
}
