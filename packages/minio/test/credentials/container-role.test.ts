import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { containerRole, containerRoleFromEnvironment } from '../../src/credentials/container-role.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { ROLE_CREDENTIALS, roleDocument } from './services/instance-metadata.ts';
import { loopbackService } from './services/loopback-service.ts';
import { temporaryFolder } from './services/openssl.ts';

/** An endpoint that gives credentials to whoever brings the token. */
function endpoint(token: () => string): Parameters<typeof loopbackService>[0] {
  return ({ headers, path }) =>
    headers.authorization === token() && path === '/v2/credentials/1'
      ? { body: JSON.stringify(roleDocument()) }
      : { status: 401, body: `bad token ${headers.authorization}` };
}

describe('containerRole', () => {
  it('asks the endpoint with the token of the variable', async () => {
    await using service = await loopbackService(endpoint(() => CANARY.authorization));
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${service.endpoint}/v2/credentials/1`, AWS_CONTAINER_AUTHORIZATION_TOKEN: CANARY.authorization };
    expect(await containerRoleFromEnvironment(env)()).toEqual(ROLE_CREDENTIALS);
  });

  it('reads the token’s file anew at each call', async () => {
    using folder = temporaryFolder();
    let token = 'first-token-of-the-file';
    await using service = await loopbackService(endpoint(() => token));
    const file = join(folder.path, 'token');
    const source = containerRoleFromEnvironment({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${service.endpoint}/v2/credentials/1`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'not this one',
    });
    await writeFile(file, `${token}\n`);
    expect(await source()).toEqual(ROLE_CREDENTIALS);
    token = CANARY.authorization;
    expect(await failureOf(source)).toMatchObject({ code: 'Unauthenticated', status: 401, message: expect.stringMatching(/token was refused/) });
    await writeFile(file, token);
    expect(await source()).toEqual(ROLE_CREDENTIALS);
    await writeFile(file, `${token}\r\nx-evil: 1`);
    expect(await failureOf(source)).toMatchObject({ code: 'Config', message: expect.stringMatching(/more than one line/) });
    await rm(file);
    expect(await failureOf(source)).toMatchObject({ code: 'Config', message: expect.stringMatching(/there is no file/) });
  });

  it('sends no authorization where there is none', async () => {
    await using service = await loopbackService(() => ({ body: JSON.stringify(roleDocument()) }));
    await containerRole({ fullUri: service.endpoint })();
    expect(service.asked[0]?.headers.authorization).toBeUndefined();
  });

  const allowed = [
    'https://credentials.example.com/x',
    'http://127.0.0.1:1/',
    'http://127.255.0.1',
    'http://localhost/x',
    'http://[::1]:80/',
    'http://169.254.170.2/x',
    'http://169.254.170.23/v1',
    'http://[fd00:ec2::23]/v1',
  ];
  it.each(allowed)('allows %s', (fullUri) => {
    expect(() => containerRole({ fullUri })).not.toThrow();
  });

  const refused = [
    'http://example.com/',
    'http://169.254.169.254/latest',
    'http://169.254.170.3',
    'http://10.0.0.1/',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://notlocalhost/',
    'http://[::ffff:127.0.0.1]/',
    'http://[fd00:ec2::24]/',
    'ftp://127.0.0.1/',
    'http://user:pass@127.0.0.1/',
    '/v2/credentials',
    '',
  ];
  it.each(refused)('refuses %j', (fullUri) => {
    expect(() => containerRole({ fullUri })).toThrow(/AWS_CONTAINER_CREDENTIALS_FULL_URI/);
  });

  it('keeps a relative URI on the host of ECS', () => {
    for (const relativeUri of ['', '@evil.example', 'http://evil.example/', '.evil.example', '/with space'])
      expect(() => containerRole({ relativeUri })).toThrow(/begins with \//);
    for (const relativeUri of ['/v2/credentials/1', '//evil.example/x', '/@evil.example']) expect(() => containerRole({ relativeUri })).not.toThrow();
    expect(() => containerRole({ relativeUri: '/x', fullUri: 'http://127.0.0.1' })).toThrow(/both set/);
    expect(() => containerRoleFromEnvironment({})).toThrow(/neither/);
  });

  it('tells failures in plain words', async () => {
    await using broken = await loopbackService(() => ({ body: `{"AccessKeyId":"${CANARY.secretAccessKey}` }));
    expect(await failureOf(containerRole({ fullUri: broken.endpoint }))).toMatchObject({
      code: 'Unavailable',
      retryable: false,
      message: expect.stringMatching(/not JSON/),
    });
    await using large = await loopbackService(() => ({ body: 'x'.repeat(300_000) }));
    expect(await failureOf(containerRole({ fullUri: large.endpoint }))).toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/no such service/),
    });
    await using busy = await loopbackService(() => ({ status: 429, headers: { 'retry-after': '0' } }));
    expect(await failureOf(containerRole({ fullUri: busy.endpoint }))).toMatchObject({ code: 'RateLimited', attempts: 3 });
  });
});
