import { inspect } from 'node:util';
import { type BucketDriver, type ErrorCode, isStorageError, type StorageError } from '@stowage/core';
import { faultServer, localAuthority, type Misbehave, serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { createServer as createTlsServer } from 'node:https';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { googleDriver } from '../src/google-driver.ts';
import type { GoogleOptions } from '../src/google-options.ts';
import { google } from '../src/google-provider.ts';
import type { SignIn } from '../src/sign-in/sign-in.ts';
import { jsonError } from './json-error.ts';
import { makeBucket, signedIn, unchecked } from './strict-server.ts';

const TOKEN = 'ya29.canary-token-Lm9_y-2';
const canary: SignIn = { ...unchecked(), held: () => TOKEN, token: async () => TOKEN, secrets: () => [TOKEN] };

/** Every call of a driver that asks the service. */
function calls(driver: BucketDriver): Record<string, () => Promise<unknown>> {
  const ref = { key: 'k', id: '00000000-0000-4000-8000-000000000000' };
  const first = async (pages: AsyncIterable<unknown>): Promise<unknown> => {
    for await (const page of pages) return page;
    return undefined;
  };
  return {
    head: () => driver.head('k', {}),
    get: () => driver.get('k', {}),
    put: () => driver.put('k', Buffer.from('x'), {}),
    'put in chunks': () => driver.put('k', Buffer.alloc(300 * 1024), { partSize: 256 * 1024 }),
    list: () => first(driver.list({})),
    upload: () => driver.startUpload('k', {}),
    resume: () => driver.resumeUpload(ref, {}),
    uploads: () => first(driver.listUploads({})),
    delete: async () => {
      const [outcome] = await driver.deleteMany([{ key: 'k' }], {});
      if (outcome?.ok === false) throw outcome.error;
    },
    copy: async () => {
      const [outcome] = await driver.copyMany([{ from: driver.copySource('k'), to: 'l' }], {});
      if (outcome?.ok === false) throw outcome.error;
    },
    setHeaders: () => driver.setHeaders('k', { contentType: 'text/plain' }, {}),
    checkAccess: () => driver.checkAccess({}),
  };
}

async function failure(work: () => Promise<unknown>): Promise<StorageError> {
  const error: unknown = await work().then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!isStorageError(error)) throw new Error(`expected a StorageError, got ${inspect(error)}`);
  return error;
}

function expectNoSecret(error: StorageError, ...more: readonly string[]): void {
  const shown = [error.message, error.stack ?? '', JSON.stringify(error), inspect(error, { showHidden: true, depth: Infinity })].join('\n');
  for (const secret of [TOKEN, encodeURIComponent(TOKEN), ...more]) expect(shown).not.toContain(secret);
}

const open = (endpoint: string, more: Partial<GoogleOptions> = {}): BucketDriver => googleDriver({ endpoint, credentials: canary, ...more }, 'b');

describe('what answers wrongly', () => {
  const answers: Readonly<Record<string, readonly [Misbehave, ErrorCode, RegExp]>> = {
    'a web page': [
      (_incoming, answer) => {
        answer.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${TOKEN}</html>`);
        return true;
      },
      'Config',
      /does not answer as Cloud Storage does/,
    ],
    'a redirect to a sign-in page': [
      (_incoming, answer) => {
        answer.writeHead(302, { location: 'https://accounts.google.com/', 'content-type': 'text/html' }).end('moved');
        return true;
      },
      'Config',
      /does not answer as Cloud Storage does/,
    ],
    'a token that has expired': [
      (_incoming, answer) => jsonError(answer, 401, 'authError', {}, `Invalid Credentials: ${TOKEN}`),
      'Unauthenticated',
      /does not accept the sign-in of an unchecked sign-in: its token has expired or was revoked/,
    ],
    'a refusal': [
      (_incoming, answer) => jsonError(answer, 403, 'forbidden', {}, `sa@x does not have storage.objects.get access. authorization: Bearer ${TOKEN}`),
      'AccessDenied',
      /storage\.objects\.get/,
    ],
    'a limit of its rate': [(_incoming, answer) => jsonError(answer, 403, 'rateLimitExceeded'), 'RateLimited', /asks to slow down/],
    'a bucket whose readers pay': [
      (_incoming, answer) => jsonError(answer, 400, 'userProjectMissing', {}, 'Bucket is a requester pays bucket but no user project provided.'),
      'Config',
      /name the project that pays as user_project/,
    ],
    'an internal error': [(_incoming, answer) => jsonError(answer, 500, 'backendError', {}, `oops ${TOKEN}`), 'Unavailable', /failed with status 500/],
    'a missing bucket': [
      (_incoming, answer) => jsonError(answer, 404, 'notFound', {}, 'The specified bucket does not exist.'),
      'BucketNotFound',
      /there is no bucket "b"/,
    ],
  };
  for (const [what, [misbehave, code, words]] of Object.entries(answers))
    it(`${what} is told by every call, without a secret`, async () => {
      await using faults = await faultServer((incoming, answer) => {
        incoming.resume();
        return misbehave(incoming, answer);
      });
      const driver = open(faults.endpoint);
      for (const [name, call] of Object.entries(calls(driver))) {
        // To find out what is denied is what it is for.
        if (name === 'checkAccess' && code === 'AccessDenied') continue;
        const error = await failure(call).catch((unexpected: unknown) => {
          throw new Error(`${name}: ${inspect(unexpected)}`);
        });
        expect(`${name} ${error.code}`).toBe(`${name} ${code}`);
        expect(error.message).toMatch(words);
        expect(error.provider).toBe('google');
        expectNoSecret(error);
      }
      await driver.close();
    });

  it('the forms that errors of the XML API have', async () => {
    const forms: readonly (readonly [number, string, ErrorCode])[] = [
      [404, 'NoSuchKey', 'NotFound'],
      [404, 'NoSuchBucket', 'BucketNotFound'],
      [403, 'AccessDenied', 'AccessDenied'],
      [401, 'AuthenticationRequired', 'Unauthenticated'],
      [412, 'PreconditionFailed', 'PreconditionFailed'],
      [416, 'InvalidRange', 'InvalidRange'],
      [503, 'SlowDown', 'RateLimited'],
      [503, 'ServiceUnavailable', 'Unavailable'],
      [400, 'UserProjectMissing', 'Config'],
    ];
    for (const [status, reason, code] of forms) {
      await using faults = await faultServer((_incoming, answer) => {
        answer
          .writeHead(status, { 'content-type': 'application/xml' })
          .end(`<?xml version='1.0'?><Error><Code>${reason}</Code><Message>m ${TOKEN}</Message></Error>`);
        return true;
      });
      const error = await failure(() => open(faults.endpoint).get('k', {}));
      expect(`${reason} ${error.code}`).toBe(`${reason} ${code}`);
      expectNoSecret(error);
    }
  });
});

describe('where nothing answers', () => {
  it('a port that nobody listens at', async () => {
    for (const [name, call] of Object.entries(calls(open('http://127.0.0.1:1')))) {
      const error = await failure(call);
      expect(`${name} ${error.code} ${error.retryable}`).toBe(`${name} Unavailable true`);
      expect(error.message).toContain('nobody listens at http://127.0.0.1:1');
      expectNoSecret(error);
    }
  });

  it('a host that is not there', async () => {
    const error = await failure(() => open('https://no-such-host.invalid').head('k', {}));
    expect(error.code).toBe('Unavailable');
    expect(error.message).toContain('no-such-host.invalid');
  });

  it('https spoken to a server of http, and a certificate of nobody', async () => {
    await using plain = await faultServer(() => true);
    expect((await failure(() => open(plain.endpoint.replace('http:', 'https:')).head('k', {}))).code).toBe('Config');
    await using authority = await localAuthority();
    const { certificate, key } = await authority.issue('127.0.0.1');
    const server = createTlsServer({ cert: certificate, key }, (_incoming, answer) => void jsonError(answer, 404, 'notFound', {}, 'No such object: b/k'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const endpoint = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    const untrusted = await failure(() => open(endpoint).head('k', {}));
    expect(untrusted.code).toBe('Config');
    expect(untrusted.message).toContain('not of an authority that is trusted here');
    const driver = open(endpoint, { ca: authority.ca });
    expect((await failure(() => driver.head('k', {}))).code).toBe('NotFound');
    await driver.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('options and entries that cannot work', () => {
  it.each([
    ['the console', { endpoint: 'https://console.cloud.google.com/storage/browser/b' }, /console\.cloud\.google\.com is Google's page for people/],
    ['the host of links for browsers', { endpoint: 'storage.cloud.google.com' }, /Google's page for people/],
    ['a path behind the host', { endpoint: 'https://storage.googleapis.com/b' }, /endpoint: expected a host/],
    ['a user before the host', { endpoint: 'https://canary:secret@host' }, /endpoint: expected a host/],
    ['a chunk that is no multiple', { chunkSize: 1000 }, /chunkSize: expected a multiple of 262144/],
    ['no connection', { connections: 0 }, /connections/],
    ['a project that is none', { userProject: 'a b' }, /userProject/],
  ])('%s', (_what, more, words) => {
    try {
      googleDriver({ credentials: 'anonymous', ...more }, 'b');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'Config', message: expect.stringMatching(words) });
      expect((error as Error).message).not.toContain('canary');
    }
  });

  it.each([
    ['nothing', null, /expected a mapping/],
    ['no sign-in', {}, /credentials_path: expected the path/],
    ['another way', { sign_in: 'adc' }, /sign_in: expected one of service_account, application_default, metadata, anonymous/],
    ['a file beside another way', { sign_in: 'metadata', credentials_path: '/k' }, /credentials_path: expected nothing beside sign_in: metadata/],
    ["another cloud's key", { credentials_path: '/k', secret_key: 'canary' }, /secret_key: expected nothing/],
    ['a number as a path', { credentials_path: 7 }, /credentials_path: expected a text/],
    ['a port that is none', { credentials_path: '/k', port: 70_000 }, /port: expected a port number/],
    ['a token endpoint that is none', { credentials_path: '/k', token_endpoint: 'file:///etc' }, /token_endpoint: expected an http URL/],
    ['a flag that is none', { credentials_path: '/k', versioned: 'yes' }, /versioned: expected true or false/],
  ])('an entry with %s', (_what, entry, words) => {
    try {
      google.parseConfig(entry);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'Config', message: expect.stringMatching(words) });
      expect((error as Error).message).not.toContain('canary');
    }
  });

  it('a variable that would send the SDK elsewhere is told, and changes nothing', () => {
    const notices: string[] = [];
    const options = google.parseConfig(
      { sign_in: 'anonymous', endpoint: 'storage.googleapis.com', port: 443 },
      { env: { STORAGE_EMULATOR_HOST: 'http://127.0.0.1:1' }, onNotice: (notice) => notices.push(notice) },
    );
    expect(notices).toEqual([expect.stringContaining('STORAGE_EMULATOR_HOST')]);
    expect(options.endpoint).toBe('storage.googleapis.com:443');
  });
});

const { server, missing } = await serverOrReason(() => startStrictGcs());

if (server === undefined) test('a diagnosis', ({ skip }) => skip(missing));
else {
  beforeAll(() => makeBucket(server.endpoint, 'looked-at'));
  afterAll(() => server.stop(), 60_000);
  const look = (credentials: SignIn | 'anonymous', bucket = 'looked-at'): ReturnType<NonNullable<typeof google.diagnose>> => {
    if (google.diagnose === undefined) throw new Error('no diagnosis');
    return google.diagnose({ endpoint: server.endpoint, credentials }, bucket, {});
  };

  describe('a diagnosis', () => {
    it('of an owner is healthy, and changes nothing', async () => {
      const found = await look(signedIn(server, server.owner));
      expect(found).toMatchObject({ provider: 'google', bucket: 'looked-at', endpoint: server.endpoint, healthy: true, missing: [], clockSkewMs: 0 });
      expect(found.grant).toBeUndefined();
      const driver = googleDriver({ endpoint: server.endpoint, credentials: signedIn(server, server.owner) }, 'looked-at');
      for await (const { objects } of driver.list({})) expect(objects).toEqual([]);
    });

    it('of a reader names the permissions that are missing, and the role that grants them', async () => {
      const found = await look(signedIn(server, server.reader));
      expect(found.healthy).toBe(false);
      expect(found.access).toMatchObject({ list: 'granted', read: 'granted', write: 'denied', delete: 'denied' });
      expect(found.missing).toEqual([
        { permission: 'write', actions: ['storage.objects.create', 'storage.objects.delete'], cost: expect.any(String) },
        { permission: 'delete', actions: ['storage.objects.delete'], cost: expect.any(String) },
      ]);
      expect(found.grant).toContain('roles/storage.objectUser');
      expect(found.grant).toContain('--member=serviceAccount:reader@');
    });

    it('of somebody who may do nothing names storage.objects.list', async () => {
      const found = await look(signedIn(server, server.nobody));
      expect(found.missing.find(({ permission }) => permission === 'list')?.actions).toEqual(['storage.objects.list']);
    });

    it('of nobody says what is not open to everyone', async () => {
      const found = await look('anonymous');
      expect(found.healthy).toBe(false);
      expect(found.access).toMatchObject({ list: 'denied' });
    });

    it('of a missing bucket, and of a service that is not there, has the problem', async () => {
      expect((await look(signedIn(server, server.owner), 'not-there')).problem).toMatchObject({ code: 'BucketNotFound' });
      const nowhere = await google.diagnose?.({ endpoint: 'http://127.0.0.1:1', credentials: 'anonymous' }, 'b', {});
      expect(nowhere).toMatchObject({ healthy: false, problem: { code: 'Unavailable' }, missing: [] });
      expect(nowhere?.clockSkewMs).toBeUndefined();
    });

    it('with a clock that is an hour off says so', async () => {
      await using skewed = await startStrictGcs({ clockOffsetMs: 3_700_000 });
      const found = await google.diagnose?.({ endpoint: skewed.endpoint, credentials: signedIn(skewed, skewed.owner) }, 'b', {});
      expect(found?.clockSkewMs).toBeLessThan(-3_600_000);
      expect(found?.advice.join()).toContain('minutes behind');
      expect(found?.problem).toMatchObject({ code: 'Unauthenticated' });
    });
  });
}
