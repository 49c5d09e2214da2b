import { describe, expect, it } from 'vitest';
import { parseRemoteLinks, readEnvironment } from '@stowage/core/config';
import { isAnonymous } from '../../src/credentials/anonymous.ts';
import { credentialSourceFrom, type SignInContext } from '../../src/credentials/credential-source-from.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { instanceMetadata, ROLE_CREDENTIALS } from './services/instance-metadata.ts';
import { loopbackService } from './services/loopback-service.ts';
import { issue } from './services/openssl.ts';
import { tokenService } from './services/security-token-service.ts';

const AWS = { endpoint: 's3.amazonaws.com', region: 'eu-central-1' };
const ARN = 'arn:aws:iam::111122223333:role/reader';
const KEYS = { access_key: 'AKIAENTRY', secret_key: 'entry-secret-canary-0040' };
const SECRETS = [KEYS.secret_key, ...Object.values(CANARY).slice(1)];

describe('credentialSourceFrom', () => {
  it('takes keys, with other concerns’ fields beside them, for any server', async () => {
    expect(await credentialSourceFrom({ provider: 'minio', buckets: ['a'], endpoint: 'minio.local:9000', ...KEYS })()).toEqual({
      accessKeyId: KEYS.access_key,
      secretAccessKey: KEYS.secret_key,
    });
    expect(await credentialSourceFrom({ ...KEYS, session_token: 'x', iam_role: '' })()).toMatchObject({ sessionToken: 'x' });
  });

  it('goes anonymously only where that is written', async () => {
    expect(isAnonymous(await credentialSourceFrom({ ...AWS, sign_in: 'anonymous' })())).toBe(true);
    expect(() => credentialSourceFrom(AWS)).toThrow(/^no way to sign in/);
    expect(() => credentialSourceFrom({ ...AWS, sign_in: 'anonymus' })).toThrow(/expected one of keys, .*, got "anonymus"/);
  });

  it('takes the instance’s role by its name, and keeps its credentials', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine' }));
    const context = { endpoints: { metadata: metadata.endpoint } };
    const source = credentialSourceFrom({ ...AWS, iam_role: 'machine' }, context);
    expect([await source(), await source()]).toEqual([ROLE_CREDENTIALS, ROLE_CREDENTIALS]);
    expect(metadata.asked).toHaveLength(3);
    expect((await failureOf(credentialSourceFrom({ ...AWS, iam_role: 'machin' }, context))).message).toMatch(
      /this instance has the role "machine", not "machin"/,
    );
  });

  it('assumes a role given by its ARN: by the instance, or by the keys beside it', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine' }));
    await using byInstance = await loopbackService(tokenService({ caller: { ...CANARY }, region: AWS.region }));
    expect(await credentialSourceFrom({ ...AWS, iam_role: ARN }, { endpoints: { metadata: metadata.endpoint, sts: byInstance.endpoint } })()).toEqual(
      ROLE_CREDENTIALS,
    );
    await using byKeys = await loopbackService(
      tokenService({ caller: { accessKeyId: KEYS.access_key, secretAccessKey: KEYS.secret_key }, region: 'us-east-1' }),
    );
    const entry = { endpoint: 'minio.local', ...KEYS, iam_role: ARN, sts_endpoint: byKeys.endpoint };
    expect(await credentialSourceFrom(entry)()).toEqual(ROLE_CREDENTIALS);
  });

  it('signs for the region in the endpoint’s name where none is given', async () => {
    await using sts = await loopbackService(tokenService({ caller: { accessKeyId: KEYS.access_key, secretAccessKey: KEYS.secret_key }, region: 'ap-south-1' }));
    const entry = { ...KEYS, iam_role: ARN, sts_endpoint: sts.endpoint };
    expect(await credentialSourceFrom({ ...entry, endpoint: 'https://s3.ap-south-1.amazonaws.com' })()).toEqual(ROLE_CREDENTIALS);
    expect(await failureOf(credentialSourceFrom({ ...entry, endpoint: 's3.amazonaws.com' }), SECRETS)).toMatchObject({ code: 'Unauthenticated' });
  });

  it('asks where the environment leads, and says so', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine' }));
    const notices: string[] = [];
    const context: SignInContext = {
      env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.endpoint, AWS_ENDPOINT_URL_STS: 'http://user:pass-canary-0041@127.0.0.1:1/' },
      onNotice: (notice) => notices.push(notice),
    };
    expect(await credentialSourceFrom({ ...AWS, iam_role: 'machine' }, context)()).toEqual(ROLE_CREDENTIALS);
    expect(notices).toEqual([
      'AWS_ENDPOINT_URL_STS is set: credentials are asked for at "127.0.0.1:1"',
      `AWS_EC2_METADATA_SERVICE_ENDPOINT is set: credentials are asked for at "${new URL(metadata.endpoint).host}"`,
    ]);
    credentialSourceFrom(KEYS, context);
    expect(notices).toHaveLength(2);
  });

  it('reads environment, container and token only where they are asked for', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B' };
    expect(await credentialSourceFrom({ ...AWS, sign_in: 'environment' }, { env })()).toEqual({ accessKeyId: 'A', secretAccessKey: 'B' });
    expect(() => credentialSourceFrom(AWS, { env })).toThrow(/no way to sign in/);
    expect(() => credentialSourceFrom({ ...AWS, sign_in: 'container' }, { env })).toThrow(/neither/);
    expect(() => credentialSourceFrom({ ...AWS, sign_in: 'web_identity' }, { env })).toThrow(/iam_role is missing: sign-in by web identity needs it/);
    const file = { AWS_ROLE_ARN: ARN, AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere/token' };
    expect((await failureOf(credentialSourceFrom({ ...AWS, sign_in: 'web_identity' }, { env: file }))).message).toMatch(/there is no file "\/nowhere\/token"/);
    const files = { AWS_CONFIG_FILE: '/nowhere/config', AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials' };
    expect((await failureOf(credentialSourceFrom({ ...AWS, profile: 'x' }, { env: { ...env, ...files } }))).message).toMatch(/there is no profile "x"/);
  });

  it('signs in by certificate, and checks it before any request', async () => {
    const { certificate, privateKey } = issue({ name: 'client' });
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const entry = {
      ...AWS,
      region: 'us-west-2',
      iam_role: ARN,
      trust_anchor_arn: 'arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/1',
      profile_arn: 'arn:aws:rolesanywhere:eu-central-1:111122223333:profile/1',
      iam_role_cert: base64(certificate),
      iam_role_key: base64(privateKey),
    };
    const credentials = {
      accessKeyId: CANARY.accessKeyId,
      secretAccessKey: CANARY.secretAccessKey,
      sessionToken: CANARY.sessionToken,
      expiration: '2099-01-01T00:00:00Z',
    };
    await using service = await loopbackService(() => ({ status: 201, body: JSON.stringify({ credentialSet: [{ credentials }] }) }));
    const context = { endpoints: { rolesAnywhere: service.endpoint } };
    expect(await credentialSourceFrom(entry, context)()).toEqual(ROLE_CREDENTIALS);
    const swapped = credentialSourceFrom({ ...entry, iam_role_cert: entry.iam_role_key, iam_role_key: entry.iam_role_cert }, context);
    expect((await failureOf(swapped)).message).toBe('iam_role_cert: expected a certificate, got a private key; are certificate and key swapped?');
    expect(service.asked).toHaveLength(1);
    expect(() => credentialSourceFrom({ ...entry, profile_arn: '' })).toThrow(/profile_arn is missing: sign-in by roles anywhere needs it/);
    expect(() => credentialSourceFrom({ ...entry, iam_role: 'reader' })).toThrow(/^iam_role: expected an ARN/);
    expect(() => credentialSourceFrom({ ...entry, ...KEYS })).toThrow(/^access_key and secret_key have no place beside/);
  });

  const refused: [string, Record<string, unknown>, string][] = [
    ['half a key', { access_key: 'A' }, 'secret_key is missing: sign-in by keys needs it'],
    ['the other half', { secret_key: KEYS.secret_key }, 'access_key is missing: sign-in by keys needs it'],
    ['a key that is a number', { access_key: 'A', secret_key: 12345678 }, 'secret_key: expected a text, got a number; put it in quotes'],
    [
      'keys beside the instance’s role',
      { ...KEYS, iam_role: 'machine' },
      "iam_role names the instance's own role, which takes no keys, and access_key or secret_key is given too; remove one or the other",
    ],
    ['keys beside anonymous', { ...KEYS, sign_in: 'anonymous' }, 'access_key and secret_key have no place beside sign_in: anonymous; keep one way to sign in'],
    ['a role beside a profile', { profile: 'x', iam_role: ARN }, 'iam_role has no place beside profile; keep one way to sign in'],
    [
      'an instance’s role elsewhere',
      { endpoint: 'https://minio.local:9000', iam_role: 'machine' },
      'iam_role works on AWS only, and endpoint is "minio.local"; use access_key and secret_key there',
    ],
    [
      'a role’s ARN elsewhere',
      { endpoint: 's3.amazonaws.com.evil.example', ...KEYS, iam_role: ARN },
      'iam_role works on AWS only, and endpoint is "s3.amazonaws.com.evil.example"; use access_key and secret_key there',
    ],
    ['a duration that is none', { ...KEYS, ...AWS, iam_role: ARN, duration_seconds: 'an hour' }, 'duration_seconds: expected a whole number from 900 to 43200'],
    [
      'a duration out of bounds',
      { ...KEYS, ...AWS, iam_role: ARN, duration_seconds: '899' },
      'duration_seconds: expected a whole number from 900 to 43200, got 899',
    ],
    ['keys with a line break', { access_key: 'A', secret_key: `${KEYS.secret_key}\n` }, 'secret_key begins or ends with white space; copy it again without'],
  ];
  it.each(refused)('refuses %s, naming the entry', async (_, entry, message) => {
    const failure = await failureOf(async () => credentialSourceFrom(entry, { where: 'my-cars' }), SECRETS);
    expect(failure.code).toBe('Config');
    expect(failure.message).toBe(`my-cars: ${message}`);
  });
});

describe('the main storage', () => {
  const main = (env: Record<string, string>): Readonly<Record<string, unknown>> =>
    readEnvironment({ STORAGE_PROVIDER: 'minio', ...env }, { folder: '/' }).main?.settings ?? {};

  it('signs in by its variables', async () => {
    const keys = main({ STORAGE_ENDPOINT: 's3.amazonaws.com', STORAGE_PORT: '443', STORAGE_ACCESS_KEY: 'A', STORAGE_SECRET_KEY: 'B', STORAGE_IAM_ROLE: '' });
    expect(await credentialSourceFrom(keys)()).toEqual({ accessKeyId: 'A', secretAccessKey: 'B' });
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine' }));
    const role = main({ STORAGE_ENDPOINT: 's3.amazonaws.com', STORAGE_IAM_ROLE: 'machine' });
    expect(await credentialSourceFrom(role, { endpoints: { metadata: metadata.endpoint } })()).toEqual(ROLE_CREDENTIALS);
  });
});

describe('an entry of remote_links.yml', () => {
  it('reaches its source through the configuration as it is written', async () => {
    await using sts = await loopbackService(tokenService({ caller: { accessKeyId: KEYS.access_key, secretAccessKey: KEYS.secret_key }, region: 'us-east-1' }));
    const { entries, errors } = parseRemoteLinks(
      `a:\n  provider: minio\n  endpoint: http://127.0.0.1:9000\n  access_key: ${KEYS.access_key}\n  secret_key: ${KEYS.secret_key}\n  iam_role: ${ARN}\n  duration_seconds: 900\n  sts_endpoint: ${sts.endpoint}\n  buckets: [b]\nb:\n  provider: minio\n  endpoint: 127.0.0.1:9000\n  sign_in: anonymous\n  buckets: [c]\n`,
      { env: {}, folder: '/' },
    );
    expect(errors).toEqual([]);
    const [assumed, open] = entries.map(({ settings }) => credentialSourceFrom(settings));
    expect(await assumed?.()).toEqual(ROLE_CREDENTIALS);
    expect(new URLSearchParams(sts.asked[0]?.body).get('DurationSeconds')).toBe('900');
    expect(isAnonymous(await (open ?? assumed ?? expect.fail('no entries'))())).toBe(true);
  });
});
