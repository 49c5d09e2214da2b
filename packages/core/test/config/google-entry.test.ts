import { describe, expect, it } from 'vitest';
import { checkRemoteLinks } from '../../src/config/remote-links.ts';

const check = (fields: object): ReturnType<typeof checkRemoteLinks> =>
  checkRemoteLinks({ a: { provider: 'google', buckets: ['b'], ...fields } }, { env: {}, folder: '/work' });

describe('the ways to sign in to Google', () => {
  it.each([
    ['a file', { credentials_path: 'k.json' }, { credentials_path: '/work/k.json', endpoint: 'https://storage.googleapis.com' }],
    ['a file, said by name', { credentials_path: '/k.json', sign_in: 'service_account', versioned: true }, { sign_in: 'service_account', versioned: true }],
    ['application-default credentials', { sign_in: 'application_default' }, { sign_in: 'application_default' }],
    ["the machine's account", { sign_in: 'metadata', user_project: 'payer' }, { sign_in: 'metadata', user_project: 'payer' }],
    [
      'none, for what is open to everyone',
      { sign_in: 'anonymous', endpoint: 'http://127.0.0.1:4443' },
      { sign_in: 'anonymous', endpoint: 'http://127.0.0.1:4443' },
    ],
  ])('take %s', (_what, fields, expected) => {
    const { entries, errors } = check(fields);
    expect(errors).toEqual([]);
    expect(entries[0]?.settings).toMatchObject(expected);
  });

  it.each([
    ['no way at all', {}, 'credentials_path', "the path of the service account's JSON file"],
    ['service_account without its file', { sign_in: 'service_account' }, 'credentials_path', "the path of the service account's JSON file"],
    ['a file beside another way', { credentials_path: '/k.json', sign_in: 'anonymous' }, 'credentials_path', 'one way to sign in'],
    ['a way that is none', { sign_in: 'adc' }, 'sign_in', 'one of service_account, application_default, metadata, anonymous'],
    ['the console', { credentials_path: '/k.json', endpoint: 'https://console.cloud.google.com/storage/browser/b' }, 'endpoint', 'storage.googleapis.com'],
    ['the host of links for browsers', { credentials_path: '/k.json', endpoint: 'storage.cloud.google.com' }, 'endpoint', 'storage.googleapis.com'],
  ])('refuse %s', (_what, fields, field, expected) => {
    expect(check(fields)).toMatchObject({ entries: [], errors: [{ path: `a.${field}`, expected }] });
  });
});
