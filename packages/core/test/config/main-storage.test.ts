import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CACHE_DEFAULTS, type EnvironmentSettings, parseEnvFile, readEnvironment } from '../../src/config/index.ts';

const read = (env: Readonly<Record<string, string>>): EnvironmentSettings => readEnvironment(env, { folder: '/work' });
const readSample = (name: string): EnvironmentSettings => {
  const file = parseEnvFile(readFileSync(join(import.meta.dirname, '../samples', name), 'utf8'), name);
  expect([...file.errors, ...file.warnings]).toEqual([]);
  return read(file.values);
};
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const minio = { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: 'minio.local', STORAGE_PORT: '9000', STORAGE_ACCESS_KEY: 'id', STORAGE_SECRET_KEY: 'canary' };
const azure = { STORAGE_PROVIDER: 'azure', STORAGE_ENDPOINT: 'https://acc.blob.core.windows.net', STORAGE_ACCESS_KEY: 'acc', STORAGE_SECRET_KEY: 'Y2FuYXJ5' };
const google = { STORAGE_PROVIDER: 'google', STORAGE_CREDENTIALS_PATH: '/gcs.json' };

describe('the published samples', () => {
  it.each([
    [
      'minio.env',
      { provider: 'minio', endpoint: 'https://s3.amazonaws.com', access_key: 'AKIAIOSFODNN7EXAMPLE', secret_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
    ],
    ['iam-role.env', { provider: 'minio', endpoint: 'https://s3.amazonaws.com', iam_role: 'storage-role' }],
    [
      'azure.env',
      {
        provider: 'azure',
        endpoint: 'https://boatsaccount.blob.core.windows.net',
        access_key: 'boatsaccount',
        secret_key: 'bWFkZSB1cCBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cCBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cCBtYWRlIHVwIQ==',
      },
    ],
    ['google.env', { provider: 'google', endpoint: 'https://storage.googleapis.com', credentials_path: '/gcs.json' }],
  ])('%s loads as it is', (name, settings) => {
    const { main, warnings, errors } = readSample(name);
    expect({ ...main?.settings }).toEqual(settings);
    expect(main?.provider).toBe(settings.provider);
    expect([...warnings, ...errors]).toEqual([]);
  });

  it('minio.env sets the data path and the caches', () => {
    expect(readSample('minio.env')).toMatchObject({
      dataPath: '/data',
      cache: {
        previews: { sizeBytes: 2 ** 30, expiresMs: 12 * HOUR },
        storage: { sizeBytes: 10 * 2 ** 30, expiresMs: 7 * DAY },
        imageConverter: { sizeBytes: 10 * 2 ** 30, expiresMs: 7 * DAY },
      },
    });
  });
});

describe('readEnvironment', () => {
  it('of nothing is the local disk with every default', () => {
    expect(read({})).toEqual({
      main: { provider: 'fs', settings: { provider: 'fs' }, folder: '/supervisely/data/storage' },
      dataPath: '/supervisely/data',
      cache: {
        previews: { sizeBytes: 2 ** 30, expiresMs: 12 * HOUR },
        storage: { sizeBytes: 10 * 2 ** 30, expiresMs: 7 * DAY },
        imageConverter: { sizeBytes: 10 * 2 ** 30, expiresMs: 7 * DAY },
      },
      warnings: [],
      errors: [],
    });
  });

  it('takes an empty value for none, and drops white space and CR around one', () => {
    const { main, errors } = read({
      ...minio,
      STORAGE_ENDPOINT: ' minio.local\r',
      STORAGE_PORT: '9000\r',
      STORAGE_IAM_ROLE: '',
      STORAGE_CREDENTIALS_PATH: '  ',
    });
    expect(errors).toEqual([]);
    expect({ ...main?.settings }).toEqual({ provider: 'minio', endpoint: 'http://minio.local:9000', access_key: 'id', secret_key: 'canary' });
  });

  it('takes its data path for the local disk', () => {
    expect(read({ STORAGE_PROVIDER: 'http', DATA_PATH: '/mnt/x/' }).main).toMatchObject({ provider: 'fs', folder: '/mnt/x/storage' });
  });

  it('resolves the path of credentials', () => {
    expect(read({ ...google, STORAGE_CREDENTIALS_PATH: 'keys/gcs.json' }).main?.settings).toMatchObject({ credentials_path: '/work/keys/gcs.json' });
  });

  it.each([
    [
      'the provider',
      { STORAGE_PROVIDER: 's3' },
      'STORAGE_PROVIDER: expected one of http, minio, azure, google (http is the local disk); got "s3"; did you mean "minio"?',
    ],
    [
      'the provider',
      { STORAGE_PROVIDER: 'fs' },
      'STORAGE_PROVIDER: expected one of http, minio, azure, google (http is the local disk); got "fs"; did you mean "http"?',
    ],
    [
      'the provider',
      { STORAGE_PROVIDER: 'MinIO' },
      'STORAGE_PROVIDER: expected one of http, minio, azure, google (http is the local disk); got "MinIO"; did you mean "minio"?',
    ],
    ['the port', { ...minio, STORAGE_PORT: '0' }, 'STORAGE_PORT: expected a port from 1 to 65535; got "0"'],
    ['the port', { ...minio, STORAGE_PORT: '9000/tcp' }, 'STORAGE_PORT: expected a port from 1 to 65535; got "9000/tcp"'],
    ['two ports', { ...minio, STORAGE_ENDPOINT: 'minio:9001' }, 'STORAGE_ENDPOINT: expected one port; got 9001 in the endpoint and 9000 beside it'],
    ['the endpoint', { ...minio, STORAGE_ENDPOINT: '' }, 'STORAGE_ENDPOINT: expected the host of the service, such as s3.amazonaws.com; got nothing'],
    [
      'the secret key',
      { ...minio, STORAGE_SECRET_KEY: '' },
      'STORAGE_SECRET_KEY: expected STORAGE_ACCESS_KEY and STORAGE_SECRET_KEY, or STORAGE_IAM_ROLE; got the access key alone',
    ],
    [
      'both keys',
      { STORAGE_PROVIDER: 'minio', STORAGE_ENDPOINT: 'minio' },
      'STORAGE_ACCESS_KEY: expected STORAGE_ACCESS_KEY and STORAGE_SECRET_KEY, or STORAGE_IAM_ROLE; got neither',
    ],
    [
      'a role off AWS',
      { ...minio, STORAGE_IAM_ROLE: 'r' },
      'STORAGE_IAM_ROLE: roles exist on AWS alone; expected an endpoint of amazonaws.com; got http://minio.local:9000; remove STORAGE_IAM_ROLE, or change STORAGE_ENDPOINT and STORAGE_PROVIDER',
    ],
    [
      'a role with azure',
      { ...azure, STORAGE_IAM_ROLE: 'r' },
      'STORAGE_IAM_ROLE: roles exist on AWS alone; expected the provider minio; got azure; remove STORAGE_IAM_ROLE, or change STORAGE_ENDPOINT and STORAGE_PROVIDER',
    ],
    [
      'a role with google',
      { ...google, STORAGE_IAM_ROLE: 'r' },
      'STORAGE_IAM_ROLE: roles exist on AWS alone; expected the provider minio; got google; remove STORAGE_IAM_ROLE, or change STORAGE_ENDPOINT and STORAGE_PROVIDER',
    ],
    [
      'the account key',
      { ...azure, STORAGE_SECRET_KEY: 'canary' },
      'STORAGE_SECRET_KEY: expected the account key (base64), or a SAS token that begins with "?"; got a text that is neither',
    ],
    [
      'two ways to sign in',
      { ...azure, STORAGE_SIGN_IN: 'managed_identity' },
      'STORAGE_SECRET_KEY: expected one way to sign in; got STORAGE_SECRET_KEY beside STORAGE_SIGN_IN; remove one',
    ],
    ['the account', { ...azure, STORAGE_ACCESS_KEY: '' }, 'STORAGE_ACCESS_KEY: expected the name of the storage account; got nothing'],
    ['the credentials', { STORAGE_PROVIDER: 'google' }, "STORAGE_CREDENTIALS_PATH: expected the path of the service account's JSON file; got nothing"],
  ])('refuses %s', (_what, env, message) => {
    const { main, errors } = read(env);
    expect(errors.map((error) => error.message)).toEqual([`environment: ${message}`]);
    expect(main).toBeUndefined();
  });

  it('tells of a cache setting that cannot be read, and uses its default', () => {
    const { main, cache, errors } = read({ CACHE_STORAGE_SIZE: '10GB', CACHE_STORAGE_EXPIRES: '7 days', CACHE_PREVIEWS_SIZE: '2g' });
    expect(main).toBeDefined();
    expect(cache).toMatchObject({ previews: { sizeBytes: 2 * 2 ** 30 }, storage: { sizeBytes: 10 * 2 ** 30, expiresMs: 7 * DAY } });
    expect(errors.map(({ message }) => message)).toEqual([
      'environment: CACHE_STORAGE_SIZE: expected "10g" or "10GiB" for 1,024s; got "10GB", which may mean 1,000s; "10g" is used',
      expect.stringMatching(/^environment: CACHE_STORAGE_EXPIRES: expected a duration such as .*; got "7 days"; "7d" is used$/),
    ]);
  });

  it.each(Object.entries(CACHE_DEFAULTS))('%s is read (default %s)', (name, fallback) => {
    expect(read({ [name]: fallback }).cache).toEqual(read({}).cache);
    expect(read({ [name]: '5' }).cache).not.toEqual(read({}).cache);
    expect(read({ [name]: 'x' }).errors).toMatchObject([{ path: name }]);
  });

  it('warns of credentials that the local disk does not use', () => {
    const { STORAGE_PROVIDER: _, ...forgotten } = minio;
    const { main, warnings, errors } = read(forgotten);
    expect(main?.provider).toBe('fs');
    expect(errors).toEqual([]);
    expect(warnings.map(({ path, message }) => [path, message.includes('STORAGE_PROVIDER is http, the local disk')])).toEqual([
      ['STORAGE_ENDPOINT', true],
      ['STORAGE_ACCESS_KEY', true],
      ['STORAGE_SECRET_KEY', true],
    ]);
  });

  it('warns of names that look like a typing error, and of no others', () => {
    const foreign = {
      PATH: 'x',
      STORAGE_EMULATOR_HOST: 'x',
      STORAGE_JUPYTER_SYNC: 'x',
      JUPYTER_DOWNLOAD_FILES_BEFORE_START: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      STORAGE_HOST: 'x',
      STORAGE_ROOT: 'x',
      constructor: 'x',
    };
    expect(read(foreign).warnings).toEqual([]);
    const typed = { STORAGE_ENPOINT: 'x', STORAGE_ACCES_KEY: 'canary', storage_secret_key: 'canary', STORGE_PROVIDER: 'x', CACHE_PREVIEW_SIZE: 'x' };
    expect(read(typed).warnings.map(({ message }) => message)).toEqual([
      'environment: STORAGE_ENPOINT: is no name that Stowage knows; did you mean STORAGE_ENDPOINT?',
      'environment: STORAGE_ACCES_KEY: is no name that Stowage knows; did you mean STORAGE_ACCESS_KEY?',
      'environment: storage_secret_key: is no name that Stowage knows; did you mean STORAGE_SECRET_KEY?',
      'environment: STORGE_PROVIDER: is no name that Stowage knows; did you mean STORAGE_PROVIDER?',
      'environment: CACHE_PREVIEW_SIZE: is no name that Stowage knows; did you mean CACHE_PREVIEWS_SIZE?',
    ]);
  });
});
