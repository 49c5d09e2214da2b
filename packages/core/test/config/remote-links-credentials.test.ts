import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRemoteLinks, type RemoteLinks } from '../../src/config/index.ts';
import { cars, lines, messages, parse } from './remote-links-text.ts';

const certificate = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures/certificates', name), 'utf8');

describe('references', () => {
  const files: Readonly<Record<string, string>> = { '/etc/stowage/secret.txt': 'from the file\n', '/run/key': ' from\nanother \n\r\n', '/run/empty': '\n' };
  const readFile = (path: string): Uint8Array => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('canary'), { code: 'ENOENT' });
    return Buffer.from(text);
  };
  const secret = (written: string): string => cars.replace('made-up', written);

  it.each([
    ['a variable', '${CARS_KEY}', 'from the environment'],
    ['a variable in quotes', '"${CARS_KEY}"', 'from the environment'],
    ['a file beside the configuration', '{ file: secret.txt }', 'from the file'],
    ['a file elsewhere, which loses its last line end alone', '{ file: /run/key }', ' from\nanother \n'],
    ['what only looks like one', "'$CARS_KEY'", '$CARS_KEY'],
    ['what only looks like one', '${}', '${}'],
  ])('%s', (_what, written, value) => {
    const { entries, errors, warnings } = parse(secret(written), { env: { CARS_KEY: 'from the environment' }, readFile });
    expect(errors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(entries[0]?.settings['secret_key']).toBe(value);
  });

  it('stand in lists too', () => {
    const { entries, errors } = parse(cars.replace('[cars]', '["${ONE}", two]'), { env: { ONE: 'one' } });
    expect(errors).toEqual([]);
    expect(entries[0]?.buckets).toEqual(['one', 'two']);
  });

  it('are whole values: one within a text is told', () => {
    const { entries, warnings } = parse(secret('a-${CARS_KEY}'), { env: { CARS_KEY: 'x' } });
    expect(entries[0]?.settings['secret_key']).toBe('a-${CARS_KEY}');
    expect(messages(warnings)).toEqual([
      'remote_links.yml:5:15: cars.secret_key: holds "${…}" beside other text, and is taken as it is; a variable is replaced only where it is the whole value',
    ]);
  });

  it.each([
    ['${MISSING}', 'expected the variable MISSING of the environment; got none of that name; set MISSING'],
    ['${EMPTY}', 'expected the variable EMPTY of the environment; got an empty one; set EMPTY'],
    ['${constructor}', 'expected the variable constructor of the environment; got none of that name; set constructor'],
    ['{ file: none.txt }', 'expected a file with the value; got "/etc/stowage/none.txt", which does not exist'],
    ['{ file: /run/empty }', 'expected a file with the value; got "/run/empty", which is empty'],
    ['{ file: [a] }', 'expected a text, "${NAME}" for a variable of the environment, or { file: path }; got a mapping'],
    ['{ file: a, more: b }', 'expected a text, "${NAME}" for a variable of the environment, or { file: path }; got a mapping'],
  ])('%s is an error at its place', (written, message) => {
    const { errors } = parse(secret(written), { env: { EMPTY: '' }, readFile });
    expect(messages(errors)).toEqual([`remote_links.yml:5:15: cars.secret_key: ${message}`]);
  });

  it('to files need a reader', () => {
    expect(messages(parse(secret('{ file: /run/key }')).errors)).toEqual(['remote_links.yml:5:15: cars.secret_key: this program takes no values from files']);
  });
});

describe('credentials', () => {
  const minio = (...fields: string[]): string => lines('a:', '  provider: minio', ...fields.map((field) => `  ${field}`), '  buckets: [b]');

  it.each([
    ['no endpoint', ['access_key: i', 'secret_key: s'], ['a.endpoint: expected the host of the service, such as s3.amazonaws.com; got nothing']],
    ['no keys', ['endpoint: s3.amazonaws.com'], ['a.access_key: expected access_key and secret_key, or iam_role; got neither']],
    [
      'half a pair',
      ['endpoint: s3.amazonaws.com', 'access_key: i'],
      ['a.secret_key: expected access_key and secret_key, or iam_role; got the access key alone'],
    ],
    [
      'the other half',
      ['endpoint: s3.amazonaws.com', 'secret_key: s'],
      ['a.access_key: expected access_key and secret_key, or iam_role; got the secret key alone'],
    ],
    [
      'a role off AWS',
      ['endpoint: https://minio.local', 'iam_role: r'],
      [
        'a.iam_role: roles exist on AWS alone; expected an endpoint of amazonaws.com; got https://minio.local; remove iam_role, or change endpoint and provider',
      ],
    ],
    [
      'a role at a host that only ends alike',
      ['endpoint: evilamazonaws.com', 'iam_role: r'],
      [
        'a.iam_role: roles exist on AWS alone; expected an endpoint of amazonaws.com; got https://evilamazonaws.com; remove iam_role, or change endpoint and provider',
      ],
    ],
  ])('%s is refused', (_what, fields, expected) => {
    const { entries, errors } = parse(minio(...fields));
    expect(entries).toEqual([]);
    expect(messages(errors).map((message) => message.replace(/^\S+ /, ''))).toEqual(expected);
  });

  it.each(['s3.amazonaws.com', 'https://s3.eu-central-1.amazonaws.com', 's3.cn-north-1.amazonaws.com.cn:443'])('a role at %s needs no keys', (endpoint) => {
    expect(parse(minio(`endpoint: ${endpoint}`, 'iam_role: r'))).toMatchObject({ errors: [], warnings: [], entries: [{ settings: { iam_role: 'r' } }] });
  });

  it.each([
    ['by name', ['endpoint: s3.amazonaws.com', 'sign_in: anonymous'], { sign_in: 'anonymous' }],
    ['by profile', ['endpoint: s3.amazonaws.com', 'profile: work', 'duration_seconds: 900'], { profile: 'work', duration_seconds: '900' }],
    [
      'by a token',
      ['endpoint: s3.amazonaws.com', 'iam_role: r', 'web_identity_token_file: token'],
      { iam_role: 'r', web_identity_token_file: '/etc/stowage/token' },
    ],
    [
      'by keys that assume a role, of any server',
      ['endpoint: https://minio.local', 'iam_role: arn:aws:iam:::role/r', 'access_key: i', 'secret_key: s', 'sts_endpoint: https://minio.local'],
      { iam_role: 'arn:aws:iam:::role/r', access_key: 'i', secret_key: 's', sts_endpoint: 'https://minio.local' },
    ],
  ])('other ways to sign in reach the provider whole: %s', (_what, fields, expected) => {
    const { entries, errors, warnings } = parse(minio(...fields));
    expect([errors, warnings]).toEqual([[], []]);
    expect(entries[0]?.settings).toMatchObject(expected);
  });

  it('what an S3 server needs told reaches the provider, an authority from its file', () => {
    const fields = ['endpoint: minio:9000', 'access_key: i', 'secret_key: s'];
    const { entries, errors, warnings } = parse(
      minio(...fields, 'store: minio', 'transport: sdk', 'etag_is_md5: true', 'versioned: false', 'ca: { file: ca.pem }'),
      { readFile: (path) => Buffer.from(`PEM of ${path}\n`) },
    );
    expect([errors, warnings]).toEqual([[], []]);
    expect(entries[0]?.settings).toMatchObject({ store: 'minio', transport: 'sdk', etag_is_md5: true, versioned: false, ca: 'PEM of /etc/stowage/ca.pem' });
    const wrong = parse(minio(...fields, 'store: ceph', 'transport: fast', 'etag_is_md5: "yes"', 'versioned: 1', 'ca: [x]'));
    expect(wrong.entries).toEqual([]);
    expect(messages(wrong.errors).map((message) => message.replace(/^\S+ /, ''))).toEqual([
      'a.store: expected one of aws, minio, versitygw, s3; got a text',
      'a.ca: expected a text, "${NAME}" for a variable of the environment, or { file: path }; got a list',
      'a.transport: expected lean or sdk; got a text',
      'a.etag_is_md5: expected true or false; got a text',
      'a.versioned: expected true or false; got a text',
    ]);
  });

  it('a role wins over keys beside it, with a warning', () => {
    const { entries, errors, warnings } = parse(minio('endpoint: s3.amazonaws.com', 'iam_role: r', 'access_key: i', 'secret_key: s'));
    expect(errors).toEqual([]);
    expect(Object.keys(entries[0]?.settings ?? {})).toEqual(['provider', 'endpoint', 'iam_role', 'buckets']);
    expect(messages(warnings)).toEqual(['remote_links.yml:4:13: a.iam_role: is used; access_key and secret_key beside it are not; remove one or the other']);
  });

  it.each([
    ['azure', lines('a:', '  provider: azure', '  access_key: acc', '  secret_key: ?sig=x', '  iam_role: r', '  buckets: [b]')],
    ['google', lines('a:', '  provider: google', '  credentials_path: /c', '  iam_role: r', '  buckets: [b]')],
  ])('a role with %s is refused', (provider, text) => {
    expect(parse(text)).toMatchObject({ entries: [], errors: [{ path: 'a.iam_role', expected: 'the provider minio', got: provider }] });
  });

  it.each([
    ['an account key', 'bWFkZSB1cA==', undefined],
    ['a SAS token', '?sv=1&sig=x', undefined],
    ['a SAS token without its mark', 'sv=1&sig=canary', 'put a "?" before the SAS token'],
    ['base64 without padding', 'Y2FuYXJ5XQ', 'got a text that is neither'],
    ['base64url', 'Y2FuY_J5XQ==', 'got a text that is neither'],
    ['base64 with a stray character', 'Y2Fu*YXJ5XQ==', 'got a text that is neither'],
  ])('azure: %s', (_what, secret, advice) => {
    const { entries, errors } = parse(lines('a:', '  provider: azure', '  access_key: acc', `  secret_key: "${secret}"`, '  buckets: [b]'));
    if (advice === undefined) expect(entries[0]?.settings).toMatchObject({ secret_key: secret, endpoint: 'https://acc.blob.core.windows.net' });
    else expect(errors).toMatchObject([{ path: 'a.secret_key', line: 4, column: 15, message: expect.stringContaining(advice) }]);
  });
});

describe('the ways to sign in to Azure', () => {
  const connection = 'DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=Y2FuYXJ5';

  it.each([
    ['a connection string, which has its own endpoint', { connection_string: connection }, { connection_string: connection }],
    [
      "the machine's identity",
      { access_key: 'acc', sign_in: 'managed_identity', client_id: 'c-1' },
      { endpoint: 'https://acc.blob.core.windows.net', sign_in: 'managed_identity', client_id: 'c-1' },
    ],
    ['none, for what is open to everyone', { endpoint: 'https://acc.blob.core.windows.net', sign_in: 'anonymous' }, { sign_in: 'anonymous' }],
  ])('take %s', (_what, fields, expected) => {
    const { entries, errors } = checkRemoteLinks({ a: { provider: 'azure', buckets: ['b'], ...fields } }, { env: {}, folder: '/' });
    expect(errors).toEqual([]);
    expect(entries[0]?.settings).toMatchObject(expected);
  });

  it.each([
    ['a key beside a connection string', { connection_string: connection, access_key: 'acc', secret_key: 'Y2FuYXJ5' }, 'secret_key', 'one way to sign in'],
    ['an identity beside a connection string', { connection_string: connection, sign_in: 'managed_identity' }, 'sign_in', 'one way to sign in'],
    ['a key beside anonymous access', { access_key: 'acc', secret_key: 'Y2FuYXJ5', sign_in: 'anonymous' }, 'secret_key', 'one way to sign in'],
    [
      'a page of the portal',
      { endpoint: 'https://portal.azure.com/#@x/resource/y', access_key: 'acc', secret_key: 'Y2FuYXJ5' },
      'endpoint',
      'https://<account>.blob.core.windows.net',
    ],
  ])('refuse %s', (_what, fields, field, expected) => {
    const { entries, errors } = checkRemoteLinks({ a: { provider: 'azure', buckets: ['b'], ...fields } }, { env: {}, folder: '/' });
    expect(entries).toEqual([]);
    expect(errors).toMatchObject([{ path: `a.${field}`, expected }]);
    expect(JSON.stringify(errors)).not.toContain('Y2FuYXJ5');
  });
});

describe('IAM Roles Anywhere', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const client = certificate('client.pem');
  const entry = (cert: string, keyText: string, over: object = {}): Readonly<Record<string, unknown>> => ({
    anywhere: {
      provider: 'minio',
      trust_anchor_arn: 'arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/1',
      profile_arn: 'arn:aws:rolesanywhere:eu-central-1:123456789012:profile/2',
      iam_role: 'arn:aws:iam::123456789012:role/storage',
      iam_role_cert: cert,
      iam_role_key: keyText,
      region: 'eu-central-1',
      buckets: ['b'],
      ...over,
    },
  });
  const check = (value: Readonly<Record<string, unknown>>): RemoteLinks => checkRemoteLinks(value, { env: {}, folder: '/' });

  it.each([
    ['base64 in one line', base64(client), base64(key)],
    ['wrapped base64', base64(client).replace(/.{76}/g, '$&\n'), base64(key).replace(/.{64}/g, '$&\r\n  ')],
    ['raw PEM', client, key],
    ['PEM whose line ends became spaces', client.replaceAll('\n', ' '), key.replaceAll('\n', ' ')],
    ['PEM whose line ends became "\\n"', client.replaceAll('\n', '\\n'), key.replaceAll('\n', '\\n')],
  ])('takes %s', (_what, cert, keyText) => {
    const { entries, errors } = check(entry(cert, keyText));
    expect(errors).toEqual([]);
    expect(entries[0]?.settings).toMatchObject({ endpoint: 'https://s3.amazonaws.com', iam_role_cert: client, iam_role_key: key });
  });

  it('takes PKCS#1 and SEC1 keys, and intermediates behind the certificate', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    for (const keyText of [rsa, sec1, `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`]) {
      expect(check(entry(base64(client + certificate('ca.pem')), base64(keyText))).errors).toEqual([]);
    }
  });

  const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  it.each([
    ["a CA's certificate", base64(certificate('ca.pem')), key, 'iam_role_cert', "got a CA's certificate; take the one that the CA issued for this client"],
    ['the fields swapped', base64(key), base64(client), 'iam_role_cert', 'got a private key; it belongs into iam_role_key'],
    ['certificate and key in one', client + key, key, 'iam_role_cert', 'got a private key; it belongs into iam_role_key'],
    ["a certificate in the key's place", client, base64(client), 'iam_role_key', 'got a certificate; it belongs into iam_role_cert'],
    ['a public key', client, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'iam_role_key', 'got PEM of another kind'],
    ['an encrypted key', client, base64(encrypted), 'iam_role_key', 'got an encrypted private key; decrypt it first'],
    [
      'an old encrypted key',
      client,
      key.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n'),
      'iam_role_key',
      'got an encrypted private key',
    ],
    ['base64 with a stray character', `${base64(client).slice(0, 40)}*${base64(client).slice(41)}`, key, 'iam_role_cert', 'got text that is neither'],
    ['base64 cut short', base64(client).slice(0, 401), key, 'iam_role_cert', 'got text that is neither'],
    ['base64 of PEM cut short', base64(client.slice(0, 400)), key, 'iam_role_cert', 'got damaged PEM'],
    ['base64 of something else', base64('canary'), key, 'iam_role_cert', 'got base64 of something that is no PEM'],
    ['a damaged certificate', client.replace(/M.{19}/, 'MIIB'.repeat(5)), key, 'iam_role_cert', 'got a damaged certificate'],
    ['a damaged key', client, key.replace(/M.{19}/, 'MIIB'.repeat(5)), 'iam_role_key', 'got a damaged private key'],
    ['a path', '/etc/client.pem', key, 'iam_role_cert', "expected base64 of the client's certificate in PEM, or the PEM itself"],
  ])('refuses %s', (_what, cert, keyText, field, message) => {
    const { entries, errors } = check(entry(cert, keyText));
    expect(entries).toEqual([]);
    expect(errors[0]).toMatchObject({ path: `anywhere.${field}`, message: expect.stringContaining(message) });
  });

  it.each(['trust_anchor_arn', 'profile_arn', 'iam_role', 'iam_role_cert', 'iam_role_key'])('needs %s', (field) => {
    const { errors } = check(entry(client, key, { [field]: null }));
    expect(errors).toMatchObject([
      {
        path: `anywhere.${field}`,
        expected: 'all of trust_anchor_arn, profile_arn, iam_role, iam_role_cert, iam_role_key for IAM Roles Anywhere',
        got: 'nothing',
      },
    ]);
  });

  it('stands alone: keys beside it are refused', () => {
    expect(check(entry(client, key, { access_key: 'i', secret_key: 's' })).errors.map(({ path }) => path)).toEqual([
      'anywhere.access_key',
      'anywhere.secret_key',
    ]);
  });
});
