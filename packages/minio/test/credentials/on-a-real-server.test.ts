import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openBucket } from '@stowage/core';
import { MINIO, type S3Server, serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assumeRole } from '../../src/credentials/assume-role.ts';
import { containerRole } from '../../src/credentials/container-role.ts';
import type { CredentialSource } from '../../src/credentials/credentials.ts';
import { instanceRole } from '../../src/credentials/instance-role.ts';
import { rolesAnywhere } from '../../src/credentials/roles-anywhere.ts';
import { sharedProfile } from '../../src/credentials/shared-profile.ts';
import { staticKeys } from '../../src/credentials/static-keys.ts';
import { webIdentity } from '../../src/credentials/web-identity.ts';
import { minioDriver } from '../../src/minio-driver.ts';
import { failureOf } from './services/canaries.ts';
import { instanceMetadata } from './services/instance-metadata.ts';
import { loopbackService } from './services/loopback-service.ts';
import { issue, temporaryFolder } from './services/openssl.ts';
import { tokenService } from './services/security-token-service.ts';
import { rolesAnywhereVerifier } from './services/roles-anywhere-verifier.ts';

/** Credentials that each way obtains are used on a server that gave them out and refuses all others. */
const { server, missing } = await serverOrReason(() => startMinio());
const BUCKET = 'sign-in';

interface Temporary {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Temporary credentials of the server's own making. */
async function temporary({ endpoint, region, accessKeyId, secretAccessKey }: S3Server): Promise<Temporary> {
  const client = new STSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const { Credentials: given } = await client.send(new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::111122223333:role/r', RoleSessionName: 'test' }));
  client.destroy();
  if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined || given.SessionToken === undefined || given.Expiration === undefined)
    throw new Error('no credentials');
  return { accessKeyId: given.AccessKeyId, secretAccessKey: given.SecretAccessKey, sessionToken: given.SessionToken, expiration: given.Expiration };
}

/** Whether an object can be written, found and read back through both transports, by the credentials alone. */
async function works({ endpoint, region }: S3Server, source: CredentialSource): Promise<boolean> {
  for (const transport of ['lean', 'sdk'] as const) {
    await using bucket = openBucket(minioDriver({ endpoint, region, store: 'minio', transport, credentials: source }, BUCKET));
    const key = `${transport} ${Math.random()}`;
    await bucket.put(key, 'hello', { if: 'absent' });
    const found = await Array.fromAsync(bucket.list({ prefix: key }));
    if (found.length !== 1 || (await (await bucket.get(key)).text()) !== 'hello') return false;
  }
  return true;
}

describe.skipIf(server === undefined)(`sign-in on MinIO ${MINIO.version}${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const on = (): S3Server => {
    if (server === undefined) throw new Error('no server');
    return server;
  };

  beforeAll(async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = on();
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    client.destroy();
  });

  afterAll(async () => {
    await server?.stop();
  });

  it('refuses what it did not give', async () => {
    const real = await temporary(on());
    await expect(works(on(), staticKeys({ ...real, secretAccessKey: 'x'.repeat(40) }))).rejects.toThrow(/signature/);
    await expect(works(on(), staticKeys({ accessKeyId: real.accessKeyId, secretAccessKey: real.secretAccessKey }))).rejects.toThrow(/Access Key|token/i);
  });

  it('takes keys and session tokens', async () => {
    expect(await works(on(), staticKeys({ accessKeyId: on().accessKeyId, secretAccessKey: on().secretAccessKey }))).toBe(true);
    expect(await works(on(), staticKeys(await temporary(on())))).toBe(true);
  });

  it('takes the credentials of AssumeRole, asked of the server itself', async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = on();
    const role = { roleArn: 'arn:aws:iam::111122223333:role/r', region, endpoint };
    expect(await works(on(), assumeRole({ ...role, from: staticKeys({ accessKeyId, secretAccessKey }) }))).toBe(true);
    const wrong = assumeRole({ ...role, from: staticKeys({ accessKeyId, secretAccessKey: 'wrong-canary-0060' }) });
    // MinIO says no more than that here, where AWS would say that the signature is wrong.
    expect(await failureOf(wrong, ['wrong-canary-0060'])).toMatchObject({ code: 'AccessDenied', status: 403 });
  });

  it('takes the credentials of a profile that assumes a role', async () => {
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    await mkdir(at('aws'));
    await writeFile(at('aws/credentials'), `[base]\naws_access_key_id = ${on().accessKeyId}\naws_secret_access_key = ${on().secretAccessKey}\n`);
    await writeFile(at('aws/config'), `[profile role]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\nregion = ${on().region}\n`);
    expect(
      await works(on(), sharedProfile({ profile: 'role', credentialsFile: at('aws/credentials'), configFile: at('aws/config'), stsEndpoint: on().endpoint })),
    ).toBe(true);
  });

  it('takes the credentials of an instance and of a container', async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token, expiration: Expiration } = await temporary(on());
    const document = { Code: 'Success', AccessKeyId, SecretAccessKey, Token, Expiration };
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine', document }));
    expect(await works(on(), instanceRole({ role: 'machine', endpoint: metadata.endpoint }))).toBe(true);
    await using container = await loopbackService(({ headers }) => (headers.authorization === 'token' ? { body: JSON.stringify(document) } : { status: 403 }));
    expect(await works(on(), containerRole({ fullUri: container.endpoint, authorizationToken: 'token' }))).toBe(true);
  });

  it('takes the credentials of a web identity', async () => {
    using folder = temporaryFolder();
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, 'the-token');
    const { region } = on();
    await using sts = await loopbackService(tokenService({ region, webIdentityToken: () => 'the-token', give: await temporary(on()) }));
    expect(await works(on(), webIdentity({ roleArn: 'arn:aws:iam::111122223333:role/r', region, tokenFile, endpoint: sts.endpoint }))).toBe(true);
  });

  it.each([
    ['rsa', false],
    ['rsa', true],
    ['ec', false],
    ['ec', true],
  ] as const)('takes the credentials of IAM Roles Anywhere: %s, with a chain: %s', async (key, chained) => {
    const root = issue({ name: 'root', ca: true });
    const middle = issue({ name: 'middle', ca: true, key: 'rsa', issuer: root });
    const client = issue({ name: 'client', key, issuer: chained ? middle : root });
    const region = 'eu-central-1';
    const arns = {
      profileArn: `arn:aws:rolesanywhere:${region}:111122223333:profile/p`,
      roleArn: 'arn:aws:iam::111122223333:role/r',
      trustAnchorArn: `arn:aws:rolesanywhere:${region}:111122223333:trust-anchor/t`,
    };
    await using service = await rolesAnywhereVerifier({ trustAnchor: root.certificate, region, arns, give: () => temporary(on()) });
    const source = rolesAnywhere({
      certificate: client.certificate + (chained ? middle.certificate : ''),
      privateKey: client.privateKey,
      ...arns,
      endpoint: service.endpoint,
    });
    expect(await works(on(), source)).toBe(true);
    expect(service.verdicts.length).toBeGreaterThan(0);
    expect(service.verdicts.every((verdict) => verdict === '')).toBe(true);
  });
});
