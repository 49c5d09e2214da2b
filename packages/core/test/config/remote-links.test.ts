import { describe, expect, it } from 'vitest';
import { cars, lines, messages, parse, sample } from './remote-links-text.ts';

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
