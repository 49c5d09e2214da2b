/**
 * Google Cloud Storage, spoken from Google's documents: its JSON API, signed in to by a token that is asked for here.
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest, https://cloud.google.com/storage/docs/json_api/v1
 */
import { sign } from 'node:crypto';
import { sha256Of } from '../plain-s3.ts';
import { type PlainAnswer, plainRequest } from './plain-request.ts';
import { encoded, forEach, type PlainHeaders, type PlainStore } from './plain-store.ts';

export interface PlainGcs {
  readonly endpoint: string;
  /** Text of a service account's file; undefined for a server that asks nobody to sign in. */
  readonly credentials?: string;
  /** Fields of its entry beside the endpoint. */
  readonly fields: readonly string[];
}

/** https://cloud.google.com/storage/docs/objects#naming */
function googleHolds(key: string): boolean {
  return Buffer.byteLength(key) <= 1024 && !/[\r\n]/.test(key) && !key.startsWith('.well-known/acme-challenge/');
}

let buckets = 0;

export function plainGcs({ endpoint, credentials, fields }: PlainGcs): PlainStore {
  let token: Promise<string> | undefined;
  const send = async (method: string, path: string, headers: Readonly<Record<string, string>> = {}, content?: string | Uint8Array): Promise<PlainAnswer> => {
    const signed = credentials === undefined ? {} : { authorization: `Bearer ${await (token ??= tokenOf(endpoint, credentials))}` };
    return await plainRequest(200, method, endpoint, path, { ...signed, ...headers }, content);
  };
  const json = { 'content-type': 'application/json' };
  const list = async (bucket: string): Promise<string[]> => {
    const keys: string[] = [];
    for (let page: string | undefined; ;) {
      const { body } = await send('GET', `/storage/v1/b/${bucket}/o?maxResults=37${page === undefined ? '' : `&pageToken=${encoded(page)}`}`);
      const { items = [], nextPageToken } = JSON.parse(body.toString()) as { items?: { name: string }[]; nextPageToken?: string };
      keys.push(...items.map(({ name }) => name));
      if (nextPageToken === undefined || nextPageToken === '') return keys;
      page = nextPageToken;
    }
  };
  return {
    name: 'Google',
    async make() {
      const name = `between-${process.pid}-${++buckets}`;
      await send('POST', '/storage/v1/b?project=stowage-test', json, JSON.stringify({ name }));
      return name;
    },
    link: (bucket) => `google://${bucket}`,
    entry: (all) => `gcs:\n  provider: google\n  endpoint: ${endpoint}\n${fields.map((field) => `  ${field}\n`).join('')}  buckets: [${all.join(', ')}]\n`,
    async put(bucket, key, content, headers = {}) {
      const boundary = 'between-two-parts';
      const resource = JSON.stringify({ name: key, contentType: 'application/octet-stream', ...headers });
      const parts = [`--${boundary}\r\ncontent-type: application/json\r\n\r\n${resource}\r\n--${boundary}\r\n\r\n`, content, `\r\n--${boundary}--\r\n`];
      const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
      await send('POST', `/upload/storage/v1/b/${bucket}/o?uploadType=multipart`, { 'content-type': `multipart/related; boundary=${boundary}` }, body);
    },
    async contents(bucket) {
      const found: Record<string, string> = {};
      await forEach(await list(bucket), async (key) => {
        // Otherwise the service may decode what is kept as gzip: https://cloud.google.com/storage/docs/transcoding
        found[key] = sha256Of((await send('GET', `/storage/v1/b/${bucket}/o/${encoded(key)}?alt=media`, { 'accept-encoding': 'gzip' })).body);
      });
      return found;
    },
    async headers(bucket, key) {
      const resource = JSON.parse((await send('GET', `/storage/v1/b/${bucket}/o/${encoded(key)}`)).body.toString()) as PlainHeaders;
      const { contentType, cacheControl, contentDisposition, contentLanguage, contentEncoding, metadata } = resource;
      const told = { contentType, cacheControl, contentDisposition, contentLanguage, contentEncoding, metadata };
      return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined && value !== ''));
    },
    holds: googleHolds,
    nested: true,
  };
}

async function tokenOf(endpoint: string, credentials: string): Promise<string> {
  const { client_email: iss, private_key: key } = JSON.parse(credentials) as { client_email: string; private_key: string };
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss, iat, exp: iat + 3600, aud: 'https://oauth2.googleapis.com/token', scope: 'https://www.googleapis.com/auth/devstorage.read_write' };
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const assertion = `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString();
  const { body } = await plainRequest(200, 'POST', endpoint, '/token', { 'content-type': 'application/x-www-form-urlencoded' }, form);
  return (JSON.parse(body.toString()) as { access_token: string }).access_token;
}
