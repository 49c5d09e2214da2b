import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { isStorageError, openBucket, type StorageError } from '@stowage/core';
import { faultServer, serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { googleDriver } from '../src/google-driver.ts';
import { google } from '../src/google-provider.ts';
import { anonymous } from '../src/sign-in/anonymous.ts';
import { applicationDefault, metadataServer } from '../src/sign-in/ambient.ts';
import { serviceAccount, serviceAccountFile } from '../src/sign-in/service-account.ts';
import type { SignIn } from '../src/sign-in/sign-in.ts';
import { jsonError } from './json-error.ts';
import { keyOf, makeBucket, signedIn, wrongKey } from './strict-server.ts';

const { server, missing } = await serverOrReason(() => startStrictGcs());

if (server === undefined) test('signing in', ({ skip }) => skip(missing));
else {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stowage-sign-in-'));
    await makeBucket(server.endpoint, 'sign-in');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await server.stop();
  }, 60_000);
  afterEach(() => vi.unstubAllEnvs());

  const tokenEndpoint = `${server.endpoint}/token`;
  const file = async (name: string, content: unknown): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const works = async (signIn: SignIn): Promise<void> => {
    await using bucket = openBucket(googleDriver({ endpoint: server.endpoint, credentials: signIn }, 'sign-in'));
    await bucket.put('a', 'content');
    expect(await (await bucket.get('a')).text()).toBe('content');
  };
  const failure = async (signIn: SignIn): Promise<StorageError> => {
    await using bucket = openBucket(googleDriver({ endpoint: server.endpoint, credentials: signIn }, 'sign-in'));
    const error: unknown = await bucket.head('a').catch((e: unknown) => e);
    if (!isStorageError(error)) throw new Error(`expected a StorageError, got ${inspect(error)}`);
    return error;
  };

  describe('a service account', () => {
    it('signs in from its file, and from its fields', async () => {
      await works(serviceAccountFile(await file('good.json', server.owner.credentials), { tokenEndpoint }));
      await works(signedIn(server, server.owner));
    });

    it('whose private key has its line breaks written as \\n signs in', async () => {
      const key = keyOf(server.owner);
      await works(serviceAccount({ ...key, private_key: key.private_key.replaceAll('\n', '\\n') }, { tokenEndpoint }));
    });

    it('asks for one token for many callers, and keeps it', async () => {
      await using counted = await faultServer(() => false, server.endpoint);
      const signIn = serviceAccount(keyOf(server.owner), { tokenEndpoint: `${counted.endpoint}/token` });
      const tokens = await Promise.all(Array.from({ length: 20 }, () => signIn.token({})));
      expect(new Set([...tokens, await signIn.token({}), signIn.held()]).size).toBe(1);
      expect(counted.seen).toEqual(['POST /token']);
    });

    it('whose token was revoked asks for another one at the next call', async () => {
      let revoked = '';
      await using proxy = await faultServer(
        (incoming, answer) =>
          revoked !== '' && incoming.headers.authorization === `Bearer ${revoked}` && jsonError(answer, 401, 'authError', {}, 'Invalid Credentials'),
        server.endpoint,
      );
      const signIn = signedIn(server, server.owner);
      await using bucket = openBucket(googleDriver({ endpoint: proxy.endpoint, credentials: signIn }, 'sign-in'));
      await bucket.put('before', 'x');
      revoked = (await signIn.token({})) ?? '';
      await expect(bucket.head('before')).rejects.toMatchObject({ code: 'Unauthenticated' });
      expect((await bucket.head('before')).size).toBe(1);
    });

    it('with a key that was replaced is told so', async () => {
      const error = await failure(wrongKey(server));
      expect(error.code).toBe('Unauthenticated');
      expect(error.message).toContain('does not know the key of');
    });

    it('that is not known is told so', async () => {
      const error = await failure(serviceAccount({ ...keyOf(server.owner), client_email: 'gone@stowage-test.iam.gserviceaccount.com' }, { tokenEndpoint }));
      expect(error.code).toBe('Unauthenticated');
      expect(error.message).toContain('does not know the service account gone@');
    });

    it('refuses files of other types and with missing fields, by name and without a request', async () => {
      const good = keyOf(server.owner) as unknown as Record<string, unknown>;
      const canary = 'canary-Zq7x4-secret';
      const bad: Readonly<Record<string, readonly [unknown, RegExp]>> = {
        'user.json': [
          { type: 'authorized_user', client_id: 'x', client_secret: canary, refresh_token: canary },
          /expected the type service_account, got authorized_user/,
        ],
        'external.json': [
          { type: 'external_account', token_url: 'http://127.0.0.1:1/', credential_source: { url: 'http://127.0.0.1:1/' } },
          /got external_account/,
        ],
        'strange.json': [{ type: canary }, /got another/],
        'client.json': [{ installed: { client_secret: canary } }, /OAuth client/],
        'no-type.json': [{ ...good, type: undefined }, /the field type is missing/],
        'no-email.json': [{ ...good, client_email: undefined }, /the field client_email is missing/],
        'no-key.json': [{ ...good, private_key: undefined }, /the field private_key is missing/],
        'damaged-key.json': [{ ...good, private_key: `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----\n` }, /private_key holds no RSA key/],
        'other-token.json': [{ ...good, token_uri: 'http://127.0.0.1:1/token' }, /token_uri names another place/],
        'other-universe.json': [{ ...good, universe_domain: 'example.com' }, /universe_domain/],
        'list.json': [[1], /expected a mapping/],
        'text.json': [canary, /is no JSON/],
        'empty.json': ['', /is no JSON/],
      };
      for (const [name, [content, words]] of Object.entries(bad)) {
        const error = await failure(serviceAccountFile(await file(name, content), { tokenEndpoint: 'http://127.0.0.1:1/token' }));
        expect(error.code, name).toBe('Config');
        expect(error.message, name).toMatch(words);
        expect(error.message, name).toContain('credentials_path');
        const shown = inspect(error, { showHidden: true, depth: Infinity }) + JSON.stringify(error) + error.stack;
        expect(shown, name).not.toContain(canary);
      }
      expect((await failure(serviceAccountFile(join(folder, 'missing.json')))).message).toContain('there is no file');
      expect((await failure(serviceAccountFile(folder))).message).toContain('is no regular file');
    });

    it('whose token endpoint cannot be reached, fails, or is silent says so within ten seconds', async () => {
      const unreachable = await failure(serviceAccount(keyOf(server.owner), { tokenEndpoint: 'http://127.0.0.1:1/token' }));
      expect(unreachable).toMatchObject({ code: 'Unavailable', retryable: true });
      expect(unreachable.message).toContain('http://127.0.0.1:1 cannot be reached');
      await using failing = await faultServer((_incoming, answer) => {
        answer.writeHead(503).end('down');
        return true;
      });
      expect(await failure(serviceAccount(keyOf(server.owner), { tokenEndpoint: `${failing.endpoint}/token` }))).toMatchObject({ code: 'Unavailable' });
      // One attempt: repeating is the retry layer's.
      expect(failing.seen).toHaveLength(1);
      await using silent = await faultServer(() => true);
      expect(await failure(serviceAccount(keyOf(server.owner), { tokenEndpoint: `${silent.endpoint}/token` }))).toMatchObject({ code: 'Timeout' });
    }, 20_000);

    it('shows no secret of its own in any form', async () => {
      const signIn = signedIn(server, server.owner);
      const token = await signIn.token({});
      const driver = googleDriver({ endpoint: server.endpoint, credentials: signIn }, 'sign-in');
      const [line = ''] = keyOf(server.owner).private_key.split('\n').slice(1);
      const failed = await failure(wrongKey(server));
      const shown =
        [signIn, failed, driver].map((each) => inspect(each, { showHidden: false, depth: 6 })).join() + JSON.stringify(signIn) + JSON.stringify(failed);
      for (const secret of [token ?? 'none', line]) expect(shown).not.toContain(secret);
    });

    it('is refused by a server whose clock is an hour off, and is told that the clock is wrong', async () => {
      for (const clockOffsetMs of [-3_600_000 - 60_000, 7_300_000]) {
        await using skewed = await startStrictGcs({ clockOffsetMs });
        const error = await failure(serviceAccount(keyOf(skewed.owner), { tokenEndpoint: `${skewed.endpoint}/token` }));
        expect(error.code).toBe('Unauthenticated');
        expect(error.message).toContain("this machine's clock is wrong");
      }
    }, 30_000);
  });

  describe('what comes with the machine', () => {
    it("is the metadata server's account, where that was asked for", async () => {
      vi.stubEnv('GCE_METADATA_HOST', new URL(server.endpoint).host);
      vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
      await works(metadataServer());
    });

    it('is application-default credentials with a file of any type, where that was asked for', async () => {
      vi.stubEnv('GCE_METADATA_HOST', new URL(server.endpoint).host);
      vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
      vi.stubEnv('HOME', folder);
      vi.stubEnv('CLOUDSDK_CONFIG', folder);
      await works(applicationDefault());
    });

    it('is the file of any type that GOOGLE_APPLICATION_CREDENTIALS names, where that was asked for', async () => {
      const path = await file('user-sign-in.json', { type: 'authorized_user', client_id: 'x', client_secret: 'y', refresh_token: 'canary-refresh-3' });
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', path);
      const entry = { provider: 'google', endpoint: server.endpoint, sign_in: 'application_default', buckets: ['sign-in'] };
      const options = google.parseConfig(entry);
      const client = (await (options.credentials as SignIn).authClient()) as { credentials: { refresh_token?: string } };
      expect(client.credentials.refresh_token).toBe('canary-refresh-3');
      expect(inspect(options, { depth: 4 })).not.toContain('canary');
    });

    it('that is not there is told within ten seconds', async () => {
      vi.stubEnv('GCE_METADATA_HOST', '127.0.0.1:1');
      const error = await failure(metadataServer());
      expect(['Unavailable', 'Timeout']).toContain(error.code);
      expect(error.message).toContain('the metadata server');
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'not-there.json'));
      const noFile = await failure(applicationDefault());
      expect(noFile.code).toBe('Config');
      expect(noFile.message).toContain('not-there.json');
    }, 25_000);

    it('signs no URL, and says what is needed', async () => {
      for (const signIn of [metadataServer(), applicationDefault(), anonymous()]) {
        const driver = googleDriver({ endpoint: server.endpoint, credentials: signIn }, 'sign-in');
        await expect(driver.presign('a', { method: 'GET', expiresInSeconds: 60 })).rejects.toMatchObject({ code: 'Unsupported' });
        await expect(driver.presign('a', { method: 'GET', expiresInSeconds: 60 })).rejects.toThrow(/private key of a service account/);
      }
    });
  });

  describe('nobody', () => {
    it('sends no token, and is told what is not open to everyone', async () => {
      let authorization: string | undefined = 'none seen';
      await using seen = await faultServer((incoming) => {
        ({ authorization } = incoming.headers);
        return false;
      }, server.endpoint);
      const driver = googleDriver({ endpoint: seen.endpoint, credentials: 'anonymous' }, 'sign-in');
      await expect(driver.head('a', {})).rejects.toMatchObject({ code: 'AccessDenied' });
      await expect(driver.head('a', {})).rejects.toThrow(/nobody is signed in/);
      expect(authorization).toBeUndefined();
    });

    it('becomes nobody else where the machine has credentials', async () => {
      vi.stubEnv('GCE_METADATA_HOST', new URL(server.endpoint).host);
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', await file('own.json', server.owner.credentials));
      expect(await failure(anonymous())).toMatchObject({ code: 'AccessDenied' });
      const entry = google.parseConfig({ provider: 'google', endpoint: server.endpoint, sign_in: 'anonymous', buckets: ['sign-in'] });
      await expect(google.open(entry, 'sign-in').head('a', {})).rejects.toMatchObject({ code: 'AccessDenied' });
    });
  });
}
