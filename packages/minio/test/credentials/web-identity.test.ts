import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { webIdentity } from '../../src/credentials/web-identity.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { ROLE_CREDENTIALS } from './services/instance-metadata.ts';
import { loopbackService } from './services/loopback-service.ts';
import { temporaryFolder } from './services/openssl.ts';
import { stsFailure, tokenService } from './services/security-token-service.ts';

const ROLE = { roleArn: 'arn:aws:iam::111122223333:role/pod', region: 'eu-central-1' };

describe('webIdentity', () => {
  it('brings the token unsigned, and reads its file anew when it was replaced', async () => {
    using folder = temporaryFolder();
    const tokenFile = join(folder.path, 'token');
    let token = 'eyJhbGciOiJSUzI1NiJ9.first';
    await using sts = await loopbackService(tokenService({ region: ROLE.region, webIdentityToken: () => token }));
    const source = webIdentity({ ...ROLE, endpoint: sts.endpoint, tokenFile, sessionName: 'pod-1' });
    await writeFile(tokenFile, `${token}\n`);
    expect(await source()).toEqual(ROLE_CREDENTIALS);
    token = CANARY.token;
    await writeFile(tokenFile, token);
    expect(await source()).toEqual(ROLE_CREDENTIALS);
    expect(new URLSearchParams(sts.asked[1]?.body).get('RoleSessionName')).toBe('pod-1');
    await writeFile(tokenFile, 'eyJhbGciOiJSUzI1NiJ9.wrong-canary');
    expect(await failureOf(source, ['eyJhbGciOiJSUzI1NiJ9.wrong-canary'])).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringMatching(/InvalidIdentityToken/),
    });
  });

  it('tells a role that does not trust the token', async () => {
    using folder = temporaryFolder();
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, CANARY.token);
    await using sts = await loopbackService(() => stsFailure(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity'));
    expect(await failureOf(webIdentity({ ...ROLE, endpoint: sts.endpoint, tokenFile }))).toMatchObject({
      code: 'AccessDenied',
      message: expect.stringMatching(/token's provider/),
    });
  });

  it('refuses files that are no token, without a request and without waiting', async () => {
    using folder = temporaryFolder();
    await using sts = await loopbackService(() => ({}));
    const at = (name: string): string => join(folder.path, name);
    execFileSync('mkfifo', [at('fifo')]);
    await writeFile(at('empty'), ' \n');
    await writeFile(at('lines'), 'one\ntwo');
    await writeFile(at('large'), 'x'.repeat(2 * 1024 * 1024));
    const expected: [string, RegExp][] = [
      [at('none'), /there is no file/],
      [at('fifo'), /no regular file/],
      [at(''), /no regular file/],
      [at('empty'), /is empty/],
      [at('lines'), /more than one line/],
      [at('large'), /no such file/],
    ];
    for (const [tokenFile, words] of expected) {
      expect(await failureOf(webIdentity({ ...ROLE, endpoint: sts.endpoint, tokenFile }))).toMatchObject({
        code: 'Config',
        message: expect.stringMatching(words),
      });
    }
    expect(sts.asked).toEqual([]);
  });
});
