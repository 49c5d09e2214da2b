import { createServer, type Server } from 'node:net';
import { inspect } from 'node:util';
import { type BucketDriver, type ErrorCode, isStorageError, type StorageError } from '@stowage/core';
import { localAuthority, serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { driverCalls } from './driver-calls.ts';
import { faultServer, type Misbehave, xmlError } from './faults/fault-server.ts';

const SECRET = 'canary-secret-Zq7/x+4';
const TOKEN = 'canary-token-Lm9/y=2';
const keys = { accessKeyId: 'canary-id-Ab3', secretAccessKey: SECRET, sessionToken: TOKEN };

async function failure(work: Promise<unknown>): Promise<StorageError> {
  try {
    await work;
  } catch (error) {
    if (isStorageError(error)) return error;
    throw error;
  }
  throw new Error('expected a failure; it succeeded');
}

function expectNoCanary(error: StorageError): void {
  const forms = [
    error.message,
    error.stack ?? '',
    String(error),
    JSON.stringify(error),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    inspect(error, { depth: 20, showHidden: true, getters: true }),
  ].join('\n');
  for (const canary of [
    SECRET,
    TOKEN,
    encodeURIComponent(SECRET),
    encodeURIComponent(TOKEN),
    Buffer.from(SECRET).toString('base64'),
    'AWS4-HMAC-SHA256',
    'X-Amz-Signature',
  ])
    expect(forms).not.toContain(canary);
}

function answered(_answer: unknown): true {
  return true;
}

const transports = ['lean', 'sdk'] as const;

describe.each(transports)('through %s', (transport) => {
  const open = (endpoint: string, more: Partial<MinioOptions> = {}): BucketDriver => minioDriver({ endpoint, credentials: keys, transport, ...more }, 'bucket');

  it.each<[string, Misbehave, ErrorCode, RegExp, boolean]>([
    [
      'echoes of secrets in an error',
      (i, a) => xmlError(a, 403, 'SignatureDoesNotMatch', {}, `StringToSign: ${i.headers.authorization} ${TOKEN} ${SECRET} secret=${SECRET}`),
      'Unauthenticated',
      /secret/,
      false,
    ],
    [
      'an unknown key',
      (_i, a) => xmlError(a, 403, 'InvalidAccessKeyId', {}, `The key ${keys.accessKeyId} does not exist`),
      'Unauthenticated',
      /access key/,
      false,
    ],
    ['an expired session', (_i, a) => xmlError(a, 400, 'ExpiredToken', {}, `The provided token ${TOKEN} has expired.`), 'Unauthenticated', /expired/, false],
    ['a refusal', (_i, a) => xmlError(a, 403, 'AccessDenied', {}, `User with ${TOKEN} is not authorized`), 'AccessDenied', /may not/, false],
    ['another region', (_i, a) => xmlError(a, 301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-9' }), 'Config', /eu-west-9/, false],
    [
      'clocks that differ',
      (_i, a) => xmlError(a, 403, 'RequestTimeTooSkewed', { date: new Date(Date.now() - 3_600_000).toUTCString() }),
      'Unauthenticated',
      /60 minutes ahead/,
      false,
    ],
    ['throttling', (_i, a) => xmlError(a, 503, 'SlowDown', { 'retry-after': '3' }), 'RateLimited', /slow down/, true],
    ['an internal error', (_i, a) => xmlError(a, 500, 'InternalError'), 'Unavailable', /500/, true],
    [
      'a web page',
      (_i, a) =>
        answered(
          a.writeHead(200, { 'content-type': 'text/html', server: 'MinIO Console' }).end(a.req.method === 'HEAD' ? undefined : '<!doctype html><html>x</html>'),
        ),
      'Config',
      /console/,
      false,
    ],
    ['a hang-up', (_i, a) => answered(a.destroy()), 'Unavailable', /broke/, true],
    [
      'an http server that wants https',
      (_i, a) => answered(a.writeHead(400, { 'content-type': 'text/plain' }).end('Client sent an HTTP request to an HTTPS server.\n')),
      'Config',
      /https/,
      false,
    ],
  ])('%s: each call fails in plain words, without a secret', { timeout: 60_000 }, async (what, misbehave, code, words, retryable) => {
    await using faults = await faultServer(async (incoming, answer) => {
      await new Promise((resolve) => incoming.once('end', resolve).resume());
      return misbehave(incoming, answer);
    });
    const driver = open(faults.endpoint, { region: 'us-east-1' });
    for (const [name, call] of Object.entries(driverCalls(driver))) {
      // A console answers deletions and aborts with success, whatever they are; nothing in the answer tells.
      if (what === 'a web page' && ['delete', 'deleteMany', 'upload', 'resume', 'uploads', 'copy', 'access'].includes(name)) continue;
      // These say what is refused, or go on without.
      if (what === 'a refusal' && ['resume', 'access'].includes(name)) continue;
      const error = await failure(call());
      expectNoCanary(error);
      expect({ name, code: error.code }).toEqual({ name, code });
      // The answer to HEAD has no words but those that a read of the object tells.
      expect(error.message).toMatch(what === 'a web page' && transport === 'sdk' ? /console|check endpoint/ : words);
      expect(error.message).not.toMatch(/[\r\n]/);
      expect(error.retryable).toBe(retryable);
    }
    await driver.close();
  });

  it('a web server that has no such page', async () => {
    await using other = await faultServer((_incoming, answer) => answered(answer.writeHead(404, { 'content-length': '0' }).end()));
    const driver = open(other.endpoint, { region: 'us-east-1' });
    for (const name of ['list', 'uploads', 'access'] as const) {
      const error = await failure(driverCalls(driver)[name]?.() ?? Promise.resolve());
      expect({ name, code: error.code, message: error.message }).toEqual({
        name,
        code: 'Config',
        message: `${other.endpoint} does not answer as an S3 server does (status 404 without an error of S3): check endpoint and port`,
      });
      expectNoCanary(error);
    }
    await driver.close();
  });

  it('nobody there, no such host, something that speaks no http, TLS where there is none', async () => {
    const silent = await new Promise<Server>((resolve) => {
      const server = createServer((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.9\r\n')));
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using plain = await faultServer((_incoming, answer) => xmlError(answer, 404, 'NoSuchKey'));
    const expected: [string, ErrorCode, RegExp][] = [
      ['http://127.0.0.1:1', 'Unavailable', /nobody listens/],
      ['http://no-such-host.invalid:9000', 'Unavailable', /not found|looked up/],
      [`http://127.0.0.1:${port}`, 'Config', /does not speak http/],
      [plain.endpoint.replace('http:', 'https:'), 'Config', /does not speak TLS/],
    ];
    for (const [endpoint, code, words] of expected) {
      const driver = open(endpoint);
      const error = await failure(driver.get('k', {}));
      expect({ endpoint, code: error.code }).toEqual({ endpoint, code });
      expect(error.message).toMatch(words);
      expectNoCanary(error);
      await driver.close();
    }
    silent.close();
  });
});

const tls = await serverOrReason(async () => {
  await using authority = await localAuthority();
  await using other = await localAuthority();
  return { server: await startMinio({ authority, region: 'eu-test-1' }), otherCa: other.ca };
});

if (tls.server === undefined) test('a real server over TLS', ({ skip }) => skip(tls.missing));
else {
  const { server, otherCa } = tls.server;
  afterAll(() => server.stop(), 60_000);
  const rootKeys = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  describe.each(transports)('a real server over TLS, through %s', (transport) => {
    const open = (more: Partial<MinioOptions>): BucketDriver =>
      minioDriver(
        { endpoint: server.endpoint, region: server.region, credentials: rootKeys, transport, ...(server.ca === undefined ? {} : { ca: server.ca }), ...more },
        'bucket',
      );
    it.each<[string, Partial<MinioOptions>, ErrorCode, RegExp]>([
      ['works with its authority (no such bucket)', {}, 'BucketNotFound', /no bucket/],
      ['an authority that is not trusted', { ca: otherCa }, 'Config', /not of an authority that is trusted here/],
      ['http for https', { endpoint: server.endpoint.replace('https:', 'http:') }, 'Config', /https/],
      ["the console's port", { endpoint: server.consoleEndpoint }, 'Config', /console/],
      ['a wrong region', { region: 'us-east-1' }, 'Config', /eu-test-1/],
      ['a wrong secret', { credentials: { ...rootKeys, secretAccessKey: SECRET } }, 'Unauthenticated', /secret/],
      ['an unknown key', { credentials: keys }, 'Unauthenticated', /access key|session token/],
    ])('%s', async (_what, more, code, words) => {
      const error = await failure(open(more).get('k', {}));
      expect(error.message).toMatch(words);
      expect(error.code).toBe(code);
      expectNoCanary(error);
    });
  });
}
