import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedProfile, type SharedProfileOptions } from '../../src/credentials/shared-profile.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { instanceMetadata, ROLE_CREDENTIALS } from './services/instance-metadata.ts';
import { loopbackService } from './services/loopback-service.ts';
import { temporaryFolder } from './services/openssl.ts';
import { tokenService } from './services/security-token-service.ts';

const KEYS = { accessKeyId: 'AKIAPROFILE', secretAccessKey: 'profile-secret-canary-0020' };
const REGION = 'eu-west-1';

interface Files extends Disposable {
  readonly options: SharedProfileOptions;
  readonly at: (name: string) => string;
}

async function files(credentials: string | undefined, config?: string): Promise<Files> {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  if (credentials !== undefined) await writeFile(at('credentials'), credentials);
  if (config !== undefined) await writeFile(at('config'), config);
  return { at, options: { credentialsFile: at('credentials'), configFile: at('config'), region: REGION }, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

const BASE = `[base]\naws_access_key_id = ${KEYS.accessKeyId}\naws_secret_access_key = ${KEYS.secretAccessKey}\n`;

describe('sharedProfile', () => {
  it('reads keys out of either file, the credentials file first, anew at each call', async () => {
    using place = await files(
      `[default]\naws_access_key_id = A\naws_secret_access_key = from-credentials\n\n${BASE}aws_session_token=t\n`,
      `[default]\naws_secret_access_key = from-config\n[profile other]\naws_access_key_id = O\naws_secret_access_key = other\n`,
    );
    expect(await sharedProfile(place.options)()).toEqual({ accessKeyId: 'A', secretAccessKey: 'from-credentials' });
    expect(await sharedProfile({ ...place.options, profile: 'other' })()).toEqual({ accessKeyId: 'O', secretAccessKey: 'other' });
    const base = sharedProfile({ ...place.options, profile: 'base' });
    expect(await base()).toEqual({ ...KEYS, sessionToken: 't' });
    await writeFile(place.at('credentials'), BASE.replace('AKIAPROFILE', 'AKIANEXT'));
    expect(await base()).toEqual({ ...KEYS, accessKeyId: 'AKIANEXT' });
  });

  it('assumes a role by the keys of another profile, of its own, and by the machine', async () => {
    await using sts = await loopbackService(tokenService({ caller: KEYS, region: REGION }));
    using place = await files(
      BASE,
      `[profile role]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\nduration_seconds = 900\nrole_session_name = me
[profile base]\nregion = ${REGION}
[profile self]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = self\naws_access_key_id = ${KEYS.accessKeyId}\naws_secret_access_key = ${KEYS.secretAccessKey}
[profile env]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Environment\n`,
    );
    const options = { ...place.options, stsEndpoint: sts.endpoint, env: { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey } };
    for (const profile of ['role', 'self', 'env']) expect(await sharedProfile({ ...options, profile })(), profile).toEqual(ROLE_CREDENTIALS);
    expect(Object.fromEntries(new URLSearchParams(sts.asked[0]?.body))).toMatchObject({ DurationSeconds: '900', RoleSessionName: 'me' });
  });

  it('assumes a role by the instance over version 2, and by a token', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine' }));
    await using sts = await loopbackService(tokenService({ caller: { ...CANARY }, region: REGION, webIdentityToken: () => CANARY.token }));
    using place = await files('', `[profile ec2]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Ec2InstanceMetadata\n`);
    const options = { ...place.options, stsEndpoint: sts.endpoint, metadataEndpoint: metadata.endpoint };
    expect(await sharedProfile({ ...options, profile: 'ec2' })()).toEqual(ROLE_CREDENTIALS);
    expect(metadata.asked[0]?.method).toBe('PUT');
    await writeFile(place.at('token'), CANARY.token);
    await writeFile(place.at('config'), `[profile web]\nrole_arn = arn:aws:iam::111122223333:role/r\nweb_identity_token_file = ${place.at('token')}\n`);
    expect(await sharedProfile({ ...options, profile: 'web' })()).toEqual(ROLE_CREDENTIALS);
  });

  it('runs a credential_process, and shows neither it nor what it prints', async () => {
    const print = (document: object): string => `echo '${JSON.stringify(document)}'`;
    using place = await files(undefined, '');
    const run = async (command: string): ReturnType<ReturnType<typeof sharedProfile>> => {
      await writeFile(place.at('config'), `[default]\ncredential_process = ${command}\n`);
      return await sharedProfile({ ...place.options, env: { PATH: process.env['PATH'] } })();
    };
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken } = CANARY;
    expect(await run(print({ Version: 1, AccessKeyId, SecretAccessKey, SessionToken, Expiration: '2099-01-01T00:00:00Z' }))).toEqual(ROLE_CREDENTIALS);
    const failed = await failureOf(() => run(`sh -c "echo ${CANARY.token}; echo ${CANARY.token} >&2; exit 3"`));
    expect(failed).toMatchObject({
      code: 'Unauthenticated',
      message: 'profile "default": its credential_process failed (exit code 3); run the command by hand to see why',
    });
    expect((await failureOf(() => run(`echo ${CANARY.token}`))).message).toMatch(/not JSON/);
    expect((await failureOf(() => run(print({ AccessKeyId })))).message).toMatch(/secret key/);
  });

  const refusals: [string, string, RegExp][] = [
    ['missing', '[other]\nx = 1', /there is no profile "default".*"other"/],
    ['__proto__', '[__proto__]\naws_access_key_id = A', /there is no profile/],
    ['half', '[default]\naws_access_key_id = A', /no aws_secret_access_key/],
    ['empty', '[default]\nregion = eu-west-1', /holds no way to sign in/],
    ['sso', '[default]\nsso_session = s', /aws configure export-credentials --profile "default"/],
    ['mfa', '[default]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = other\nmfa_serial = m', /one-time code/],
    ['no source', '[default]\nrole_arn = arn:aws:iam::111122223333:role/r\naws_access_key_id = A\naws_secret_access_key = B', /exactly one of source_profile/],
    [
      'two sources',
      '[default]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = a\ncredential_source = Environment',
      /exactly one of source_profile/,
    ],
    ['odd source', '[default]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Ec2', /expected Environment, EcsContainer/],
    [
      'a circle',
      '[default]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = b\n[b]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = default',
      /in a circle: "default" → "b" → "default"/,
    ],
    [
      'a key with a space',
      `[default]\naws_access_key_id = A\naws_secret_access_key = canary secret 0021`,
      /profile "default": aws_secret_access_key holds a character that no key has/,
    ],
  ];
  it.each(refusals)('refuses what it cannot do, and tries nothing else: %s', async (_, credentials, words) => {
    using place = await files(credentials);
    const env = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey };
    expect(await failureOf(sharedProfile({ ...place.options, env }), ['canary secret 0021'])).toMatchObject({
      code: 'Config',
      message: expect.stringMatching(words),
    });
  });

  it('says where it looked when there are no files', async () => {
    using place = await files(undefined);
    expect((await failureOf(sharedProfile({ ...place.options, profile: 'x' }))).message).toMatch(/there is no profile "x" in .*; the files name none/);
  });
});
