import { isStorageError, quoted } from '@stowage/core';
import { regionInHost } from '../wire/address.ts';
import { isAwsHost } from './aws-domain.ts';
import { isArn } from './arn.ts';
import { anonymous } from './anonymous.ts';
import { assumeRole } from './assume-role.ts';
import { cachedCredentials } from './cached-credentials.ts';
import { containerRoleFromEnvironment } from './container-role.ts';
import type { CredentialSource } from './credentials.ts';
import { type CredentialFields, methodOf, readFields, required, type SignInMethod } from './credential-fields.ts';
import { type Environment, environmentKeys } from './environment-keys.ts';
import { instanceRole } from './instance-role.ts';
import { rolesAnywhere } from './roles-anywhere.ts';
import { sharedProfile } from './shared-profile.ts';
import { configError, signInError } from './sign-in-error.ts';
import { staticKeys } from './static-keys.ts';
import { webIdentity } from './web-identity.ts';

export interface SignInContext {
  /** Where the entry stands, to begin messages: `my-car-datasets`. Default: nothing. */
  readonly where?: string;
  /** For the methods that read variables. Default: empty, as only a program's entry reads its own. */
  readonly env?: Environment;
  /** Told what a user should know and that is no failure: a certificate near its end, variables that lead credentials elsewhere. */
  readonly onNotice?: (notice: string) => void;
  /** Origins of the services that give credentials. Default: `sts_endpoint` of the entry, the redirecting variables of `env`, then AWS's own. */
  readonly endpoints?: { readonly sts?: string; readonly metadata?: string; readonly rolesAnywhere?: string };
}

/** Where the services that give credentials are. */
interface Endpoints {
  readonly sts: string | undefined;
  readonly metadata: string | undefined;
  readonly rolesAnywhere: string | undefined;
}

const NAMES = { accessKeyId: 'access_key', secretAccessKey: 'secret_key', sessionToken: 'session_token' };
const DEFAULT_REGION = 'us-east-1';

/**
 * The one way to sign in that an entry of `remote_links.yml`, or the main storage's settings (`readEnvironment` of `@stowage/core/config`),
 * asks for. Fields of other concerns are left alone. Throws code `Config` where no way, or more than one, is asked for; nothing is
 * requested before the source is called. Temporary credentials are kept and renewed.
 */
export function credentialSourceFrom(entry: Readonly<Record<string, unknown>>, context: SignInContext = {}): CredentialSource {
  try {
    const fields = readFields(entry);
    const method = methodOf(fields);
    const source = sourceOf(method, fields, context);
    const steady = method === 'keys' || method === 'environment' || method === 'anonymous';
    const told = named(context.where, source);
    return steady ? told : cachedCredentials(told);
  } catch (error) {
    throw withPlace(context.where, error);
  }
}

/** The same source, whose failures name the entry. */
function named(where: string | undefined, source: CredentialSource): CredentialSource {
  if (where === undefined) return source;
  return async (call) => {
    try {
      return await source(call);
    } catch (error) {
      throw withPlace(where, error);
    }
  };
}

function withPlace(where: string | undefined, error: unknown): unknown {
  if (where === undefined || !isStorageError(error)) return error;
  return signInError(error.code, `${where}: ${error.message}`, { retryable: error.retryable }).with(error);
}

function sourceOf(method: SignInMethod, fields: CredentialFields, context: SignInContext): CredentialSource {
  const { env = {}, onNotice } = context;
  const endpoints = endpointsOf(method, fields, context);
  const need = (name: keyof CredentialFields): string => required(fields, name, method);
  const region = fields.region ?? regionInHost(endpointHost(fields.endpoint) ?? '') ?? DEFAULT_REGION;
  const sts = { region, ...(endpoints.sts === undefined ? {} : { endpoint: endpoints.sts }), ...sessionOf(fields) };
  switch (method) {
    case 'anonymous':
      return anonymous();
    case 'keys':
      return keysOf(fields, need);
    case 'environment':
      return environmentKeys(env);
    case 'profile':
      return sharedProfile({
        env,
        region,
        ...(fields.profile === undefined ? {} : { profile: fields.profile }),
        ...(env['AWS_SHARED_CREDENTIALS_FILE'] ? { credentialsFile: env['AWS_SHARED_CREDENTIALS_FILE'] } : {}),
        ...(env['AWS_CONFIG_FILE'] ? { configFile: env['AWS_CONFIG_FILE'] } : {}),
        ...(endpoints.sts === undefined ? {} : { stsEndpoint: endpoints.sts }),
        ...(endpoints.metadata === undefined ? {} : { metadataEndpoint: endpoints.metadata }),
      });
    case 'instance_role': {
      assertAws(fields);
      const role = need('iam_role');
      const metadata = endpoints.metadata === undefined ? {} : { endpoint: endpoints.metadata };
      return isArn(role) ? assumeRole({ ...sts, roleArn: role, from: instanceRole(metadata), ...externalIdOf(fields) }) : instanceRole({ role, ...metadata });
    }
    case 'assume_role':
      if (endpoints.sts === undefined) assertAws(fields);
      return assumeRole({ ...sts, roleArn: need('iam_role'), from: keysOf(fields, need), ...externalIdOf(fields) });
    case 'container':
      return containerRoleFromEnvironment(env);
    case 'web_identity':
      if (endpoints.sts === undefined) assertAws(fields);
      return webIdentity({
        ...sts,
        roleArn: fields.iam_role ?? env['AWS_ROLE_ARN'] ?? need('iam_role'),
        tokenFile: fields.web_identity_token_file ?? env['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? need('web_identity_token_file'),
      });
    case 'roles_anywhere':
      if (endpoints.rolesAnywhere === undefined) assertAws(fields);
      return rolesAnywhere({
        certificate: need('iam_role_cert'),
        privateKey: need('iam_role_key'),
        trustAnchorArn: need('trust_anchor_arn'),
        profileArn: need('profile_arn'),
        roleArn: need('iam_role'),
        ...(fields.duration_seconds === undefined ? {} : { durationSeconds: fields.duration_seconds }),
        ...(endpoints.rolesAnywhere === undefined ? {} : { endpoint: endpoints.rolesAnywhere }),
        ...(onNotice === undefined ? {} : { onNotice }),
      });
  }
}

function keysOf(fields: CredentialFields, need: (name: keyof CredentialFields) => string): CredentialSource {
  const { session_token: sessionToken } = fields;
  return staticKeys({ accessKeyId: need('access_key'), secretAccessKey: need('secret_key'), ...(sessionToken === undefined ? {} : { sessionToken }) }, NAMES);
}

function sessionOf(fields: CredentialFields): { sessionName?: string; durationSeconds?: number } {
  return {
    ...(fields.role_session_name === undefined ? {} : { sessionName: fields.role_session_name }),
    ...(fields.duration_seconds === undefined ? {} : { durationSeconds: fields.duration_seconds }),
  };
}

function externalIdOf({ external_id: externalId }: CredentialFields): { externalId?: string } {
  return externalId === undefined ? {} : { externalId };
}

const USES_STS: ReadonlySet<SignInMethod> = new Set(['assume_role', 'instance_role', 'profile', 'web_identity']);
const USES_METADATA: ReadonlySet<SignInMethod> = new Set(['instance_role', 'profile']);

/** Given endpoints first; then the variables by which AWS's own tools lead credentials elsewhere, which are announced. */
function endpointsOf(method: SignInMethod, fields: CredentialFields, { env = {}, endpoints = {}, onNotice }: SignInContext): Endpoints {
  const redirected = (name: string): string | undefined => {
    const value = env[name];
    if (!value) return undefined;
    onNotice?.(`${name} is set: credentials are asked for at ${quoted(URL.parse(value)?.host ?? 'an address that is none')}`);
    return value;
  };
  return {
    sts: endpoints.sts ?? fields.sts_endpoint ?? (USES_STS.has(method) ? redirected('AWS_ENDPOINT_URL_STS') : undefined),
    metadata: endpoints.metadata ?? (USES_METADATA.has(method) ? redirected('AWS_EC2_METADATA_SERVICE_ENDPOINT') : undefined),
    rolesAnywhere: endpoints.rolesAnywhere,
  };
}

/** Roles are AWS's own: at another service they cannot work, and a request there would hand it AWS credentials. */
function assertAws({ endpoint }: CredentialFields): void {
  if (endpoint === undefined) return;
  const host = endpointHost(endpoint);
  if (host !== undefined && isAwsHost(host)) return;
  throw configError(`iam_role works on AWS only, and endpoint is ${quoted(host ?? '')}; use access_key and secret_key there`);
}

function endpointHost(endpoint = ''): string | undefined {
  return URL.parse(endpoint.includes('://') ? endpoint : `https://${endpoint}`)?.hostname;
}
