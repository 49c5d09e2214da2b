import { createHash, createPrivateKey, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { castagnoli, castagnoliText } from '../src/gcs/castagnoli.ts';
import { type StrictGcsServer, startStrictGcs } from '../src/index.ts';

/** A verifier proves nothing before it has refused: each refusal here is one that a wrong client would get. */
let server: StrictGcsServer;
let token = '';

beforeAll(async () => {
  server = await startStrictGcs();
  await fetch(`${server.endpoint}/storage/v1/b?project=p`, { method: 'POST', body: '{"name":"held"}' });
  token = ((await (await askToken({})).json()) as { access_token: string }).access_token;
}, 60_000);
afterAll(() => server.stop());

interface Key {
  readonly client_email: string;
  readonly private_key: string;
}

function ownerKey(): Key {
  return JSON.parse(server.owner.credentials) as Key;
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function assertion(claims: object, header: object = { alg: 'RS256', typ: 'JWT' }): string {
  const now = Math.floor(Date.now() / 1000);
  const { client_email: iss, private_key: key } = ownerKey();
  const scope = 'https://www.googleapis.com/auth/devstorage.read_write';
  const text = `${base64(header)}.${base64({ iss, scope, aud: 'https://oauth2.googleapis.com/token', iat: now, exp: now + 3600, ...claims })}`;
  return `${text}.${sign('sha256', Buffer.from(text), createPrivateKey(key)).toString('base64url')}`;
}

function askToken(claims: object, change: (jwt: string) => string = (jwt) => jwt, header?: object): Promise<Response> {
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: change(assertion(claims, header)) });
  return fetch(`${server.endpoint}/token`, { method: 'POST', body });
}

const flip = (text: string, at: number): string => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);

describe('the token endpoint', () => {
  it('gives a token for a right assertion, which opens the bucket; another token does not', async () => {
    const list = (authorization: string): Promise<Response> => fetch(`${server.endpoint}/storage/v1/b/held/o`, { headers: { authorization } });
    expect((await list(`Bearer ${token}`)).status).toBe(200);
    expect((await list(`Bearer ${flip(token, 10)}`)).status).toBe(401);
    expect((await fetch(`${server.endpoint}/storage/v1/b/held/o`)).status).toBe(401);
  });

  const now = Math.floor(Date.now() / 1000);
  it.each([
    ['a signature with one letter changed', {}, (jwt: string) => flip(jwt, jwt.length - 20)],
    ['claims changed after the signature', {}, (jwt: string) => flip(jwt, jwt.indexOf('.') + 30)],
    ['another audience', { aud: 'https://example.com/token' }, undefined],
    ['another scope', { scope: 'email' }, undefined],
    ['an account that is not known', { iss: 'x@y.z' }, undefined],
    ['an end in the past', { iat: now - 7200, exp: now - 3600 }, undefined],
    ['a beginning in the future', { iat: now + 3600, exp: now + 7000 }, undefined],
    ['a life of more than an hour', { exp: now + 7200 }, undefined],
    ['four parts', {}, (jwt: string) => `${jwt}.x`],
  ])('refuses %s', async (_what, claims, change) => {
    const response = await askToken(claims, change);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' });
  });

  it('refuses another algorithm than it names', async () => {
    expect((await askToken({}, undefined, { alg: 'none' })).status).toBe(400);
    expect((await askToken({}, undefined, { alg: 'HS256' })).status).toBe(400);
  });
});

describe('the metadata server', () => {
  it('answers whoever sends its header, and nobody else', async () => {
    const url = `${server.endpoint}/computeMetadata/v1/instance/service-accounts/default/token`;
    expect((await fetch(url)).status).toBe(403);
    const response = await fetch(url, { headers: { 'metadata-flavor': 'Google' } });
    expect(response.headers.get('metadata-flavor')).toBe('Google');
    expect(await response.json()).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
  });
});

describe('a signed URL', () => {
  interface Parts {
    method?: string;
    key?: string;
    seconds?: number;
    headers?: Record<string, string>;
    at?: Date;
  }

  function signed({ method = 'GET', key = 'k', seconds = 60, headers = {}, at = new Date() }: Parts): string {
    const { client_email: email, private_key: pem } = ownerKey();
    const stamp = `${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    const scope = `${stamp.slice(0, 8)}/auto/storage/goog4_request`;
    const all: Record<string, string> = { host: new URL(server.endpoint).host, ...headers };
    const names = Object.keys(all).sort();
    const query = [
      'X-Goog-Algorithm=GOOG4-RSA-SHA256',
      `X-Goog-Credential=${encodeURIComponent(`${email}/${scope}`)}`,
      `X-Goog-Date=${stamp}`,
      `X-Goog-Expires=${seconds}`,
      `X-Goog-SignedHeaders=${encodeURIComponent(names.join(';'))}`,
    ].join('&');
    const canonical = [method, `/held/${key}`, query, ...names.map((name) => `${name}:${all[name]}`), '', names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
    const text = ['GOOG4-RSA-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
    return `${server.endpoint}/held/${key}?${query}&X-Goog-Signature=${sign('sha256', Buffer.from(text), createPrivateKey(pem)).toString('hex')}`;
  }

  it('writes and reads where it is right', async () => {
    const headers = { 'content-type': 'text/plain', 'x-goog-meta-a': 'b' };
    expect((await fetch(signed({ method: 'PUT', headers }), { method: 'PUT', body: 'content', headers })).status).toBe(200);
    const response = await fetch(signed({}));
    expect(response.headers.get('x-goog-meta-a')).toBe('b');
    expect(await response.text()).toBe('content');
  });

  it.each([
    ['one letter of its signature', (): string => flip(signed({}), signed({}).length - 5)],
    ['its path', (): string => signed({}).replace('/held/k?', '/held/l?')],
    ['its end', (): string => signed({}).replace('X-Goog-Expires=60', 'X-Goog-Expires=61')],
    ['its account', (): string => signed({}).replace('owner%40', 'reader%40')],
  ])('is refused with another %s', async (_what, url) => {
    expect((await fetch(url())).status).toBe(403);
  });

  it('is refused past its end, before its time, for more than seven days, for another method and with more headers', async () => {
    expect((await fetch(signed({ at: new Date(Date.now() - 120_000) }))).status).toBe(400);
    expect((await fetch(signed({ at: new Date(Date.now() + 3_600_000) }))).status).toBe(403);
    expect((await fetch(signed({ seconds: 604_801 }))).status).toBe(403);
    expect((await fetch(signed({}), { method: 'DELETE' })).status).toBe(403);
    expect((await fetch(signed({ method: 'PUT' }), { method: 'PUT', body: 'x', headers: { 'x-goog-meta-more': 'x' } })).status).toBe(403);
  });
});

describe('checksums', () => {
  it('are those of RFC 3720', () => {
    expect(castagnoli(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(castagnoli(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(castagnoli(Buffer.from('6789'), castagnoli(Buffer.from('12345')))).toBe(0xe3069283);
  });

  it('of content that came otherwise than announced refuse it', async () => {
    const upload = (crc32c: string): Promise<Response> =>
      fetch(`${server.endpoint}/upload/storage/v1/b/held/o?uploadType=media&name=summed`, {
        method: 'POST',
        body: '123456789',
        headers: { authorization: `Bearer ${token}`, 'x-goog-hash': `crc32c=${crc32c}` },
      });
    expect((await upload(castagnoliText(0xe3069284))).status).toBe(400);
    expect((await upload(castagnoliText(0xe3069283))).status).toBe(200);
  });
});
