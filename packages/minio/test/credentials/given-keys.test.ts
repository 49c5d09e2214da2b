import { describe, expect, it } from 'vitest';
import { anonymous, isAnonymous } from '../../src/credentials/anonymous.ts';
import { environmentKeys } from '../../src/credentials/environment-keys.ts';
import { staticKeys } from '../../src/credentials/static-keys.ts';
import { failureOf } from './services/canaries.ts';

const KEYS = { accessKeyId: 'AKIAGIVEN', secretAccessKey: 'given-secret-canary-0030' };

describe('staticKeys', () => {
  it('gives what it was given', async () => {
    expect(await staticKeys(KEYS)()).toEqual(KEYS);
    expect(await staticKeys({ ...KEYS, sessionToken: 't/+=' })()).toEqual({ ...KEYS, sessionToken: 't/+=' });
  });

  it('names the field of a key that cannot be one, and never shows it', async () => {
    for (const [bad, words] of [
      ['', 'is empty'],
      [' canary-0031', 'white space'],
      ['canary-0031\n', 'white space'],
      ['canary 0031', 'a character that no key has'],
      ['canary-0031ä', 'a character that no key has'],
    ] as const) {
      for (const field of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
        const failure = await failureOf(async () => staticKeys({ ...KEYS, [field]: bad }), ['canary-0031', 'canary 0031']);
        expect(failure).toMatchObject({ code: 'Config', message: expect.stringContaining(words) });
        expect(failure.message).toMatch(new RegExp(`^${field} `));
      }
    }
  });

  it('says when temporary keys expired', async () => {
    const source = staticKeys({ ...KEYS, expiration: new Date('2020-01-01T00:00:00Z') });
    expect(await failureOf(source, [KEYS.secretAccessKey])).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringContaining('expired at 2020-01-01T00:00:00.000Z'),
    });
  });

  it('rejects with the reason of an ended signal', async () => {
    await expect(staticKeys(KEYS)({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('environmentKeys', () => {
  it('reads the variables at each call', async () => {
    const env: Record<string, string> = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', AWS_SESSION_TOKEN: '' };
    const source = environmentKeys(env);
    expect(await source()).toEqual({ accessKeyId: 'A', secretAccessKey: 'B' });
    Object.assign(env, { AWS_SESSION_TOKEN: 'C', AWS_CREDENTIAL_EXPIRATION: '2099-01-01T00:00:00Z' });
    expect(await source()).toEqual({ accessKeyId: 'A', secretAccessKey: 'B', sessionToken: 'C', expiration: new Date('2099-01-01T00:00:00Z') });
  });

  it('says what is not set', async () => {
    expect((await failureOf(environmentKeys({}))).message).toBe('sign-in by environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set');
    expect((await failureOf(environmentKeys({ AWS_ACCESS_KEY_ID: 'A' }))).message).toBe('sign-in by environment: AWS_SECRET_ACCESS_KEY is not set');
    expect((await failureOf(environmentKeys({ AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', AWS_CREDENTIAL_EXPIRATION: 'soon' }))).message).toMatch(
      /is no date/,
    );
  });
});

describe('anonymous', () => {
  it('is known by itself alone', async () => {
    expect(isAnonymous(await anonymous()())).toBe(true);
    expect(isAnonymous({ accessKeyId: '', secretAccessKey: '' })).toBe(false);
  });
});
