import { quoted } from '@stowage/core';
import { isArn } from './arn.ts';
import { configError } from './sign-in-error.ts';

/** The ways to sign in, as `sign_in` names them. */
const SIGN_IN_METHODS = ['keys', 'environment', 'profile', 'instance_role', 'assume_role', 'container', 'web_identity', 'roles_anywhere', 'anonymous'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

const TEXT_FIELDS = [
  'sign_in',
  'access_key',
  'secret_key',
  'session_token',
  'profile',
  'iam_role',
  'role_session_name',
  'external_id',
  'web_identity_token_file',
  'trust_anchor_arn',
  'profile_arn',
  'iam_role_cert',
  'iam_role_key',
  'sts_endpoint',
] as const;
/** Fields that other concerns own and that a sign-in reads. */
const SHARED_FIELDS = ['region', 'endpoint'] as const;

export type CredentialFields = { readonly [K in (typeof TEXT_FIELDS)[number] | (typeof SHARED_FIELDS)[number]]?: string } & {
  readonly duration_seconds?: number;
};

/** Takes the fields out of an entry. An empty one is one that is not there: files are made from templates. */
export function readFields(entry: Readonly<Record<string, unknown>>): CredentialFields {
  const fields: Record<string, string | number> = {};
  for (const name of [...TEXT_FIELDS, ...SHARED_FIELDS]) {
    const value = entry[name];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string')
      throw configError(`${name}: expected a text, got ${Array.isArray(value) ? 'a list' : `a ${typeof value}`}; put it in quotes`);
    fields[name] = value;
  }
  const seconds = entry['duration_seconds'];
  if (seconds !== undefined && seconds !== null && seconds !== '') {
    // A reference to the environment gives a text.
    const number = typeof seconds === 'string' && /^\d{1,6}$/.test(seconds) ? Number(seconds) : seconds;
    if (typeof number !== 'number') throw configError('duration_seconds: expected a whole number from 900 to 43200');
    fields['duration_seconds'] = number;
  }
  return fields;
}

/** Fields that each method takes; any other of them beside it means that two ways were asked for. */
const ALLOWED: Readonly<Record<SignInMethod, readonly (keyof CredentialFields)[]>> = {
  keys: ['access_key', 'secret_key', 'session_token'],
  environment: [],
  profile: ['profile', 'sts_endpoint'],
  instance_role: ['iam_role', 'role_session_name', 'external_id', 'duration_seconds', 'sts_endpoint'],
  assume_role: ['access_key', 'secret_key', 'session_token', 'iam_role', 'role_session_name', 'external_id', 'duration_seconds', 'sts_endpoint'],
  container: [],
  web_identity: ['iam_role', 'web_identity_token_file', 'role_session_name', 'duration_seconds', 'sts_endpoint'],
  roles_anywhere: ['trust_anchor_arn', 'profile_arn', 'iam_role', 'iam_role_cert', 'iam_role_key', 'duration_seconds'],
  anonymous: [],
};

/** The one method that an entry asks for: by `sign_in`, or by the fields that it fills. */
export function methodOf(fields: CredentialFields): SignInMethod {
  const method = fields.sign_in === undefined ? deduced(fields) : named(fields.sign_in);
  const allowed: ReadonlySet<string> = new Set([...ALLOWED[method], ...SHARED_FIELDS, 'sign_in']);
  const extra = Object.keys(fields).filter((name) => !allowed.has(name));
  if (extra.length > 0)
    throw configError(
      `${list(extra)} ${extra.length > 1 ? 'have' : 'has'} no place beside ${fields.sign_in === undefined ? because(fields, method) : `sign_in: ${method}`}; keep one way to sign in`,
    );
  return method;
}

function named(text: string): SignInMethod {
  const method = SIGN_IN_METHODS.find((candidate) => candidate === text);
  if (method === undefined) throw configError(`sign_in: expected one of ${SIGN_IN_METHODS.join(', ')}, got ${quoted(text, 40)}`);
  return method;
}

function deduced(fields: CredentialFields): SignInMethod {
  const { iam_role: role } = fields;
  if (fields.trust_anchor_arn !== undefined || fields.profile_arn !== undefined || fields.iam_role_cert !== undefined || fields.iam_role_key !== undefined)
    return 'roles_anywhere';
  if (fields.web_identity_token_file !== undefined) return 'web_identity';
  if (fields.profile !== undefined) return 'profile';
  if (fields.access_key !== undefined || fields.secret_key !== undefined || fields.session_token !== undefined) {
    if (role === undefined) return 'keys';
    if (isArn(role)) return 'assume_role';
    throw configError("iam_role names the instance's own role, which takes no keys, and access_key or secret_key is given too; remove one or the other");
  }
  if (role !== undefined) return 'instance_role';
  throw configError('no way to sign in: give access_key and secret_key, or iam_role, or name one by sign_in (for open buckets: sign_in: anonymous)');
}

/** The field that made the choice, for a message. */
function because(fields: CredentialFields, method: SignInMethod): string {
  return ALLOWED[method].find((name) => fields[name] !== undefined) ?? method;
}

/** A field that the method cannot do without. */
export function required(fields: CredentialFields, name: keyof CredentialFields, method: SignInMethod): string {
  const value = fields[name];
  if (typeof value !== 'string') throw configError(`${name} is missing: sign-in by ${method.replaceAll('_', ' ')} needs it`);
  return value;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
