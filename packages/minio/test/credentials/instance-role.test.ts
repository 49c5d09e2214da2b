import { describe, expect, it } from 'vitest';
import { instanceRole } from '../../src/credentials/instance-role.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { type InstanceMetadata, instanceMetadata, ROLE_CREDENTIALS, roleDocument } from './services/instance-metadata.ts';
import { loopbackService, nothingListening } from './services/loopback-service.ts';

const ROLE = 'stowage-role';

describe('instanceRole', () => {
  it('asks over version 2 alone and gives the configured role', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: ROLE }));
    expect(await instanceRole({ role: ROLE, endpoint: metadata.endpoint })()).toEqual(ROLE_CREDENTIALS);
    expect(metadata.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      `GET /latest/meta-data/iam/security-credentials/${ROLE}`,
    ]);
    expect(metadata.asked.slice(1).every(({ headers }) => headers['x-aws-ec2-metadata-token'] === CANARY.metadataToken)).toBe(true);
  });

  it('takes whichever role the instance has where none is named', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: ROLE }));
    expect(await instanceRole({ endpoint: metadata.endpoint })()).toEqual(ROLE_CREDENTIALS);
  });

  it.each(['stowage-role2', 'stowage-rol', 'Stowage-role'])('refuses another role than the configured one, without asking for its keys: %s', async (role) => {
    await using metadata = await loopbackService(instanceMetadata({ role: ROLE }));
    const failure = await failureOf(instanceRole({ role, endpoint: metadata.endpoint }));
    expect(failure).toMatchObject({
      code: 'Config',
      message: `iam_role: this instance has the role "${ROLE}", not "${role}"; correct iam_role, or attach the other role to the instance`,
    });
    expect(metadata.asked).toHaveLength(2);
  });

  const failures: [string, InstanceMetadata, string, RegExp][] = [
    ['no role attached', {}, 'Config', /no role is attached/],
    ['metadata switched off', { role: ROLE, tokenStatus: 403 }, 'AccessDenied', /switched off/],
    ['version 1 alone (404)', { role: ROLE, tokenStatus: 404 }, 'Config', /version 1 is never used/],
    ['version 1 alone (405)', { role: ROLE, tokenStatus: 405 }, 'Config', /version 1 is never used/],
    [
      'a role that EC2 may not assume',
      { role: ROLE, document: { Code: 'AssumeRoleUnauthorizedAccess', Message: CANARY.secretAccessKey } },
      'Unauthenticated',
      /trust policy must let ec2/,
    ],
    ['a document without a secret', { role: ROLE, document: roleDocument({ SecretAccessKey: '' }) }, 'Unavailable', /secret key/],
  ];
  it.each(failures)('fails and never asks without a token: %s', async (_, behaviour, code, words) => {
    await using metadata = await loopbackService(instanceMetadata(behaviour));
    expect(await failureOf(instanceRole({ role: ROLE, endpoint: metadata.endpoint }))).toMatchObject({ code, message: expect.stringMatching(words) });
    expect(metadata.asked.filter(({ method, headers }) => method === 'GET' && headers['x-aws-ec2-metadata-token'] === undefined)).toEqual([]);
  });

  it('tries again when the metadata fail for a moment', async () => {
    const answer = instanceMetadata({ role: ROLE });
    let calls = 0;
    await using metadata = await loopbackService((asked) => (++calls === 1 ? { status: 500 } : calls === 3 ? { reset: true } : answer(asked)));
    expect(await instanceRole({ role: ROLE, endpoint: metadata.endpoint })()).toEqual(ROLE_CREDENTIALS);
  });

  it('says what to do where there is no instance', async () => {
    const failure = await failureOf(instanceRole({ role: ROLE, endpoint: await nothingListening() }));
    expect(failure).toMatchObject({ code: 'Unavailable', attempts: 3, message: expect.stringMatching(/nothing listens at .*iam_role needs an EC2 instance/) });
  });

  it('names the hop limit where nobody answers', async () => {
    await using metadata = await loopbackService(() => ({ hang: true }));
    const failure = await failureOf(instanceRole({ role: ROLE, endpoint: metadata.endpoint }));
    expect(failure).toMatchObject({ code: 'Timeout', message: expect.stringMatching(/hop limit to 2/) });
  });

  it('follows no redirect', async () => {
    await using elsewhere = await loopbackService(instanceMetadata({ role: ROLE }));
    await using metadata = await loopbackService(({ path }) => ({ status: 307, headers: { location: elsewhere.endpoint + path } }));
    await failureOf(instanceRole({ role: ROLE, endpoint: metadata.endpoint }));
    expect(elsewhere.asked).toEqual([]);
  });

  it('refuses a role that is no name, and an endpoint that is no origin', () => {
    expect(() => instanceRole({ role: '../../user-data' })).toThrow(/bare name/);
    expect(() => instanceRole({ role: 'arn:aws:iam::111122223333:instance-profile/x' })).toThrow(/bare name/);
    for (const endpoint of ['169.254.169.254', 'file:///etc', 'http://a:b@127.0.0.1', 'http://127.0.0.1/x'])
      expect(() => instanceRole({ endpoint }), endpoint).toThrow(/origin/);
  });
});
