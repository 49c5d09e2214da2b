import { describe, expect, it } from 'vitest';

import { type LoadConfigOptions, type LoadedConfig, loadConfig } from '../../src/config/index.ts';

const entry = (bucket: string): string => `${bucket}: { provider: minio, endpoint: minio, access_key: i, secret_key: "\${KEY}", buckets: [${bucket}] }\n`;

function load(files: Readonly<Record<string, string | Uint8Array | { code: string }>>, o: Partial<LoadConfigOptions> = {}): LoadedConfig {
  const readFile = (path: string): Uint8Array => {
    const content = files[path] ?? { code: 'ENOENT' };
    if (typeof content === 'string') return Buffer.from(content);
    if (content instanceof Uint8Array) return content;
    throw Object.assign(new Error('canary'), content);
  };
  return loadConfig({ env: { KEY: 'made-up', ...o.env }, cwd: '/work', readFile, ...Object.fromEntries(Object.entries(o).filter(([name]) => name !== 'env')) });
}

const all = {
  '/work/remote_links.yml': entry('here'),
  '/remote_links.yml': entry('root'),
  '/work/env.yml': entry('named'),
  '/opt/option.yml': entry('option'),
};
const buckets = ({ entries }: LoadedConfig): string[] => entries.flatMap((one) => [...one.buckets]);

describe('loadConfig', () => {
  it.each([
    ['--config first', all, { configPath: '/opt/option.yml', env: { STOWAGE_CONFIG: 'env.yml' } }, ['option'], '/opt/option.yml'],
    ['then STOWAGE_CONFIG', all, { env: { STOWAGE_CONFIG: 'env.yml' } }, ['named'], '/work/env.yml'],
    ['then the folder of the call', all, {}, ['here'], '/work/remote_links.yml'],
    ['and an empty STOWAGE_CONFIG is none', all, { env: { STOWAGE_CONFIG: '' } }, ['here'], '/work/remote_links.yml'],
    ['then the root', { '/remote_links.yml': entry('root') }, {}, ['root'], '/remote_links.yml'],
    ['then nothing but the main storage', {}, {}, [], undefined],
  ] as const)('looks for %s', (_what, files, o, found, file) => {
    const config = load(files, o);
    expect(config.errors).toEqual([]);
    expect(buckets(config)).toEqual(found);
    expect(config.file).toBe(file);
    expect(config.main?.provider).toBe('fs');
  });

  it('never goes past a file that was asked for', () => {
    const missing = load(all, { configPath: 'none.yml' });
    expect(missing.entries).toEqual([]);
    expect(missing.errors.map(({ message }) => message)).toEqual([
      'none.yml: expected a file of storages, as --config says; got "/work/none.yml", which does not exist',
    ]);
    expect(load(all, { env: { STOWAGE_CONFIG: '/none/x.yml' } }).errors.map(({ message }) => message)).toEqual([
      '/none/x.yml: expected a file of storages, as STOWAGE_CONFIG says; got "/none/x.yml", which does not exist',
    ]);
  });

  it.each([
    [{ code: 'EACCES' }, 'which this program may not read'],
    [{ code: 'EISDIR' }, 'which is a folder'],
    [{ code: 'EIO' }, 'which cannot be read (EIO)'],
    [Buffer.from('a: \xff', 'latin1'), 'which is not UTF-8 text: save it as UTF-8'],
    [Buffer.from('\ufeffa: b', 'utf16le'), 'which is not UTF-8 text: save it as UTF-8'],
  ])('never goes past a file that cannot be read: %o', (content, message) => {
    const config = load({ ...all, '/work/remote_links.yml': content });
    expect(config.entries).toEqual([]);
    expect(config.errors.map((error) => error.message)).toEqual([`remote_links.yml: expected a file of storages; got "/work/remote_links.yml", ${message}`]);
  });

  it('goes on where a folder on the way is none', () => {
    expect(buckets(load({ ...all, '/work/remote_links.yml': { code: 'ENOTDIR' } }))).toEqual(['root']);
  });

  it('lets errors pass that are none of the file', () => {
    const readFile = (): never => {
      throw new TypeError('a bug');
    };
    expect(() => loadConfig({ env: {}, cwd: '/', readFile })).toThrow('a bug');
  });

  it('names the file as it was given, and starts relative paths at its folder', () => {
    const config = load(
      { '/work/conf/links.yml': 'a: { provider: fs, path: data, storage_id: { file: x } }\nb: { provider: fs }\n', '/work/conf/x': 'y' },
      { configPath: 'conf/links.yml' },
    );
    expect(config.entries[0]?.settings).toMatchObject({ path: '/work/conf/data', storage_id: 'y' });
    expect(config.errors[0]?.message).toMatch(/^conf\/links\.yml:2:1: b\.path: /);
  });

  it('reads a file of variables, which those of the environment win over', () => {
    const envFile = '.env';
    const text =
      'STORAGE_PROVIDER=minio\nSTORAGE_ENDPOINT=minio\nSTORAGE_PORT=x\nSTORAGE_ACCESS_KEY=i\nSTORAGE_SECRET_KEY=s\nKEY=from the file\nSTOWAGE_CONFIG=env.yml\nCACHE_STORAGE_SIZE=big\n';
    const config = load({ ...all, '/work/.env': text }, { envFile, env: { STORAGE_PORT: '9000' } });
    expect({ ...config.env }).toMatchObject({ STORAGE_PORT: '9000', KEY: 'made-up' });
    expect(config.main?.settings).toMatchObject({ endpoint: 'http://minio:9000' });
    expect(config.entries[0]?.settings).toMatchObject({ secret_key: 'made-up' });
    expect(config.file).toBe('/work/env.yml');
    expect(config.errors.map(({ message }) => message)).toEqual([expect.stringMatching(/^\.env:8: CACHE_STORAGE_SIZE: expected a size/)]);
    expect(
      load({ '/work/.env': text }, { envFile, env: { STORAGE_PORT: 'y', STOWAGE_CONFIG: '' } }).errors.map(({ source, line, path }) => [source, line, path]),
    ).toEqual([
      ['.env', 8, 'CACHE_STORAGE_SIZE'],
      ['environment', undefined, 'STORAGE_PORT'],
    ]);
  });

  it('tells of a file of variables that is not there, or has lines that cannot be read', () => {
    expect(load({}, { envFile: '.env' }).errors.map(({ message }) => message)).toEqual(['.env: expected a file of variables; got one that does not exist']);
    expect(load({ '/work/.env': 'A="\nB' }, { envFile: '.env' })).toMatchObject({ errors: [{ line: 1, path: 'A' }], warnings: [{ line: 2 }] });
  });

  it('keeps linked storages where the main storage is wrong, and the other way round', () => {
    const config = load(all, { env: { STORAGE_PROVIDER: 'nope' } });
    expect(buckets(config)).toEqual(['here']);
    expect(config.main).toBeUndefined();
    expect(load({ '/work/remote_links.yml': '{' }).main?.provider).toBe('fs');
  });
});
