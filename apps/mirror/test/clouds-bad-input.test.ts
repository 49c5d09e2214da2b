import { type FaultServer, faultServer, serverOrReason, startAzurite, startStrictGcs } from '@stowage/test-servers';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { eventsOf, namesIn, plant, useFolder } from './command.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { accountSas, plainAzure } from './plain/plain-azure.ts';
import { plainGcs } from './plain/plain-gcs.ts';

const started = await serverOrReason(async () => ({
  azurite: await startAzurite(),
  gcs: await startStrictGcs(),
  skewed: await startStrictGcs({ clockOffsetMs: 3_700_000 }),
}));
const folder = useFolder();
const at = (name: string): string => join(folder.path, name);

/** Base64 of 64 bytes, spelled so that no ordinary text holds it. */
const SECRET = Buffer.from('canary of an account key which nobody may ever see, sixty-four b').toString('base64');
const { privateKey: ANOTHER_KEY } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

type Fields = Readonly<Record<string, string>>;

/** What, the fields of the entry, what the message says, and whether the entry itself is refused, before any request. */
type Case = [what: string, fields: () => Fields, message: RegExp, where?: 'config'];

if (started.server === undefined) test('bad input over Azure and Google', ({ skip }) => skip(started.missing));
else {
  const { azurite, gcs, skewed } = started.server;
  afterAll(async () => {
    for (const server of [azurite, gcs, skewed]) await server.stop();
    await echoing[Symbol.asyncDispose]();
  }, 60_000);

  let container: string;
  let bucket: string;
  /** Repeats what it is asked, as the service does where a signature is wrong. */
  let echoing: FaultServer;
  beforeAll(async () => {
    const [azure, google] = [plainAzure(azurite), plainGcs({ endpoint: gcs.endpoint, credentials: gcs.owner.credentials, fields: [] })];
    echoing = await faultServer((incoming, answer) => {
      const { authorization = '' } = incoming.headers;
      const detail = `<AuthenticationErrorDetail>The MAC signature found in the HTTP request '${authorization}' is not the same as any computed signature with ${SECRET}</AuthenticationErrorDetail>`;
      const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message>${detail}</Error>`;
      answer.writeHead(403, { 'content-type': 'application/xml', 'x-ms-error-code': 'AuthenticationFailed', 'content-length': body.length });
      answer.end(incoming.method === 'HEAD' ? undefined : body);
      return true;
    });
    container = await azure.make();
    bucket = await google.make();
    await azure.put(container, 'a', '1');
    await google.put(bucket, 'a', '1');
  });

  const { account } = azurite;
  const key = (): Fields => ({ endpoint: azurite.endpoint, access_key: account.name, secret_key: account.key });
  const sas = (...[options]: [Parameters<typeof accountSas>[1]]): Fields => ({ ...key(), secret_key: `?${accountSas(azurite, options)}` });
  const onAzure: Case[] = [
    // The service says AuthenticationFailed; the emulator has one word for every refusal.
    ['a wrong key', () => ({ ...key(), secret_key: SECRET }), /these credentials may not list the container|list DENIED/],
    [
      'a wrong key, as the service tells it',
      () => ({ ...key(), secret_key: SECRET, endpoint: `${echoing.endpoint}/${account.name}` }),
      /the account key is not one of this account's two/,
    ],
    ['a key that is cut', () => ({ ...key(), secret_key: SECRET.slice(0, 51) }), /secret_key: expected the account key \(base64\)/, 'config'],
    ['a SAS that has expired', () => sas({ end: new Date('2026-01-02T03:04:05Z') }), /expired on 2026-01-02/],
    ['a SAS that lacks every letter that is needed', () => sas({ letters: 'x' }), /the SAS lacks "l" \(list\)|"l \(list\)"/],
    [
      'a SAS that was tampered with',
      () => ({ ...key(), secret_key: `?${accountSas(azurite, { letters: 'r' }).replace('sp=r', 'sp=rwdlc')}` }),
      /these credentials may not list the container|list DENIED/,
    ],
    ['a SAS without its question mark', () => ({ ...key(), secret_key: accountSas(azurite) }), /put a "\?" before the SAS token/, 'config'],
    ['a container that is missing', () => ({ ...key(), buckets: '[nowhere-to-be-found]' }), /there is no container "nowhere-to-be-found" at/],
    [
      'a page of the portal',
      () => ({ ...key(), endpoint: 'https://portal.azure.com/#@t/resource/x' }),
      /a page of the Azure portal, which is for browsers/,
      'config',
    ],
    ['the Data Lake endpoint', () => ({ ...key(), endpoint: `https://${account.name}.dfs.core.windows.net` }), /write https:\/\/\w+\.blob\.core/, 'config'],
    ['a port that nobody listens at', () => ({ ...key(), endpoint: `http://127.0.0.1:1/${account.name}` }), /nobody listens at http:\/\/127\.0\.0\.1:1/],
    [
      'an endpoint that is misspelt',
      () => ({ ...key(), endpoint: `http://azure.invalid/${account.name}` }),
      /there is no host azure\.invalid|could not be looked up/,
    ],
    ['https for http', () => ({ ...key(), endpoint: azurite.endpoint.replace('http:', 'https:') }), /does not speak TLS; write the endpoint with http:\/\//],
    ['no sign-in', () => ({ endpoint: azurite.endpoint }), /access_key: expected the name of the storage account/, 'config'],
    ['two ways to sign in', () => ({ ...key(), sign_in: 'anonymous' }), /secret_key: expected one way to sign in/, 'config'],
  ];

  const google = (): Fields => ({ endpoint: gcs.endpoint, credentials_path: 'account.json', token_endpoint: `${gcs.endpoint}/token` });
  const file = (name: string, change: (fields: Record<string, unknown>) => unknown, text = gcs.owner.credentials): Fields => {
    const changed = change(JSON.parse(text) as Record<string, unknown>);
    writeFileSync(at(name), typeof changed === 'string' ? changed : JSON.stringify(changed));
    return { ...google(), credentials_path: name };
  };
  const onGoogle: Case[] = [
    [
      "another account's key",
      () => file('wrong.json', (fields) => ({ ...fields, private_key: ANOTHER_KEY })),
      /does not know the key of the service account owner@/,
    ],
    [
      'an account that is not known',
      () => file('gone.json', (fields) => ({ ...fields, client_email: 'gone@x.iam.gserviceaccount.com' })),
      /does not know the service account gone@x\.iam/,
    ],
    ['an account that may do nothing', () => file('nobody.json', (fields) => fields, gcs.nobody.credentials), /storage\.objects\.list/],
    [
      "a person's credentials",
      () => file('person.json', () => ({ type: 'authorized_user', client_id: 'x', client_secret: SECRET, refresh_token: SECRET })),
      /expected the type service_account, got authorized_user/,
    ],
    ['a file without its key', () => file('keyless.json', ({ private_key: _, ...fields }) => fields), /the field private_key is missing; download/],
    [
      'a key that is none',
      () => file('broken.json', (fields) => ({ ...fields, private_key: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n` })),
      /private_key holds no RSA key in PEM/,
    ],
    ['a file that is no JSON', () => file('text.json', () => `key=${SECRET}`), /text\.json" is no JSON; expected a service account's key file/],
    ['a file that is not there', () => ({ ...google(), credentials_path: 'none.json' }), /there is no file ".*none\.json"/],
    ['a bucket that is missing', () => ({ ...google(), buckets: '[nowhere-to-be-found]' }), /there is no bucket "nowhere-to-be-found"/],
    ['the console', () => ({ ...google(), endpoint: 'https://console.cloud.google.com/storage/browser/b' }), /Google's page for people in a browser/, 'config'],
    ['a port that nobody listens at', () => ({ ...google(), endpoint: 'http://127.0.0.1:1' }), /nobody listens at http:\/\/127\.0\.0\.1:1/],
    ['a token endpoint that nobody listens at', () => ({ ...google(), token_endpoint: 'http://127.0.0.1:1/token' }), /token endpoint http:\/\/127\.0\.0\.1:1/],
    [
      'a clock that is an hour off',
      () => ({ ...file('late.json', (fields) => fields, skewed.owner.credentials), endpoint: skewed.endpoint, token_endpoint: `${skewed.endpoint}/token` }),
      /this machine's clock is wrong; set it right/,
    ],
    ['https for http', () => ({ ...google(), endpoint: gcs.endpoint.replace('http:', 'https:') }), /does not speak TLS; write the endpoint with http:\/\//],
    [
      "another cloud's key",
      () => ({ endpoint: gcs.endpoint, access_key: 'a', secret_key: SECRET }),
      /credentials_path: expected the path of the service account's JSON file/,
      'config',
    ],
  ];

  beforeEach(() => {
    plant(at('from'), { x: '1' });
    writeFileSync(at('account.json'), gcs.owner.credentials);
  });

  /** The commands that meet the entry, each with its exit code where the store refuses. */
  const commands = [
    ['sync from it', (link: string) => ['sync', link, 'to', '--no-progress'], 3],
    ['sync to it', (link: string) => ['sync', 'from', link, '--no-progress'], 4],
    ['doctor', (link: string) => ['doctor', link], 4],
  ] as const;
  const secrets = [SECRET, account.key, ANOTHER_KEY, ...[gcs, skewed].flatMap(({ owner, nobody }) => [owner, nobody].map((one) => keyOf(one.credentials)))];
  const canaries = [
    ...secrets.flatMap((secret) => [secret, ...secret.split('\n').filter((line) => line.length > 40), encodeURIComponent(secret)]),
    'BEGIN PRIVATE KEY',
    'sig=',
    'SharedKey ',
    'Bearer ',
    'ya29.',
  ];

  const stores = [
    ['azure', onAzure, () => container],
    ['google', onGoogle, () => bucket],
  ] as const;
  describe.each(stores.flatMap(([provider, cases, name]) => commands.map(([what, args, refused]) => [provider, what, cases, name, args, refused] as const)))(
    '%s: %s',
    (provider, what, cases, name, argumentsFor, refused) => {
      it.each(cases)('%s: told in plain words, without a secret', { timeout: 10_000 }, async (_, fieldsOf, message, where) => {
        const { buckets = `[${name()}]`, ...fields } = fieldsOf();
        const lines = Object.entries({ provider, ...fields }).map(([field, value]) => `  ${field}: ${JSON.stringify(value)}`);
        writeFileSync(at('remote_links.yml'), `entry:\n${lines.join('\n')}\n  buckets: ${buckets}\n`);
        const before = namesIn(folder.path);
        const terminal = fakeTerminal(folder.path, (packageName) => import(packageName));
        const code = await runCli([...argumentsFor(`${provider}://${buckets.slice(1, -1)}`), '--json'], terminal);
        const { stdout, stderr } = { stdout: terminal.stdout.text, stderr: terminal.stderr.text };
        expect(what === 'doctor' ? stderr + doctorWords(stdout) : stderr).toMatch(message);
        expect(code).toBe(where === 'config' ? 2 : refused);
        for (const line of stderr.split('\n')) expect(line).toMatch(/^(?:stowage-mirror: .*)?$/);
        expect(stderr).not.toMatch(/\n\s+at |\.ts\b|node_modules/);
        for (const canary of canaries) expect(stdout + stderr).not.toContain(canary);
        expect(namesIn(folder.path)).toEqual(before);
      });
    },
  );

  /** What a diagnosis says: why nothing could be asked, or what was found. */
  const doctorWords = (stdout: string): string =>
    eventsOf(stdout)
      .flatMap(({ problem, access, missing }) => [
        (problem as { message?: string } | undefined)?.message ?? '',
        ...Object.entries((access ?? {}) as Record<string, string>).map(([name, found]) => `${name} ${found === 'denied' ? 'DENIED' : found}`),
        JSON.stringify(missing),
      ])
      .join('\n');
}

function keyOf(credentials: string): string {
  return (JSON.parse(credentials) as { private_key: string }).private_key;
}
