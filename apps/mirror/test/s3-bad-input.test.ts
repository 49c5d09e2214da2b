import { localAuthority, serverOrReason, startMinio } from '@stowage/test-servers';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { eventsOf, namesIn, plant, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { makeBucket, putObject, restrictedKeys } from './plain-s3.ts';

const started = await serverOrReason(async () => {
  await using authority = await localAuthority();
  await using other = await localAuthority();
  return { minio: await startMinio(), sealed: await startMinio({ authority, region: 'eu-test-1' }), otherCa: other.ca };
});
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** Spelled so that no ordinary text holds them. */
const SECRET = 'canary/Secret+Zq7x4=unlikely';
const TOKEN = 'canaryToken//Lm9y2+unlikely==';
const CANARIES = [SECRET, TOKEN].flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('hex'),
]);

if (started.server === undefined) test('bad input over S3', ({ skip }) => skip(started.missing));
else {
  const { minio, sealed, otherCa } = started.server;
  const servers: Server[] = [];
  afterAll(async () => {
    for (const server of servers) server.close();
    await minio.stop();
    await sealed.stop();
  }, 60_000);

  let denied: Awaited<ReturnType<typeof restrictedKeys>>;
  let expired: string;
  let skewed: string;
  let metadata: string;
  beforeAll(async () => {
    for (const server of [minio, sealed]) {
      await makeBucket(server, 'cars');
      await putObject(server, 'cars', 'a', '1');
    }
    denied = await restrictedKeys(minio, { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }] });
    expired = await listening((_request, answer) => {
      const body = `<Error><Code>ExpiredToken</Code><Message>The provided token ${TOKEN} has expired.</Message></Error>`;
      answer.writeHead(400, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
    });
    skewed = await listening((_request, answer) => {
      const body =
        '<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current time is too large.</Message></Error>';
      const date = new Date(Date.now() + 3_600_000).toUTCString();
      answer.writeHead(403, { 'content-type': 'application/xml', 'content-length': body.length, date }).end(body);
    });
    metadata = await listening(({ url }, answer) => {
      answer.end(url === '/latest/api/token' ? 'a-token' : 'another-role\n');
    });
  });
  const listening = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  };

  beforeEach(() => {
    plant(at('from'), { x: '1' });
    writeFileSync(at('ca.pem'), sealed.ca ?? '');
    writeFileSync(at('other.pem'), otherCa);
    const certificate = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=client'];
    execFileSync('openssl', [...certificate, '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', at('client.key'), '-out', at('client.pem')], {
      stdio: 'ignore',
    });
  });

  type Fields = Readonly<Record<string, string>>;
  const plain = (): Fields => ({ endpoint: minio.endpoint, region: minio.region, access_key: minio.accessKeyId, secret_key: minio.secretAccessKey });
  const secure = (): Fields => ({ ...plain(), endpoint: sealed.endpoint, region: sealed.region, ca: '{ file: ca.pem }' });
  const aws = { endpoint: 's3.amazonaws.com', region: 'eu-central-1' };
  const anywhere = {
    ...aws,
    trust_anchor_arn: 'arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/t',
    profile_arn: 'arn:aws:rolesanywhere:eu-central-1:111122223333:profile/p',
    iam_role: 'arn:aws:iam::111122223333:role/r',
  };

  /** What, the fields of the entry, what the message says, and whether the entry itself is refused, before any request. */
  const cases: [what: string, fields: () => Fields, message: RegExp, where?: 'config'][] = [
    [
      'an access key that is not known',
      () => ({ ...plain(), access_key: 'AKIANOBODY', secret_key: SECRET }),
      /does not know this access key; check access_key/,
    ],
    ['a wrong secret', () => ({ ...plain(), secret_key: SECRET }), /the secret key does not belong to the access key; copy secret_key again/],
    ['a session token that is none', () => ({ ...plain(), session_token: TOKEN }), /does not accept the session token/],
    [
      'a session that has expired',
      () => ({ ...plain(), endpoint: expired, secret_key: SECRET, session_token: TOKEN }),
      /the session has expired; get new temporary credentials/,
    ],
    ['a clock that is wrong', () => ({ ...plain(), endpoint: skewed, secret_key: SECRET }), /clock/],
    ['a wrong region', () => ({ ...secure(), region: 'us-east-1' }), /lies in the region "eu-test-1", and "us-east-1" is configured; set region: eu-test-1/],
    [
      'an endpoint that is misspelt',
      () => ({ ...plain(), endpoint: 'http://minio.invalid:9000' }),
      /there is no host minio\.invalid:9000|could not be looked up/,
    ],
    [
      'a port that nobody listens at',
      () => ({ ...plain(), endpoint: 'http://127.0.0.1:1' }),
      /nobody listens at http:\/\/127\.0\.0\.1:1; check endpoint and port/,
    ],
    ["the console's port", () => ({ ...plain(), endpoint: minio.consoleEndpoint }), /is the port of MinIO's console, for browsers/],
    [
      'http for https',
      () => ({ ...secure(), endpoint: sealed.endpoint.replace('https', 'http') }),
      /speaks https; write the endpoint with https:\/\/ before it/,
    ],
    [
      'https for http',
      () => ({ ...plain(), endpoint: minio.endpoint.replace('http', 'https') }),
      /does not speak TLS; write the endpoint with http:\/\/ before it/,
    ],
    [
      'an authority that is not known',
      () => ({ ...secure(), ca: '{ file: other.pem }' }),
      /is not of an authority that is trusted here; give the authority's certificate as "ca"/,
    ],
    ['a key in the place of an authority', () => ({ ...secure(), ca: '{ file: client.key }' }), /ca: expected a certificate, got a private key/, 'config'],
    ['a bucket that is missing', () => ({ ...plain(), buckets: '[cars-of-nobody]' }), /there is no bucket "cars-of-nobody" at/],
    [
      'a bucket that is denied',
      () => ({ ...plain(), access_key: denied.accessKeyId, secret_key: denied.secretAccessKey, session_token: denied.sessionToken }),
      /may not list the bucket "cars"|list +DENIED/,
    ],
    [
      'a certificate and a key swapped',
      () => ({ ...anywhere, iam_role_cert: '{ file: client.key }', iam_role_key: '{ file: client.pem }' }),
      /iam_role_cert: .*got a private key; it belongs into iam_role_key/,
      'config',
    ],
    [
      'a role that the instance has not',
      () => ({ ...aws, iam_role: 'storage-reader' }),
      /the instance's role is "another-role"|"another-role".*"storage-reader"|"storage-reader".*"another-role"/,
    ],
    ['a role beside another server', () => ({ endpoint: minio.endpoint, iam_role: 'storage-reader' }), /iam_role: roles exist on AWS alone/, 'config'],
    [
      'a secret alone',
      () => ({ endpoint: minio.endpoint, secret_key: SECRET }),
      /access_key: expected access_key and secret_key, or iam_role; got the secret key alone/,
      'config',
    ],
    ['a way to sign in that is none', () => ({ ...plain(), sign_in: 'key', secret_key: SECRET }), /sign_in: expected one of keys, environment/, 'config'],
  ];

  /** The commands that meet the entry, each with its exit code where the store refuses. */
  const commands = [
    ['sync from it', (link: string) => ['sync', link, 'to'], 3],
    ['sync to it', (link: string) => ['sync', 'from', link], 4],
    ['doctor', (link: string) => ['doctor', link], 4],
  ] as const;

  describe.each(commands)('%s', (command, argumentsFor, refused) => {
    it.each(cases)('%s: told in plain words, without a secret', { timeout: 10_000 }, async (_, fieldsOf, message, where) => {
      const fields = fieldsOf();
      const { buckets = '[cars]' } = fields;
      const lines = Object.entries({ provider: 'minio', ...fields, buckets }).map(
        ([name, value]) => `  ${name}: ${/^[[{]/.test(value) ? value : JSON.stringify(value)}`,
      );
      writeFileSync(at('remote_links.yml'), `cars:\n${lines.join('\n')}\n`);
      const before = namesIn(folder.path);
      const terminal = fakeTerminal(folder.path, (name) => import(name), { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata });
      const code = await runCli([...argumentsFor(`s3://${buckets.slice(1, -1)}`), '--json', ...(command === 'doctor' ? [] : ['--no-progress'])], terminal);
      const { stdout, stderr } = { stdout: terminal.stdout.text, stderr: terminal.stderr.text };
      expect(command === 'doctor' ? stderr + doctorWords(stdout) : stderr).toMatch(message);
      expect(code).toBe(where === 'config' ? 2 : refused);
      for (const line of stderr.split('\n')) expect(line).toMatch(/^(?:stowage-mirror: .*)?$/);
      expect(stderr).not.toMatch(/\n\s+at |\.ts\b|node_modules/);
      for (const canary of [...CANARIES, 'AWS4-HMAC-SHA256', 'X-Amz-Signature']) expect(stdout + stderr).not.toContain(canary);
      expect(namesIn(folder.path)).toEqual(before);
    });
  });

  /** What a diagnosis says: why nothing could be asked, or what was found. */
  const doctorWords = (stdout: string): string =>
    eventsOf(stdout)
      .flatMap(({ problem, access }) => [
        (problem as { message?: string } | undefined)?.message ?? '',
        ...Object.entries((access ?? {}) as Record<string, string>).map(([name, found]) => `${name} ${found === 'denied' ? 'DENIED' : found}`),
      ])
      .join('\n');
}
