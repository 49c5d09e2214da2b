import { describe, expect, it, vi } from 'vitest';
import { assumeRole, type AssumeRoleOptions } from '../../src/credentials/assume-role.ts';
import { instanceRole } from '../../src/credentials/instance-role.ts';
import { staticKeys } from '../../src/credentials/static-keys.ts';
import { CANARY, failureOf } from './services/canaries.ts';
import { instanceMetadata, ROLE_CREDENTIALS } from './services/instance-metadata.ts';
import { loopbackService, nothingListening } from './services/loopback-service.ts';
import { stsFailure, tokenService } from './services/security-token-service.ts';

const REGION = 'eu-central-1';
const CALLER = { accessKeyId: 'AKIACALLER0000000001', secretAccessKey: 'caller-secret-canary-0010', sessionToken: 'caller/session+canary=0011' };
const SECRETS = [...Object.values(CANARY).slice(1), CALLER.secretAccessKey, CALLER.sessionToken, 'external-canary-0012'];

function options(endpoint: string, more: Partial<AssumeRoleOptions> = {}): AssumeRoleOptions {
  return { roleArn: 'arn:aws:iam::111122223333:role/reader', from: staticKeys(CALLER), region: REGION, endpoint, externalId: 'external-canary-0012', ...more };
}

describe('assumeRole', () => {
  it('assumes the role with a signature that the service can verify', async () => {
    await using sts = await loopbackService(tokenService({ caller: CALLER, region: REGION }));
    expect(await assumeRole(options(sts.endpoint))()).toEqual(ROLE_CREDENTIALS);
    expect(Object.fromEntries(new URLSearchParams(sts.asked[0]?.body))).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: 'arn:aws:iam::111122223333:role/reader',
      RoleSessionName: 'stowage',
      DurationSeconds: '3600',
      ExternalId: 'external-canary-0012',
    });
  });

  it('takes nothing from the process’s own environment', async () => {
    await using sts = await loopbackService(tokenService({ caller: CALLER, region: REGION }));
    const elsewhere = await nothingListening();
    const others = {
      AWS_ENDPOINT_URL_STS: elsewhere,
      AWS_ENDPOINT_URL: elsewhere,
      AWS_REGION: 'us-west-2',
      AWS_ACCESS_KEY_ID: 'X',
      AWS_SECRET_ACCESS_KEY: 'Y',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_PROFILE: 'none',
      AWS_MAX_ATTEMPTS: '99',
      AWS_RETRY_MODE: 'odd',
    };
    for (const [name, value] of Object.entries(others)) vi.stubEnv(name, value);
    try {
      expect(await assumeRole(options(sts.endpoint))()).toEqual(ROLE_CREDENTIALS);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('stands on the instance’s role as well', async () => {
    await using metadata = await loopbackService(instanceMetadata({ role: 'machine' }));
    await using sts = await loopbackService(tokenService({ caller: { ...CANARY }, region: REGION }));
    expect(await assumeRole(options(sts.endpoint, { from: instanceRole({ endpoint: metadata.endpoint }) }))()).toEqual(ROLE_CREDENTIALS);
  });

  it('fails as its caller fails, and asks nobody', async () => {
    await using sts = await loopbackService(tokenService({ caller: CALLER, region: REGION }));
    const failure = await failureOf(assumeRole(options(sts.endpoint, { from: instanceRole({ endpoint: await nothingListening() }) })));
    expect(failure.message).toMatch(/instance metadata/);
    expect(sts.asked).toEqual([]);
  });

  it.each([
    ['a wrong secret', { ...CALLER, secretAccessKey: 'another-canary-secret-0013' }, /SignatureDoesNotMatch/],
    ['an unknown key', { ...CALLER, accessKeyId: 'AKIAUNKNOWN' }, /InvalidClientTokenId/],
    ['a missing token', { accessKeyId: CALLER.accessKeyId, secretAccessKey: CALLER.secretAccessKey }, /InvalidClientTokenId/],
  ])('tells %s in plain words, though the service repeats the whole request', async (_, keys, words) => {
    await using sts = await loopbackService(tokenService({ caller: CALLER, region: REGION }));
    const failure = await failureOf(assumeRole(options(sts.endpoint, { from: staticKeys(keys) })), [...SECRETS, 'another-canary-secret-0013']);
    expect(failure).toMatchObject({ code: 'Unauthenticated', status: 403, requestId: 'req-1', message: expect.stringMatching(words) });
  });

  it.each([
    [403, 'AccessDenied', 'User is not authorized to perform sts:AssumeRole', 'AccessDenied', /trust policy must name the caller/],
    [403, 'ExpiredToken', 'The security token included in the request is expired', 'Unauthenticated', /expired/],
    [400, 'ValidationError', 'DurationSeconds exceeds the MaxSessionDuration set for this role', 'Config', /MaxSessionDuration/],
    [403, 'SignatureDoesNotMatch', 'Signature expired: 20260101T000000Z is now earlier than …', 'Unauthenticated', /clock of this machine is wrong/],
    [403, 'RegionDisabledException', 'STS is not activated in this region', 'Config', /not activated/],
    [500, 'InternalFailure', 'oops', 'Unavailable', /oops/],
    [400, 'Throttling', 'Rate exceeded', 'RateLimited', /Rate exceeded/],
  ])('tells %i %s as what it is', async (status, code, message, expected, words) => {
    await using sts = await loopbackService(() => stsFailure(status, code, message));
    expect(await failureOf(assumeRole(options(sts.endpoint)), SECRETS)).toMatchObject({ code: expected, status, message: expect.stringMatching(words) });
  });

  it('tells a service that is none, and one that is not there', async () => {
    await using page = await loopbackService(() => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<html>hello</html>' }));
    expect(await failureOf(assumeRole(options(page.endpoint)), SECRETS)).toMatchObject({ code: 'Config', message: expect.stringMatching(/sts_endpoint/) });
    await using empty = await loopbackService(() => ({
      headers: { 'content-type': 'text/xml' },
      body: '<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>',
    }));
    expect(await failureOf(assumeRole(options(empty.endpoint)), SECRETS)).toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/without a usable access key/),
    });
    expect(await failureOf(assumeRole(options(await nothingListening())), SECRETS)).toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/cannot be reached \(ECONNREFUSED\)/),
    });
  });

  it('ends with the caller’s own reason', async () => {
    await using sts = await loopbackService(() => ({ hang: true }));
    const abort = new AbortController();
    const call = assumeRole(options(sts.endpoint))({ signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 100);
    await expect(call).rejects.toThrow('enough');
  });

  it('refuses what can never work before any request', () => {
    const at = 'http://127.0.0.1:1';
    for (const roleArn of ['reader', 'arn:aws:iam::111122223333:user/reader', 'arn:aws:iam::111122223333:role/', 'arn:aws:s3:::bucket'])
      expect(() => assumeRole(options(at, { roleArn })), roleArn).toThrow(/^iam_role: expected/);
    // Ceph has no account numbers; AWS always has.
    expect(() => assumeRole(options(at, { roleArn: 'arn:aws:iam:::role/reader' }))).not.toThrow();
    const { endpoint: _, ...own } = options(at, { roleArn: 'arn:aws:iam:::role/reader' });
    expect(() => assumeRole(own)).toThrow(/^iam_role: expected/);
    expect(() => assumeRole(options(at, { sessionName: 'a b' }))).toThrow(/role_session_name/);
    expect(() => assumeRole(options(at, { durationSeconds: 60 }))).toThrow(/duration_seconds/);
    expect(() => assumeRole(options(at, { region: 'evil.example/' }))).toThrow(/^region/);
    expect(() => assumeRole(options('sts.amazonaws.com'))).toThrow(/sts_endpoint/);
  });
});
