import { homedir } from 'node:os';
import { join } from 'node:path';
import { access, constants } from 'node:fs/promises';
import { quoted } from '@stowage/core';
import { assumeRole } from './assume-role.ts';
import { containerRoleFromEnvironment } from './container-role.ts';
import { runCredentialProcess } from './credential-process.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { SIGN_IN_MS, withinDeadline } from './deadline.ts';
import { type Environment, environmentKeys } from './environment-keys.ts';
import { instanceRole } from './instance-role.ts';
import { configError, systemCode } from './sign-in-error.ts';
import { staticKeys } from './static-keys.ts';
import { webIdentity } from './web-identity.ts';

export interface SharedProfileOptions {
  /** The profile's name. Default `default`. */
  readonly profile?: string;
  /** Default `~/.aws/credentials`. */
  readonly credentialsFile?: string;
  /** Default `~/.aws/config`. */
  readonly configFile?: string;
  /** Region of the Security Token Service where the profile names none. Default `us-east-1`. */
  readonly region?: string;
  /** Origin of the Security Token Service. Default: AWS's own. */
  readonly stsEndpoint?: string;
  /** Origin of the instance metadata, for `credential_source = Ec2InstanceMetadata`. Default: EC2's own. */
  readonly metadataEndpoint?: string;
  /** For `credential_source` and `credential_process`. Default: empty. */
  readonly env?: Environment;
}

type Profile = Readonly<Record<string, string | undefined>>;
type Profiles = ReadonlyMap<string, Profile>;

/**
 * One named profile of the files that the AWS tools share, read anew at each call: keys; `role_arn` with `source_profile`,
 * `credential_source` or `web_identity_token_file`; `credential_process`. What the profile says is done or refused, nothing else is tried.
 */
export function sharedProfile(options: SharedProfileOptions = {}): CredentialSource {
  const name = options.profile ?? 'default';
  const what = `profile ${quoted(name)}`;
  return (call) =>
    withinDeadline(call, SIGN_IN_MS, what, async (signal) => {
      const profiles = await readProfiles(options);
      return await sourceOf(name, [], profiles, options)({ signal });
    });
}

/** What each profile says in both files; keys of the credentials file win, as with the AWS tools. */
async function readProfiles(options: SharedProfileOptions): Promise<Profiles> {
  const filepath = options.credentialsFile ?? join(homedir(), '.aws', 'credentials');
  const configFilepath = options.configFile ?? join(homedir(), '.aws', 'config');
  await Promise.all([filepath, configFilepath].map(assertReadable));
  const { loadSharedConfigFiles } = await import('@smithy/shared-ini-file-loader');
  const { credentialsFile, configFile } = await loadSharedConfigFiles({ filepath, configFilepath, ignoreCache: true });
  const profiles = new Map<string, Profile>();
  for (const file of [configFile, credentialsFile]) {
    for (const [name, values] of Object.entries(file)) profiles.set(name, { ...profiles.get(name), ...values });
  }
  return profiles;
}

/** The loader takes a file that it may not read for an empty one. */
async function assertReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw configError(`sign-in by profile: cannot read ${quoted(path)} (${systemCode(error)})`);
  }
}

function sourceOf(name: string, above: readonly string[], profiles: Profiles, options: SharedProfileOptions): CredentialSource {
  const what = `profile ${quoted(name)}`;
  const profile = profiles.get(name);
  if (profile === undefined) throw unknownProfile(name, [...profiles.keys()]);
  const roleArn = profile['role_arn'];
  // A profile whose role is assumed by its own keys names itself as its source.
  if (roleArn !== undefined && above.at(-1) !== name) return roleSource(name, roleArn, profile, above, profiles, options);
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, aws_session_token: sessionToken } = profile;
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    if (!accessKeyId || !secretAccessKey) throw configError(`${what} has ${accessKeyId ? 'no aws_secret_access_key' : 'no aws_access_key_id'}`);
    const names = { accessKeyId: `${what}: aws_access_key_id`, secretAccessKey: `${what}: aws_secret_access_key`, sessionToken: `${what}: aws_session_token` };
    return staticKeys({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }, names);
  }
  const command = profile['credential_process'];
  if (command !== undefined) {
    return (call): Promise<Credentials> =>
      withinDeadline(call, SIGN_IN_MS, `${what}: its credential_process`, (signal) => runCredentialProcess(what, command, options.env ?? {}, signal));
  }
  if (profile['sso_session'] !== undefined || profile['sso_start_url'] !== undefined) {
    throw configError(
      `${what} signs in by single sign-on, which is left to the AWS CLI: make a profile with credential_process = aws configure export-credentials --profile ${quoted(name)}`,
    );
  }
  throw configError(`${what} holds no way to sign in: expected aws_access_key_id, role_arn or credential_process`);
}

function roleSource(
  name: string,
  roleArn: string,
  profile: Profile,
  above: readonly string[],
  profiles: Profiles,
  options: SharedProfileOptions,
): CredentialSource {
  const what = `profile ${quoted(name)}`;
  const { source_profile: sourceProfile, credential_source: credentialSource, web_identity_token_file: tokenFile, external_id: externalId } = profile;
  const given = [sourceProfile, credentialSource, tokenFile].filter((value) => value !== undefined);
  if (given.length !== 1) throw configError(`${what} has role_arn and must have exactly one of source_profile, credential_source and web_identity_token_file`);
  if (profile['mfa_serial'] !== undefined) throw configError(`${what} asks for a one-time code (mfa_serial), and nobody is there to type it`);
  const duration = profile['duration_seconds'];
  const role = {
    roleArn,
    region: profile['region'] ?? options.region ?? 'us-east-1',
    ...(options.stsEndpoint === undefined ? {} : { endpoint: options.stsEndpoint }),
    ...(profile['role_session_name'] === undefined ? {} : { sessionName: profile['role_session_name'] }),
    ...(duration === undefined ? {} : { durationSeconds: Number(duration) }),
  };
  if (tokenFile !== undefined) return webIdentity({ ...role, tokenFile });
  const from = sourceProfile === undefined ? machineSource(what, credentialSource ?? '', options) : nextProfile(name, sourceProfile, above, profiles, options);
  return assumeRole({ ...role, from, ...(externalId === undefined ? {} : { externalId }) });
}

function nextProfile(name: string, next: string, above: readonly string[], profiles: Profiles, options: SharedProfileOptions): CredentialSource {
  if (above.includes(next))
    throw configError(`profile ${quoted(name)}: source_profile leads in a circle: ${[...above, name, next].map((each) => quoted(each)).join(' → ')}`);
  return sourceOf(next, [...above, name], profiles, options);
}

function machineSource(what: string, source: string, { env = {}, metadataEndpoint }: SharedProfileOptions): CredentialSource {
  if (source === 'Environment') return environmentKeys(env);
  if (source === 'EcsContainer') return containerRoleFromEnvironment(env);
  if (source === 'Ec2InstanceMetadata') return instanceRole(metadataEndpoint === undefined ? {} : { endpoint: metadataEndpoint });
  throw configError(`${what}: credential_source: expected Environment, EcsContainer or Ec2InstanceMetadata, got ${quoted(source)}`);
}

function unknownProfile(name: string, known: readonly string[]): Error {
  const list =
    known.length === 0
      ? 'the files name none'
      : `there are ${known
          .slice(0, 8)
          .map((each) => quoted(each, 40))
          .join(', ')}${known.length > 8 ? ', …' : ''}`;
  return configError(`there is no profile ${quoted(name)} in ~/.aws/credentials and ~/.aws/config; ${list}`);
}
