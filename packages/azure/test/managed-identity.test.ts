import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isStorageError, openBucket, type StorageError } from '@stowage/core';
import { localAuthority, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import { azure } from '../src/azure-provider.ts';
import { managedIdentity } from '../src/sign-in/managed-identity.ts';
import { TokenSignIn } from '../src/sign-in/token-sign-in.ts';

const HEADER = 'canary-identity-header';

interface TokenServer extends AsyncDisposable {
  readonly origin: string;
  readonly asked: { readonly url: URL; readonly headers: IncomingMessage['headers'] }[];
}

/** The endpoint of a machine's identity, on the loopback. `answers`: one a request, the last for all that follow. */
async function tokenServer(...answers: ((answer: ServerResponse) => void)[]): Promise<TokenServer> {
  const asked: TokenServer['asked'] = [];
  const server = createServer((incoming, answer) => {
    asked.push({ url: new URL(incoming.url ?? '', 'http://loopback'), headers: incoming.headers });
    answers[Math.min(asked.length, answers.length) - 1]?.(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    asked,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): (answer: ServerResponse) => void {
  return (answer) => void answer.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** A token that Azurite takes: it checks times, issuer and audience, and no signature. */
function jwt(seconds: number, audience = 'https://storage.azure.com'): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    aud: audience,
    iss: 'https://sts.windows.net/a-tenant/',
    iat: now - 60,
    nbf: now - 60,
    exp: now + seconds,
    oid: 'an-object',
    tid: 'a-tenant',
  };
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.signature`;
}

const tokenOf = (seconds: number, token: string = jwt(seconds)): ReturnType<typeof json> =>
  json(200, { access_token: token, expires_on: String(Math.floor(Date.now() / 1000) + seconds), token_type: 'Bearer', resource: 'https://storage.azure.com/' });

const never = new AbortController().signal;

async function failure(work: Promise<unknown>): Promise<StorageError> {
  const error: unknown = await work.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!isStorageError(error)) throw error;
  return error;
}

describe('a managed identity', () => {
  it('of a virtual machine is asked of the instance metadata, in its version of 2018-02-01', async () => {
    await using server = await tokenServer(tokenOf(3600, 'token-1'));
    const { token, expiresAt } = await managedIdentity({ metadataEndpoint: server.origin, clientId: 'client-1' })(never);
    expect(token).toBe('token-1');
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 3_590_000);
    const [{ url, headers }] = server.asked as [TokenServer['asked'][number]];
    expect(url.pathname).toBe('/metadata/identity/oauth2/token');
    expect(Object.fromEntries(url.searchParams)).toEqual({ 'api-version': '2018-02-01', resource: 'https://storage.azure.com/', client_id: 'client-1' });
    expect(headers['metadata']).toBe('true');
  });

  it('of App Service is asked with its header', async () => {
    await using server = await tokenServer(tokenOf(3600, 'token-2'));
    const entry = { endpoint: 'https://acc.blob.core.windows.net', sign_in: 'managed_identity', client_id: 'client-2' };
    const { signIn } = azure.parseConfig(entry, { env: { IDENTITY_ENDPOINT: `${server.origin}/msi/token`, IDENTITY_HEADER: HEADER } });
    if (signIn.kind !== 'managed-identity') throw new Error(`it signs in by ${signIn.kind}`);
    expect((await signIn.source(never)).token).toBe('token-2');
    const [{ url, headers }] = server.asked as [TokenServer['asked'][number]];
    expect(url.pathname).toBe('/msi/token');
    expect(Object.fromEntries(url.searchParams)).toEqual({ 'api-version': '2019-08-01', resource: 'https://storage.azure.com/', client_id: 'client-2' });
    expect(headers['x-identity-header']).toBe(HEADER);
    expect(headers['metadata']).toBeUndefined();
  });

  it('is asked again where it is not ready, and given up in time where it never is', async () => {
    await using waking = await tokenServer(json(500, { error: 'internal' }), json(404, {}), tokenOf(3600, 'token-3'));
    expect(await failure(managedIdentity({ metadataEndpoint: waking.origin })(never))).toMatchObject({
      code: 'Config',
      message: expect.stringContaining('status 404'),
    });
    await using woken = await tokenServer(json(500, { error: 'internal' }), json(429, {}), tokenOf(3600, 'token-3'));
    expect((await managedIdentity({ metadataEndpoint: woken.origin })(never)).token).toBe('token-3');
    await using broken = await tokenServer(json(500, { error: 'internal' }));
    expect(await failure(managedIdentity({ metadataEndpoint: broken.origin })(never))).toMatchObject({ code: 'Unavailable', attempts: 3 });
    expect(broken.asked.length).toBe(3);
  });

  it.each([
    ['is not there', json(400, { error: 'invalid_request', error_description: 'Identity not found' }), 'Config', /no such identity.*client_id/],
    ['is not for this program', json(403, { message: `no access, ${HEADER}` }), 'AccessDenied', /status 403/],
    [
      'answers with a page',
      (answer: ServerResponse): void => void answer.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'Unavailable',
      /without an access token/,
    ],
    ['gives a token that is over', tokenOf(-10), 'Unauthenticated', /expired at .* already.*clock/],
    ['sends one elsewhere', (answer: ServerResponse): void => void answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'Config', /status 302/],
  ])('that %s is told in words, without what was sent', async (_what, answer, code, words) => {
    await using server = await tokenServer(answer);
    const source = managedIdentity({ appService: { endpoint: `${server.origin}/msi/token`, header: HEADER } });
    const error = await failure(source(never));
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) });
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain(HEADER);
  });

  it('that nobody gives says where it works', async () => {
    expect(await failure(managedIdentity({ metadataEndpoint: 'http://127.0.0.1:1' })(never))).toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(/nothing listens.*works on a machine of Azure/),
    });
  });

  it('is given up with the reason of an abort', async () => {
    await using server = await tokenServer(() => undefined);
    const abort = new AbortController();
    const reason = new Error('no longer wanted');
    const asking = managedIdentity({ metadataEndpoint: server.origin })(abort.signal);
    setTimeout(() => abort.abort(reason), 20);
    await expect(asking).rejects.toBe(reason);
  });

  it('needs https, and no header is made up where App Service gave none', () => {
    expect(() => azureDriver({ endpoint: 'http://127.0.0.1:1/acc', signIn: { kind: 'managed-identity', source: managedIdentity() } }, 'c')).toThrow(
      expect.objectContaining({ code: 'Config', message: expect.stringContaining('https') }),
    );
    expect(() => azure.parseConfig({ access_key: 'acc', sign_in: 'managed_identity' }, { env: { IDENTITY_ENDPOINT: 'http://127.0.0.1:1' } })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('IDENTITY_HEADER') }),
    );
  });
});

describe('a token', () => {
  const source = (...ends: number[]): { readonly ask: () => Promise<{ token: string; expiresAt: Date }>; readonly count: () => number } => {
    let count = 0;
    return {
      async ask(): Promise<{ token: string; expiresAt: Date }> {
        await new Promise((resolve) => setTimeout(resolve, 5));
        const seconds = ends[Math.min(count++, ends.length - 1)] ?? 0;
        if (seconds < 0) throw new Error('it cannot be had');
        return { token: `token-${count}`, expiresAt: new Date(Date.now() + seconds * 1000) };
      },
      count: () => count,
    };
  };

  it('is asked for once for all, and kept', async () => {
    const { ask, count } = source(3600);
    const signIn = new TokenSignIn(ask);
    const tokens = await Promise.all(Array.from({ length: 8 }, () => signIn.token(undefined)));
    expect(new Set(tokens.map(({ token }) => token))).toEqual(new Set(['token-1']));
    expect((await signIn.token(undefined)).token).toBe('token-1');
    expect(count()).toBe(1);
  });

  it('is renewed beside the work near its end, and serves on where that fails', async () => {
    const { ask, count } = source(200, -1, 3600);
    const signIn = new TokenSignIn(ask);
    expect((await signIn.token(undefined)).token).toBe('token-1');
    expect((await signIn.token(undefined)).token).toBe('token-1');
    await expect.poll(count).toBe(2);
    expect((await signIn.token(undefined)).token).toBe('token-1');
  });

  it('that is about to end is waited for', async () => {
    const { ask } = source(30, 3600);
    const signIn = new TokenSignIn(ask);
    expect((await signIn.token(undefined)).token).toBe('token-1');
    expect((await signIn.token(undefined)).token).toBe('token-2');
  });
});

const { server, missing } = await serverOrReason(async () => {
  await using authority = await localAuthority();
  return await startAzurite({ authority });
});

if (server === undefined) test('tokens on Azurite over TLS', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  const tls = { endpoint: server.endpoint, ...(server.ca === undefined ? {} : { ca: server.ca }) };

  describe('on Azurite over TLS', () => {
    it('reads, writes, copies, deletes and signs for others with the token of the machine', async () => {
      await using metadata = await tokenServer(tokenOf(3600));
      const owner = azureDriver({ ...tls, signIn: { kind: 'account-key', account: server.account.name, key: server.account.key } }, 'by-token');
      const client = (await owner.native()) as { create(): Promise<unknown> };
      await client.create();
      const bucket = openBucket(
        azureDriver({ ...tls, signIn: { kind: 'managed-identity', source: managedIdentity({ metadataEndpoint: metadata.origin }) } }, 'by-token'),
      );
      await bucket.put('a', 'content', { if: 'absent', tags: { t: 'v' } });
      await bucket.put('many', Buffer.alloc(300_000, 3), { partSize: 100_000 });
      expect((await bucket.copy('a', 'b')).size).toBe(7);
      expect(await (await bucket.get('b')).text()).toBe('content');
      expect((await Array.fromAsync(bucket.list())).map(({ key }) => key)).toEqual(['a', 'b', 'many']);
      expect((await Array.fromAsync(bucket.deleteMany(['b', 'many']))).map(({ ok }) => ok)).toEqual([true, true]);
      const native = (await bucket.native()) as { getBlobClient(name: string): { exists(): Promise<boolean> } };
      expect(await native.getBlobClient('a').exists()).toBe(true);
      const request = await bucket.presign('a', { method: 'GET', expiresInSeconds: 300 });
      expect(request.expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 300_000);
      expect(new URL(request.url).searchParams.has('skoid')).toBe(true);
      const signed = azureDriver({ ...tls, signIn: { kind: 'sas', token: new URL(request.url).search } }, 'by-token');
      expect(await (await openBucket(signed).get('a')).text()).toBe('content');
      expect(metadata.asked.length).toBe(1);
    });

    it('says of a token for another service that it is one', async () => {
      await using metadata = await tokenServer(tokenOf(3600, jwt(3600, 'https://vault.azure.net')));
      const bucket = openBucket(
        azureDriver({ ...tls, signIn: { kind: 'managed-identity', source: managedIdentity({ metadataEndpoint: metadata.origin }) } }, 'by-token'),
      );
      expect(await failure(bucket.listPage())).toMatchObject({ code: 'Unauthenticated', message: expect.stringContaining('another service') });
    });

    it('refuses a certificate of an authority that is not trusted', async () => {
      const bucket = openBucket(azureDriver({ endpoint: server.endpoint, signIn: { kind: 'anonymous' } }, 'by-token'));
      expect(await failure(bucket.listPage())).toMatchObject({ code: 'Config', message: expect.stringContaining('"ca"') });
    });
  });
}
