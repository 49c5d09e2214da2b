import { isIPv4 } from 'node:net';
import { quoted } from '@stowage/core';
import { inAttempts } from '@stowage/wire';
import { readCredentialDocument } from './credential-document.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { withinDeadline } from './deadline.ts';
import type { Environment } from './environment-keys.ts';
import { serviceRequest, statusError } from './service-request.ts';
import { readTokenFile } from './small-file.ts';
import { configError } from './sign-in-error.ts';

export interface ContainerRoleOptions {
  /** `AWS_CONTAINER_CREDENTIALS_FULL_URI`: EKS Pod Identity sets it. */
  readonly fullUri?: string;
  /** `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`: ECS sets it; a path on 169.254.170.2. */
  readonly relativeUri?: string;
  /** `AWS_CONTAINER_AUTHORIZATION_TOKEN`: sent as it is. */
  readonly authorizationToken?: string;
  /** `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`: read anew at each call, and used instead of the variable above. */
  readonly authorizationTokenFile?: string;
}

const ECS_ORIGIN = 'http://169.254.170.2';
/** The credential endpoints of ECS and of EKS Pod Identity. Source: AWS SDKs and Tools Reference, "Container credential provider". */
const ENDPOINT_HOSTS: ReadonlySet<string> = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']);
const REQUEST_MS = 2_500;
const TOTAL_MS = 8_000;

/** The role of the ECS task or EKS pod that this runs in, from the endpoint beside it. */
export function containerRole(options: ContainerRoleOptions): CredentialSource {
  const url = endpointUrl(options);
  const what = `container credentials at ${url.host}`;
  return (call) => withinDeadline(call, TOTAL_MS, what, (signal) => inAttempts(3, signal, () => ask(options, url, what, signal)));
}

/** The same, with the variables that ECS and EKS set in a container. */
export function containerRoleFromEnvironment(env: Environment): CredentialSource {
  const fullUri = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  const relativeUri = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const authorizationToken = env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  const authorizationTokenFile = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  return containerRole({
    ...(fullUri ? { fullUri } : {}),
    ...(relativeUri ? { relativeUri } : {}),
    ...(authorizationToken ? { authorizationToken } : {}),
    ...(authorizationTokenFile ? { authorizationTokenFile } : {}),
  });
}

async function ask(options: ContainerRoleOptions, url: URL, what: string, signal: AbortSignal): Promise<Credentials> {
  const { authorizationToken, authorizationTokenFile } = options;
  const token =
    authorizationTokenFile === undefined ? authorizationToken : await readTokenFile('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', authorizationTokenFile, signal);
  if (token !== undefined && /[^\x20-\x7e]/.test(token))
    throw configError('AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break or a character that no token has');
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: token }) };
  const answer = await serviceRequest(what, { method: 'GET', url, headers, timeoutMs: REQUEST_MS, signal });
  // The endpoint's own text repeats the request, path and token, so it is not quoted.
  if (answer.status !== 200)
    throw statusError(what, answer, answer.status === 401 || answer.status === 403 ? 'the authorization token was refused' : 'no credentials');
  return readCredentialDocument(what, answer.text);
}

function endpointUrl({ fullUri, relativeUri }: ContainerRoleOptions): URL {
  if (fullUri !== undefined && relativeUri !== undefined) {
    throw configError('AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI are both set; unset one');
  }
  if (relativeUri !== undefined) {
    if (!/^\/[\x21-\x7e]*$/.test(relativeUri)) throw configError('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: expected a path that begins with /');
    return new URL(ECS_ORIGIN + relativeUri);
  }
  if (fullUri === undefined) {
    throw configError(
      'sign-in by container: neither AWS_CONTAINER_CREDENTIALS_FULL_URI nor AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is set; ECS and EKS set them inside their containers',
    );
  }
  const url = URL.parse(fullUri);
  if (url === null || url.username !== '' || url.password !== '')
    throw configError('AWS_CONTAINER_CREDENTIALS_FULL_URI: expected a URL without user and password');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:' || !isTrustedPlainHost(url.hostname)) {
    throw configError(
      `AWS_CONTAINER_CREDENTIALS_FULL_URI: ${quoted(url.host)} is not allowed: https, or http to loopback, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23] only`,
    );
  }
  return url;
}

/** Hosts that plain http may reach. The URL parser has brought every spelling of an address into its one form before. */
function isTrustedPlainHost(host: string): boolean {
  return ENDPOINT_HOSTS.has(host) || host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}
