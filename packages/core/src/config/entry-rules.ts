/** What the fields of one entry mean together: rules of the published formats that no shape can say. */
import { resolve } from 'node:path';

import { isBase64 } from './base64.ts';
import { readClientCertificate, readPrivateKey, type ReadPem } from './client-certificate.ts';
import type { ProblemParts } from './config-problem.ts';
import { isAwsEndpoint, readEndpoint } from './endpoint.ts';

/** The fields of an entry with references resolved; each is a text but those that the schema says are not. */
export type EntryFields = Record<string, unknown>;

interface RuleContext {
  /** The port that stands beside the endpoint, where there is one. */
  readonly port?: number;
  /** The folder that relative paths start at. */
  readonly folder: string;
  /** Tells a problem of a field. An error leaves the entry out. */
  report(severity: 'error' | 'warning', field: string, parts: ProblemParts): void;
  /** The name of a field as the user wrote it: `STORAGE_IAM_ROLE` for `iam_role`. */
  nameOf(field: string): string;
}

/** Puts the fields into the form that providers are given: endpoints as URLs, certificates as PEM. Reports what cannot be. */
export type EntryRule = (fields: EntryFields, context: RuleContext) => EntryFields;

export const ENTRY_RULES: Readonly<Record<string, EntryRule>> = { minio: minioRule, azure: azureRule, google: googleRule, fs: fsRule };

/** Fields that a rule refuses by name where they do not belong: left out, they would leave another method in their place. */
export const REFUSED_BY_RULE: readonly string[] = ['iam_role'];

const AWS_ENDPOINT = 'https://s3.amazonaws.com';
const GOOGLE_ENDPOINT = 'https://storage.googleapis.com';
const ROLES_ANYWHERE = ['trust_anchor_arn', 'profile_arn', 'iam_role', 'iam_role_cert', 'iam_role_key'] as const;

function minioRule(fields: EntryFields, context: RuleContext): EntryFields {
  const anywhere = ROLES_ANYWHERE.some((field) => field !== 'iam_role' && fields[field] !== undefined);
  const endpoint = endpointOf(fields, context, anywhere ? AWS_ENDPOINT : undefined);
  if (anywhere) return { ...fields, ...endpoint, ...rolesAnywhere(fields, context) };
  // The provider knows what these need, and refuses what has no place beside them.
  if (['sign_in', 'profile', 'web_identity_token_file'].some((field) => fields[field] !== undefined) || isAssumedByKeys(fields))
    return { ...fields, ...endpoint, ...resolved(fields, 'web_identity_token_file', context) };
  if (fields['iam_role'] !== undefined) return { ...instanceRole(fields, endpoint['endpoint'], context), ...endpoint };
  const { access_key: accessKey, secret_key: secretKey } = fields;
  const method = `${context.nameOf('access_key')} and ${context.nameOf('secret_key')}, or ${context.nameOf('iam_role')}`;
  if (accessKey === undefined) context.report('error', 'access_key', { expected: method, got: secretKey === undefined ? 'neither' : 'the secret key alone' });
  else if (secretKey === undefined) context.report('error', 'secret_key', { expected: method, got: 'the access key alone' });
  return { ...fields, ...endpoint };
}

/** A role given by its ARN beside keys: it is not the machine's own, and the keys are there to assume it. */
function isAssumedByKeys({ iam_role: role, access_key: accessKey, secret_key: secretKey }: EntryFields): boolean {
  return typeof role === 'string' && role.startsWith('arn:') && accessKey !== undefined && secretKey !== undefined;
}

/** A role of the machine's own: AWS alone has these, and keys beside it are not used. */
function instanceRole(fields: EntryFields, endpoint: unknown, context: RuleContext): EntryFields {
  if (typeof endpoint === 'string' && !isAwsEndpoint(endpoint))
    context.report('error', 'iam_role', {
      fault: 'roles exist on AWS alone',
      expected: 'an endpoint of amazonaws.com',
      got: endpoint,
      advice: roleAdvice(context),
    });
  const { access_key: accessKey, secret_key: secretKey, session_token: token, ...rest } = fields;
  if (accessKey !== undefined || secretKey !== undefined || token !== undefined)
    context.report('warning', 'iam_role', {
      fault: `is used; ${context.nameOf('access_key')} and ${context.nameOf('secret_key')} beside it are not`,
      advice: 'remove one or the other',
    });
  return rest;
}

function rolesAnywhere(fields: EntryFields, context: RuleContext): EntryFields {
  for (const field of ROLES_ANYWHERE)
    if (fields[field] === undefined) context.report('error', field, { expected: `all of ${ROLES_ANYWHERE.join(', ')} for IAM Roles Anywhere`, got: 'nothing' });
  for (const field of ['access_key', 'secret_key'] as const)
    if (fields[field] !== undefined)
      context.report('error', field, { expected: 'one method', got: 'a key beside IAM Roles Anywhere', advice: 'remove one or the other' });
  return { ...pemOf(fields, 'iam_role_cert', readClientCertificate, context), ...pemOf(fields, 'iam_role_key', readPrivateKey, context) };
}

function pemOf(fields: EntryFields, field: string, read: (text: string) => ReadPem, context: RuleContext): EntryFields {
  const text = fields[field];
  if (typeof text !== 'string') return {};
  const pem = read(text);
  if (pem.ok) return { [field]: pem.pem };
  const { ok: _, ...parts } = pem;
  context.report('error', field, parts);
  return {};
}

function azureRule(fields: EntryFields, context: RuleContext): EntryFields {
  refuseRole(fields, 'azure', context);
  const { access_key: account, connection_string: connection } = fields;
  const way = AZURE_WAYS.find((field) => fields[field] !== undefined);
  for (const field of way === undefined ? [] : AZURE_WAYS)
    if (field !== way && fields[field] !== undefined)
      context.report('error', field, {
        expected: 'one way to sign in',
        got: `${context.nameOf(field)} beside ${context.nameOf(way ?? '')}`,
        advice: 'remove one',
      });
  if (way === undefined || way === 'secret_key') azureKey(fields, context);
  if (isPortalPage(fields['endpoint'])) {
    context.report('error', 'endpoint', {
      expected: 'https://<account>.blob.core.windows.net',
      got: 'a page of the Azure portal, which is for browsers',
      advice: "look on the storage account's page under Settings, Endpoints, Blob service",
    });
    return fields;
  }
  // A connection string has an endpoint of its own.
  if (connection !== undefined && fields['endpoint'] === undefined) return fields;
  const standard = typeof account === 'string' && /^[a-z0-9]+$/.test(account) ? `https://${account}.blob.core.windows.net` : undefined;
  return { ...fields, ...endpointOf(fields, context, standard, true) };
}

/** Fields that each are a way to sign in to Azure. */
const AZURE_WAYS = ['connection_string', 'sign_in', 'secret_key'] as const;

function azureKey({ access_key: account, secret_key: secret }: EntryFields, context: RuleContext): void {
  if (account === undefined) context.report('error', 'access_key', { expected: 'the name of the storage account', got: 'nothing' });
  if (secret === undefined) context.report('error', 'secret_key', { expected: AZURE_SECRET, got: 'nothing' });
  if (typeof secret === 'string' && !secret.startsWith('?') && !isBase64(secret)) {
    const advice = secret.includes('sig=') ? { advice: 'put a "?" before the SAS token' } : {};
    context.report('error', 'secret_key', { expected: AZURE_SECRET, got: 'a text that is neither', ...advice });
  }
}

function isPortalPage(endpoint: unknown): boolean {
  return typeof endpoint === 'string' && /^(?:https?:\/\/)?(?:[\w-]+\.)*portal\.azure\.(?:com|cn|us)(?:[/?#:]|$)/i.test(endpoint);
}

const AZURE_SECRET = 'the account key (base64), or a SAS token that begins with "?"';

function googleRule(fields: EntryFields, context: RuleContext): EntryFields {
  refuseRole(fields, 'google', context);
  const { credentials_path: path, sign_in: way } = fields;
  if (way !== undefined && !GOOGLE_WAYS.some((known) => known === way))
    context.report('error', 'sign_in', { expected: `one of ${GOOGLE_WAYS.join(', ')}`, got: 'another way' });
  else if (way !== undefined && way !== 'service_account' && path !== undefined)
    context.report('error', 'credentials_path', { expected: 'one way to sign in', got: `a file beside ${context.nameOf('sign_in')}`, advice: 'remove one' });
  else if (path === undefined && (way === undefined || way === 'service_account'))
    context.report('error', 'credentials_path', { expected: "the path of the service account's JSON file", got: 'nothing' });
  if (typeof fields['endpoint'] === 'string' && GOOGLE_PAGES.test(fields['endpoint'])) {
    context.report('error', 'endpoint', {
      expected: 'storage.googleapis.com',
      got: "Google's page for people in a browser",
      advice: `remove ${context.nameOf('endpoint')}: the service is the default`,
    });
    return fields;
  }
  return { ...fields, ...endpointOf(fields, context, GOOGLE_ENDPOINT, true), ...resolved(fields, 'credentials_path', context) };
}

const GOOGLE_WAYS: readonly string[] = ['service_account', 'application_default', 'metadata', 'anonymous'];
/** Where people look at buckets; a link copied from there is no endpoint. */
const GOOGLE_PAGES = /^(?:https?:\/\/)?(?:console\.cloud\.google\.com|storage\.cloud\.google\.com|console\.developers\.google\.com)(?:[:/?#]|$)/i;

function fsRule(fields: EntryFields, context: RuleContext): EntryFields {
  return { ...fields, ...resolved(fields, 'path', context) };
}

function refuseRole(fields: EntryFields, provider: string, context: RuleContext): void {
  if (fields['iam_role'] !== undefined)
    context.report('error', 'iam_role', { fault: 'roles exist on AWS alone', expected: 'the provider minio', got: provider, advice: roleAdvice(context) });
}

function roleAdvice(context: RuleContext): string {
  return `remove ${context.nameOf('iam_role')}, or change ${context.nameOf('endpoint')} and ${context.nameOf('provider')}`;
}

/** `{ endpoint }` as a URL; nothing where it is missing or wrong, which has been reported then. */
function endpointOf(fields: EntryFields, context: RuleContext, standard?: string, path = false): { readonly endpoint?: string } {
  const written = fields['endpoint'] ?? standard;
  if (typeof written !== 'string') {
    context.report('error', 'endpoint', { expected: 'the host of the service, such as s3.amazonaws.com', got: 'nothing' });
    return {};
  }
  const read = readEndpoint(written, { path, ...(context.port === undefined ? {} : { port: context.port }) });
  if (read.ok) return { endpoint: read.url };
  const { ok: _, ...parts } = read;
  context.report('error', 'endpoint', parts);
  return {};
}

function resolved(fields: EntryFields, field: string, { folder }: RuleContext): EntryFields {
  const path = fields[field];
  return typeof path === 'string' ? { [field]: resolve(folder, path) } : {};
}
