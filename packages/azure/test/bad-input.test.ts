import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { type BucketDriver, type ErrorCode, isStorageError, openBucket, type StorageError } from '@stowage/core';
import { type AzuriteServer, faultServer, type Misbehave, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import type { AzureSignIn } from '../src/azure-options.ts';
import { azure } from '../src/azure-provider.ts';
import { makeContainer } from './azurite-harness.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

const KEY = Buffer.from('canary-account-key-of-sixty-four-bytes-which-nobody-may-ever-see').toString('base64');
const account = { name: 'canaryacc', key: KEY };
const SAS = containerSas(account, 'c', { letters: 'racwdxlt' });
const SIGNATURE = new URLSearchParams(SAS).get('sig') ?? '';
const signIns: Readonly<Record<string, AzureSignIn>> = {
  'account key': { kind: 'account-key', account: account.name, key: KEY },
  SAS: { kind: 'sas', token: `?${SAS}`, account: account.name },
};

async function failure(work: Promise<unknown>): Promise<StorageError> {
  const error: unknown = await work.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!isStorageError(error)) throw error;
  return error;
}

function expectNoCanary(error: StorageError): void {
  const forms = [
    error.message,
    error.stack,
    String(error),
    JSON.stringify(error),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    inspect(error, { depth: 20, showHidden: true, getters: true }),
  ].join('\n');
  for (const canary of [KEY, SIGNATURE, encodeURIComponent(SIGNATURE), encodeURIComponent(KEY), 'sig=', 'SharedKey ']) expect(forms).not.toContain(canary);
}

/** What a service may repeat of a request when it refuses one. */
const echo: Misbehave = (incoming, answer) =>
  xmlError(
    answer,
    403,
    'AuthenticationFailed',
    {},
    `<AuthenticationErrorDetail>The MAC signature found in the HTTP request '${String(incoming.headers.authorization)}' for ${incoming.url} with ${KEY} ${SIGNATURE}</AuthenticationErrorDetail>`,
  );

describe.each(Object.entries(signIns))('by %s', (_way, signIn) => {
  const calls = (driver: BucketDriver): Record<string, () => Promise<unknown>> => {
    const bucket = openBucket(driver);
    return {
      head: () => bucket.head('k'),
      get: () => bucket.get('k'),
      put: () => bucket.put('k', 'x'),
      'put in blocks': () => bucket.put('k', Buffer.alloc(200_000), { partSize: 65_536 }),
      upload: () => bucket.upload('k'),
      listPage: () => bucket.listPage(),
      'list of uploads': () => Array.fromAsync(bucket.listUploads()),
      delete: () => bucket.delete('k'),
      deleteMany: async () => {
        for await (const outcome of bucket.deleteMany(['k', 'l'])) if (!outcome.ok) throw outcome.error;
      },
      setHeaders: () => bucket.setHeaders('k', {}),
      copy: () => bucket.copy('k', 'l'),
      checkAccess: () => bucket.checkAccess(),
    };
  };

  it.each<[string, Misbehave, ErrorCode, RegExp]>([
    ['echoes of secrets in an error', echo, 'Unauthenticated', /signature/],
    [
      'a web page',
      (_i, a): true => Boolean(a.writeHead(200, { 'content-type': 'text/html' }).end(a.req.method === 'HEAD' ? undefined : '<!doctype html>')) as true,
      'Config',
      /Blob Storage/,
    ],
    ['a redirect', (_i, a): true => Boolean(a.writeHead(302, { location: `http://127.0.0.1:1/?${SAS}` }).end()) as true, 'Config', /status 302/],
  ])('%s are told in words, and no secret with them', async (_what, misbehave, code, words) => {
    await using server = await faultServer(async (incoming, answer) => {
      await new Promise((resolve) => incoming.resume().once('end', resolve));
      return misbehave(incoming, answer);
    });
    const driver = azureDriver({ endpoint: `${server.endpoint}/${account.name}`, signIn }, 'c');
    for (const [operation, call] of Object.entries(calls(driver))) {
      const wrong = await call().then(
        () => undefined,
        (error: unknown) => error as StorageError,
      );
      // A web page with status 200 is an answer to what needs none: a deletion, a block.
      if (wrong === undefined) continue;
      expectNoCanary(wrong);
      if (['head', 'get', 'listPage'].includes(operation)) expect(wrong).toMatchObject({ code, message: expect.stringMatching(words) });
    }
    await driver.close();
  });

  it.each<[string, string, RegExp]>([
    ['nobody listens', 'http://127.0.0.1:1', /nobody listens at/],
    ['the name is unknown', 'http://no-such-host.invalid', /no host|could not be looked up/],
  ])('%s: Unavailable', async (_what, origin, words) => {
    const error = await failure(openBucket(azureDriver({ endpoint: `${origin}/${account.name}`, signIn }, 'c')).head('k'));
    expect(error).toMatchObject({ code: 'Unavailable', message: expect.stringMatching(words) });
    expectNoCanary(error);
  });

  it('a server that speaks no http, and one that accepts and says nothing, are told within ten seconds', async () => {
    const babbling = createServer((socket) => socket.on('error', () => undefined).end('220 smtp.example ready\r\n'));
    await new Promise<void>((resolve) => babbling.listen(0, '127.0.0.1', resolve));
    const { port } = babbling.address() as { readonly port: number };
    try {
      expect(await failure(openBucket(azureDriver({ endpoint: `http://127.0.0.1:${port}/${account.name}`, signIn }, 'c')).head('k'))).toMatchObject({
        code: 'Config',
        message: expect.stringContaining('does not speak http'),
      });
    } finally {
      babbling.close();
    }
    await using silent = await faultServer(() => true);
    const error = await failure(openBucket(azureDriver({ endpoint: `${silent.endpoint}/${account.name}`, signIn, answerTimeoutMs: 1500 }, 'c')).head('k'));
    expect(error).toMatchObject({ code: 'Timeout', retryable: true });
    expectNoCanary(error);
  });

  it('a driver and what was read of its configuration show no secret when they are printed', () => {
    const options = azure.parseConfig({
      endpoint: `http://127.0.0.1:1/${account.name}`,
      access_key: account.name,
      secret_key: signIn.kind === 'sas' ? `?${SAS}` : KEY,
    });
    const driver = azure.open(options, 'c');
    const printed = [inspect(options, { depth: 20 }), JSON.stringify(options), inspect(driver, { depth: 20, showHidden: true }), JSON.stringify(driver)].join(
      '\n',
    );
    for (const canary of [KEY, SIGNATURE, encodeURIComponent(SIGNATURE)]) expect(printed).not.toContain(canary);
  });
});

describe('a configuration that cannot be used', () => {
  const endpoint = 'https://acc.blob.core.windows.net';
  const connection = `DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=${KEY};EndpointSuffix=core.windows.net`;

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /a mapping/],
    ['no sign-in', { endpoint }, /secret_key: expected the account key/],
    ['no account', { endpoint, secret_key: KEY }, /access_key: expected the name/],
    ['no endpoint', { sign_in: 'anonymous' }, /endpoint: expected https/],
    ['a key that is none', { access_key: 'acc', secret_key: 'canary-of-a-key' }, /account key: expected base64/],
    ['a key that is cut', { access_key: 'acc', secret_key: KEY.slice(0, 40) + KEY.slice(43) }, /account key: expected base64/],
    ['a SAS that has expired is read, and used for nothing', { access_key: 'acc', secret_key: `?sig=${encodeURIComponent(SIGNATURE)}` }, /"sv="/],
    [
      'a page of the portal',
      { endpoint: 'https://portal.azure.com/#@tenant/resource/subscriptions/x', access_key: 'acc', secret_key: KEY },
      /page of the Azure portal/,
    ],
    [
      'the files of the account',
      { endpoint: 'https://acc.file.core.windows.net', access_key: 'acc', secret_key: KEY },
      /another service of the account: write https:\/\/acc\.blob\.core\.windows\.net/,
    ],
    [
      'its Data Lake endpoint',
      { endpoint: 'https://acc.dfs.core.windows.net', access_key: 'acc', secret_key: KEY },
      /write https:\/\/acc\.blob\.core\.windows\.net/,
    ],
    ['a container in the endpoint', { endpoint: `${endpoint}/c`, access_key: 'acc', secret_key: KEY }, /without a path/],
    ['a SAS in the endpoint', { endpoint: `${endpoint}/?${SAS}`, access_key: 'acc', secret_key: KEY }, /a SAS token is given as such/],
    ["another account's endpoint", { endpoint: 'https://other.blob.core.windows.net', access_key: 'acc', secret_key: KEY }, /that of "other"/],
    ['an unknown way', { endpoint, sign_in: 'azure_cli' }, /sign_in: expected managed_identity or anonymous/],
    ['two ways', { endpoint, access_key: 'acc', secret_key: KEY, sign_in: 'anonymous' }, /secret_key: expected one way/],
    ['a client id without an identity', { endpoint, access_key: 'acc', secret_key: KEY, client_id: 'x' }, /client_id: expected it beside/],
    ['a connection string beside a key', { connection_string: connection, secret_key: KEY }, /secret_key: expected one way/],
    ['a connection string that is cut', { connection_string: connection.slice(0, 60) }, /AccountName and AccountKey|account key: expected base64/],
    ['a connection string without names', { connection_string: KEY }, /Name=value/],
    ['a connection string of the emulator', { connection_string: 'UseDevelopmentStorage=true' }, /UseDevelopmentStorage names no port/],
    [
      'a connection string of another service',
      { connection_string: 'Endpoint=sb://x.servicebus.windows.net/;SharedAccessKey=canary' },
      /"Endpoint" is no field/,
    ],
    ['a number for the key', { access_key: 'acc', secret_key: 1 }, /secret_key: expected a text/],
    ['a text for a flag', { endpoint, sign_in: 'anonymous', versioned: 'yes' }, /versioned: expected true or false/],
  ])('%s', (_what, entry, words) => {
    const parse = (): unknown => azure.parseConfig(entry);
    expect(parse).toThrow(expect.objectContaining({ code: 'Config', message: expect.stringMatching(words) }));
    expect(parse).not.toThrow(
      expect.objectContaining({ message: expect.stringMatching(new RegExp(`canary|${KEY.slice(0, 20)}|${SIGNATURE.slice(0, 12).replace(/[+/]/g, '.')}`)) }),
    );
  });

  it.each<[string, object, object]>([
    ['a connection string with a key', { connection_string: connection }, { endpoint, signIn: { kind: 'account-key', account: 'acc' } }],
    [
      'a connection string with a SAS',
      { connection_string: `BlobEndpoint=${endpoint}/;SharedAccessSignature=${SAS}` },
      { endpoint: `${endpoint}/`, signIn: { kind: 'sas' } },
    ],
    ['an account and a SAS', { access_key: 'acc', secret_key: `?${SAS}` }, { endpoint, signIn: { kind: 'sas', account: 'acc' } }],
    ['nothing, where that is asked for', { endpoint, sign_in: 'anonymous' }, { endpoint, signIn: { kind: 'anonymous' } }],
    ["the machine's identity", { access_key: 'acc', sign_in: 'managed_identity' }, { endpoint, signIn: { kind: 'managed-identity', account: 'acc' } }],
    ['another cloud', { endpoint: 'https://acc.blob.core.usgovcloudapi.net', access_key: 'acc', secret_key: KEY }, { signIn: { kind: 'account-key' } }],
  ])('%s is taken', (_what, entry, expected) => {
    expect(azure.parseConfig(entry)).toMatchObject(expected);
  });
});

const { server, missing } = await serverOrReason(() => startAzurite());

if (server === undefined) test('wrong credentials on Azurite', ({ skip }) => skip(missing));
else {
  afterAll(() => server.stop(), 60_000);
  describe('on Azurite', () => {
    onAzurite(server);
  });
}

function onAzurite(azurite: AzuriteServer): void {
  const { endpoint, account: real } = azurite;

  it("a wrong key, another's SAS, a container that is not there, and no sign-in are refused, and not tried again", async () => {
    const container = await makeContainer(azurite);
    const open = (signIn: AzureSignIn, name = container): ReturnType<typeof openBucket> => openBucket(azureDriver({ endpoint, signIn }, name));
    const byKey: AzureSignIn = { kind: 'account-key', account: real.name, key: real.key };
    // The service says AuthenticationFailed to all three; the emulator has one refusal for everything (see answers.test.ts).
    const token = containerSas(real, 'another-container', { letters: 'rl' });
    for (const signIn of [{ ...byKey, key: azurite.secondAccount.key }, { kind: 'sas' as const, token }, { kind: 'anonymous' as const }])
      expect(await failure(open(signIn).listPage())).toMatchObject({
        code: expect.stringMatching(/^(?:Unauthenticated|AccessDenied|BucketNotFound|NotFound)$/),
        retryable: false,
      });
    expect(await failure(open(byKey, 'not-there').head('k'))).toMatchObject({ code: 'BucketNotFound' });
    expect(await failure(open(byKey, 'A_Name').listPage())).toMatchObject({ code: 'Config', message: expect.stringContaining('container name "A_Name"') });
  });

  it("the SDK's own log, at its most talkative, has no signature in it", async () => {
    const container = await makeContainer(azurite);
    const token = containerSas(real, container, { letters: 'rl' });
    const script = `import { azureDriver } from '@stowage/azure';
      const driver = azureDriver({ endpoint: ${JSON.stringify(endpoint)}, signIn: { kind: 'sas', token: process.env.TOKEN } }, ${JSON.stringify(container)});
      await driver.head('k', {}).catch((error) => console.error(error));
      await (await driver.native()).getBlobClient('k').exists();
      await driver.close();`;
    const child = spawn(process.execPath, ['--conditions=@stowage/source', '--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      env: { PATH: process.env['PATH'], AZURE_LOG_LEVEL: 'verbose', NODE_DEBUG: '', TOKEN: token },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(said).toContain('azure:storage-blob');
    const signature = new URLSearchParams(token).get('sig') ?? '';
    for (const canary of [signature, encodeURIComponent(signature)]) expect(said).not.toContain(canary);
  });
}
