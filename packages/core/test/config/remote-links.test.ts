import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkRemoteLinks, type ConfigProblem, parseRemoteLinks, type RemoteLinks, type RemoteLinksOptions } from '../../src/config/index.ts';

const folder = import.meta.dirname;
const sample = readFileSync(join(folder, '../samples/remote_links.yml'), 'utf8');
const certificate = (name: string): string => readFileSync(join(folder, '../fixtures/certificates', name), 'utf8');

function parse(text: string, o: Partial<RemoteLinksOptions> = {}): RemoteLinks {
  return parseRemoteLinks(text, { env: {}, folder: '/etc/stowage', ...o });
}

/** Lines joined, for texts that show their columns. */
const lines = (...text: string[]): string => text.join('\n');
const messages = (problems: readonly ConfigProblem[]): string[] => problems.map(({ message }) => message);

const cars = lines('cars:', '  provider: minio', '  endpoint: minio.local:9000', '  access_key: id', '  secret_key: made-up', '  buckets: [cars]');

describe('the published sample', () => {
  it('loads as it is', () => {
    const { entries, errors, contested } = parse(sample);
    expect(errors).toEqual([]);
    expect(contested).toEqual([]);
    expect(entries.map(({ name, provider, buckets, line }) => ({ name, provider, buckets, line }))).toEqual([
      { name: 'my-car-datasets', provider: 'minio', buckets: ['cars_2020_20_10', 'cars_2020_10_10'], line: 1 },
      { name: 'my-boats-datasets', provider: 'azure', buckets: ['boats_bucket_2020_20_10'], line: 10 },
      { name: 'my-planes-datasets', provider: 'google', buckets: ['planes_bucket_2020_20_10'], line: 16 },
      { name: 'local-datasets', provider: 'fs', buckets: ['local-datasets'], line: 21 },
    ]);
    expect(entries.map(({ settings }) => ({ ...settings }))).toEqual([
      {
        provider: 'minio',
        endpoint: 'https://s3.amazonaws.com',
        access_key: 'AKIAIOSFODNN7EXAMPLE',
        secret_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        region: 'eu-central-1',
        buckets: ['cars_2020_20_10', 'cars_2020_10_10'],
      },
      {
        provider: 'azure',
        endpoint: 'https://boatsaccount.blob.core.windows.net',
        access_key: 'boatsaccount',
        secret_key: '?sv=2024-11-04&sr=c&sp=rl&sig=bWFkZS11cC1zaWduYXR1cmU%3D',
        buckets: ['boats_bucket_2020_20_10'],
      },
      { provider: 'google', endpoint: 'https://storage.googleapis.com', credentials_path: '/secret_planes.json', buckets: ['planes_bucket_2020_20_10'] },
      { provider: 'fs', path: '/data/datasets', storage_id: 'local-datasets' },
    ]);
  });

  it('repeats a field: the last value wins, and a warning names line and field', () => {
    expect(parse(sample).warnings).toEqual([
      expect.objectContaining({
        severity: 'warning',
        source: 'remote_links.yml',
        line: 8,
        column: 3,
        path: 'my-car-datasets.secret_key',
        message: 'remote_links.yml:8:3: my-car-datasets.secret_key: repeats the field of line 5; this value is used, the earlier one is not',
      }),
    ]);
  });

  it('repeats a field: problems of it are told where the value that is used stands', () => {
    const text = lines('a:', '  provider: fs', '  path: /x', '  path: [y]');
    expect(parse(text).errors).toMatchObject([{ path: 'a.path', line: 4, column: 9, got: 'a list' }]);
  });

  it.each([
    ['CRLF', sample.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${sample}`],
    ['"---" in front', `---\n${sample}`],
  ])('loads with %s', (_what, text) => {
    expect(parse(text)).toMatchObject({ errors: [], entries: { length: 4 } });
  });
});

describe('entries', () => {
  it('are judged one by one: the others load', () => {
    const { entries, errors } = parse(lines('a:', '  provider: azur', 'b: 1', 'c:', '  provider: fs', '  path: /c', 'd:', '  provider: google', 'e: []', cars));
    expect(entries.map(({ name }) => name)).toEqual(['c', 'cars']);
    expect(messages(errors)).toEqual([
      'remote_links.yml:2:13: a.provider: expected one of minio, azure, google, fs, http; got "azur"; did you mean "azure"?',
      'remote_links.yml:3:4: b: expected fields under the name: provider, buckets and more; got a text',
      'remote_links.yml:7:1: d.buckets: expected a list of the names of buckets: [name, name]; got nothing',
      'remote_links.yml:9:4: e: expected fields under the name: provider, buckets and more; got an empty list',
    ]);
  });

  it('keep digits as they are written', () => {
    const { entries, errors } = parse(
      lines(
        'a:',
        '  provider: minio',
        '  endpoint: 10.0.0.1:9000',
        '  access_key: 00123',
        '  secret_key: 1e10',
        '  region: 0x1F',
        '  buckets: [2020, 007, 1_0, yes]',
      ),
    );
    expect(errors).toEqual([]);
    expect(entries[0]?.settings).toMatchObject({ access_key: '00123', secret_key: '1e10', region: '0x1F' });
    expect(entries[0]?.buckets).toEqual(['2020', '007', '1_0', 'yes']);
  });

  it('take a field that is left empty for one that is left out', () => {
    const { entries, errors } = parse(lines(cars, '  region:', "  iam_role: ''", '  session_token: ~'));
    expect(errors).toEqual([]);
    expect(entries[0]?.settings).not.toHaveProperty('iam_role');
    expect(messages(parse(lines('a:', '  provider: fs', '  path:')).errors)[0]).toMatch(/^remote_links\.yml:3:3: a\.path: expected .*; got nothing$/);
  });

  it('may share fields by anchors and merges', () => {
    const { entries, errors } = parse(lines(cars.replace('cars:', 'cars: &cars'), 'more:', '  <<: *cars', '  buckets: [more]'));
    expect(errors).toEqual([]);
    expect(entries.map(({ settings, buckets }) => [settings['secret_key'], buckets])).toEqual([
      ['made-up', ['cars']],
      ['made-up', ['more']],
    ]);
  });

  it('may have one name: both are used', () => {
    const { entries, errors, warnings } = parse(lines(cars, cars.replace('[cars]', '[more]')));
    expect(errors).toEqual([]);
    expect(entries.map(({ buckets }) => buckets)).toEqual([['cars'], ['more']]);
    expect(messages(warnings)).toEqual([
      'remote_links.yml:7:1: cars: repeats the name of the entry at remote_links.yml:1:1; both are used; give each a name of its own',
    ]);
  });

  it('may be named as anything', () => {
    for (const name of ['__proto__', 'constructor', 'true', 'null', '12', '"a b"', "'ü\"'"]) {
      expect(parse(cars.replace('cars:', `${name}:`)), name).toMatchObject({ errors: [], entries: [{ buckets: ['cars'] }] });
    }
  });

  it('warn of fields that nobody reads', () => {
    const { entries, warnings } = parse(lines(cars, '  regoin: eu-central-1', '  colour: red'));
    expect(Object.keys(entries[0]?.settings ?? {})).toEqual(['provider', 'endpoint', 'access_key', 'secret_key', 'buckets']);
    expect(messages(warnings)).toEqual([
      'remote_links.yml:7:11: cars.regoin: is no field that Stowage knows, and is left out; did you mean region?',
      expect.stringMatching(
        /^remote_links\.yml:8:11: cars\.colour: is no field that Stowage knows, and is left out; the fields of minio are provider, endpoint, /,
      ),
    ]);
  });

  it('of public links need no names, and may be one', () => {
    const { entries, errors, warnings } = parse('web: { provider: http, allow_hosts: [files.internal], allow_ports: [443, 9000], max_size: 10g }');
    expect([errors, warnings]).toEqual([[], []]);
    expect(entries).toMatchObject([{ name: 'web', provider: 'http', buckets: ['public'] }]);
    expect({ ...entries[0]?.settings }).toEqual({ provider: 'http', allow_hosts: ['files.internal'], allow_ports: ['443', '9000'], max_size: '10g' });
    const two = parse('a: { provider: http }\nb: { provider: http, allow_http: true }');
    expect(two.entries.flatMap(({ buckets }) => buckets)).toEqual([]);
    expect(messages(two.errors)).toEqual([
      'remote_links.yml:2:1: b: what public links may reach is said by a (remote_links.yml:1:1) and b (remote_links.yml:2:1); neither is used for it: leave it to one',
    ]);
  });

  it.each([
    ['s3', 'did you mean "minio"?'],
    ['AWS', 'did you mean "minio"?'],
    ['gcs', 'did you mean "google"?'],
    ['Azure', 'did you mean "azure"?'],
    ['googel', 'did you mean "google"?'],
    ['disk', 'did you mean "fs"?'],
    ['https', 'did you mean "http"?'],
    ['dropbox', 'got "dropbox"'],
  ])('of the provider %s are told which there are', (provider, advice) => {
    const [error] = parse(`a: { provider: ${provider}, buckets: [b] }`).errors;
    expect(error).toMatchObject({ path: 'a.provider', line: 1, column: 16, expected: 'one of minio, azure, google, fs, http', got: `"${provider}"` });
    expect(error?.message).toContain(advice);
  });

  it.each([
    ['nothing', 'a: {}', 'nothing'],
    ['a list', 'a: { provider: [minio] }', 'a list'],
    ['true', 'a: { provider: true }', 'true or false'],
    ['a long text', `a: { provider: ${'x'.repeat(40)} }`, 'a text that is no name'],
  ])('with %s for a provider are told so', (_what, text, got) => {
    expect(parse(text).errors).toEqual([expect.objectContaining({ path: 'a.provider', got })]);
  });

  it('of providers that others wrote need a name and buckets', () => {
    const text = lines('a:', '  provider: my-drive', '  token: ${TOKEN}', '  anything: { goes: here }', '  buckets: [one]', 'b:', '  provider: my-drive');
    const { entries, errors, warnings } = parse(text, { otherProviders: ['my-drive'], env: { TOKEN: 'made-up' } });
    expect(entries).toMatchObject([{ name: 'a', provider: 'my-drive', buckets: ['one'], settings: { token: 'made-up', anything: { goes: 'here' } } }]);
    expect(warnings).toEqual([]);
    expect(errors).toMatchObject([{ path: 'b.buckets' }]);
    expect(parse(text).errors[0]?.message).toContain('expected one of minio, azure, google, fs, http; got "my-drive"');
  });
});

describe('buckets', () => {
  it.each([
    ['a text', 'cars', 'buckets', 'a text'],
    ['an empty list', '[]', 'buckets', 'an empty list'],
    ['a mapping', '{ a: b }', 'buckets', 'a mapping'],
    ['a list in the list', '[cars, [more]]', 'buckets[1]', 'a list'],
    ['an empty item', '[cars, ]\n  x: [""]', undefined, undefined],
    ['a slash', '[cars, a/b]', 'buckets[1]', 'one with a "/"'],
    ['two dots', '[..]', 'buckets[0]', 'one that is "." or ".."'],
    ['a control character', '["a\\tb"]', 'buckets[0]', 'one with a control character'],
    ['true', '[true]', 'buckets[0]', 'true or false'],
  ])('%s', (_what, written, path, got) => {
    const { errors } = parse(cars.replace('[cars]', written));
    expect(errors.map((error) => ({ path: error.path, got: error.got }))).toEqual(path === undefined ? [] : [{ path: `cars.${path}`, got }]);
  });

  it('are judged no harder than a link demands', () => {
    const names = ['under_score', 'UPPER', 'a', '$root', 'dots..in', 'ünï', 'with space', 'x'.repeat(100)];
    const { entries, errors } = parse(cars.replace('[cars]', JSON.stringify(names)));
    expect(errors).toEqual([]);
    expect(entries[0]?.buckets).toEqual(names);
  });

  it('named twice in one entry count once, with a warning', () => {
    const { entries, errors, warnings } = parse(cars.replace('[cars]', '[cars, cars]'));
    expect(errors).toEqual([]);
    expect(entries[0]?.buckets).toEqual(['cars']);
    expect(messages(warnings)).toEqual(['remote_links.yml:6:19: cars.buckets[1]: repeats "cars"']);
  });

  it('claimed by two entries belong to neither; an error names both, all else loads', () => {
    const text = lines(
      cars.replace('[cars]', '[cars, old]'),
      cars.replace('cars:', 'other cars:').replace('[cars]', '[new, cars]'),
      'c: { provider: google, credentials_path: /c, buckets: [cars] }',
    );
    const { entries, errors, contested } = parse(text);
    expect(messages(errors)).toEqual([
      'remote_links.yml:7:1: "other cars": the bucket "cars" of minio is claimed by cars (remote_links.yml:1:1) and "other cars" (remote_links.yml:7:1); neither is used for it: leave it to one',
    ]);
    expect(contested).toEqual([{ provider: 'minio', bucket: 'cars', entries: ['cars', 'other cars'] }]);
    expect(entries.map(({ name, buckets }) => [name, buckets])).toEqual([
      ['cars', ['old']],
      ['other cars', ['new']],
      ['c', ['cars']],
    ]);
  });

  it('of fs are the storage ID, by default the name of the entry', () => {
    const { entries, errors } = parse(
      lines('photos:', '  provider: fs', '  path: ../photos', 'videos:', '  provider: fs', '  path: /videos', '  storage_id: my videos'),
    );
    expect(errors).toEqual([]);
    expect(entries.map(({ buckets, settings }) => [buckets, { ...settings }])).toEqual([
      [['photos'], { provider: 'fs', path: '/etc/photos', storage_id: 'photos' }],
      [['my videos'], { provider: 'fs', path: '/videos', storage_id: 'my videos' }],
    ]);
    expect(parse(lines('a/b:', '  provider: fs', '  path: /x')).errors).toMatchObject([{ path: '"a/b".storage_id', got: 'one with a "/"' }]);
    expect(messages(parse(lines('a: { provider: fs, path: /x, storage_id: b }', 'b: { provider: fs, path: /y }')).errors)[0]).toContain(
      'the storage ID "b" of fs is claimed by a (remote_links.yml:1:1) and b (remote_links.yml:2:1)',
    );
  });
});

describe('fields of fs', () => {
  it.each([
    ['create: true', undefined],
    ['create: yes', 'a.create: expected true or false; got a text'],
    ['symlinks: skip', undefined],
    ['symlinks: all', 'a.symlinks: expected files or skip; got a text'],
    ['durability: none', undefined],
    ['durability: false', 'a.durability: expected full or none; got true or false'],
    ['path: [x]', 'a.path: expected a text, "${NAME}" for a variable of the environment, or { file: path }; got a list'],
  ])('%s', (field, message) => {
    const { entries, errors, warnings } = parse(lines('a:', '  provider: fs', '  path: /x', `  ${field}`));
    expect(errors.map((error) => error.message.replace(/^\S+ /, ''))).toEqual(message === undefined ? [] : [message]);
    expect(entries).toHaveLength(message === undefined ? 1 : 0);
    expect(warnings).toHaveLength(field.startsWith('path') ? 1 : 0);
  });
});

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

describe('a file that is broken', () => {
  it.each([
    ['an unclosed quote', lines('a:', '  provider: "minio', 'b:', '  x: 1'), undefined, 'something is not closed'],
    ['an unclosed bracket', lines('a:', '  buckets: [x, y', 'b: 1'), 3, 'indentation'],
    ['a tab', lines('a:', '\tprovider: minio'), 2, 'a tab in the indentation: use spaces'],
    ['no colon', lines('a:', '  provider minio', '  buckets: [x]'), 2, undefined],
    ['a colon in a text', lines('a:', '  path: b: c'), 2, 'a text with ": " in it must be in quotes'],
    ['a field too far left', lines('a:', '    provider: fs', '  path: /x'), 3, 'fields of one entry begin in one column'],
    ['an unknown escape', lines('a:', '  path: "C:\\data"'), 2, 'unknown escape'],
    ['a text that begins with @', lines('a:', '  secret_key: @canary'), 2, 'put it in quotes'],
    ['two documents', lines('a: {}', '---', 'b: {}'), 2, 'a second document'],
    ['text alone', 'canary', 1, 'expected a mapping of entries'],
    ['a list', '- a: 1', 1, 'got a list'],
  ])('by %s: one message with line and column', (_what, text, line, message) => {
    const { entries, errors, warnings } = parse(text);
    expect(entries).toEqual([]);
    expect(warnings).toEqual([]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ source: 'remote_links.yml', column: expect.any(Number), ...(line === undefined ? {} : { line }) });
    expect(errors[0]?.message).toMatch(/^remote_links\.yml:\d+:\d+: [^\n]+$/);
    expect(errors[0]?.message).toContain(message ?? '');
    expect(errors[0]?.message).not.toContain('canary');
  });

  it.each([
    ['begins with "*", which YAML takes for an alias', '*canary'],
    ['begins with "!", which YAML takes for a tag', '!canary x'],
  ])('in one value, which %s: the other entries load', (message, written) => {
    const { entries, errors } = parse(lines(cars.replace('made-up', written), 'b: { provider: fs, path: /b }'));
    expect(entries.map(({ name }) => name)).toEqual(['b']);
    expect(messages(errors)).toEqual([`remote_links.yml:5:15: cars.secret_key: ${message}; put it in quotes if it is meant as text`]);
  });

  it.each(['? { canary: x }\n: { provider: fs, path: /x }', 'a: { ? { secret_key: canary } : x }', 'a: { ? [canary] }', 'a: { ? &x canary : y, *x : z }'])(
    'in a name: %j',
    (text) => {
      const { entries, errors } = parse(lines(text, cars));
      expect(entries.map(({ name }) => name)).toEqual(['cars']);
      expect(errors).toMatchObject([{ line: 1, expected: 'a name' }]);
      expect(JSON.stringify(errors)).not.toContain('canary');
    },
  );

  it('by aliases that multiply: one message', () => {
    const bomb = lines(
      'a: &a [x, x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdef'[i]}`).join(', ')}]`),
    );
    const { entries, errors } = parse(bomb);
    expect(entries).toEqual([]);
    expect(errors.length).toBeGreaterThan(0);
    for (const { message } of errors) expect(message.length).toBeLessThan(300);
  });

  it.each([
    ['a:\n  <<: 3\n'],
    ['a:\n  <<: [1]\n'],
    ['a: &a {<<: *a}'],
    ['a: { provider: fs, path: /x, y: &y [*y] }'],
    ['a: &a { b: *a }'],
    ['['.repeat(20_000)],
    ['- '.repeat(20_000)],
  ])('that runs in circles or too deep: %#', (text) => {
    const { errors, warnings } = parse(text);
    expect([...errors, ...warnings].length).toBeGreaterThan(0);
  });

  it.each([[''], ['\n\n'], ['# nothing yet\n'], ['---\n'], ['{}'], ['~']])('%j has no entries, which is told', (text) => {
    expect(parse(text)).toMatchObject({ entries: [], errors: [], warnings: [{ message: 'remote_links.yml: has no entries' }] });
  });

  it('in any way at all never throws', () => {
    const pieces = fc.constantFrom(
      ...sample.split(/(?<=[\n :[\],])/),
      '&x ',
      '*x',
      '<<: ',
      '? ',
      '!t ',
      '|\n',
      '>-\n',
      '"',
      "'",
      '{',
      '}',
      '%',
      '@',
      '\t',
      '${X}',
      '{ file: x }',
      '\0',
      '\ud800',
      '\u2028',
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { errors, warnings } = parse(text);
        for (const { message } of [...errors, ...warnings]) expect(message).not.toMatch(/[\n\r\u0000-\u0008]/);
      }),
      { numRuns: 3_000 },
    );
  });
});
