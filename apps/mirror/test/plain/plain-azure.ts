/**
 * Azure Blob Storage, spoken from Microsoft's documents: signed by an account SAS that is made here.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/create-account-sas, …/blob-service-rest-api
 */
import { createHmac } from 'node:crypto';
import type { AzuriteServer } from '@stowage/test-servers';
import { sha256Of } from '../plain-s3.ts';
import { type PlainAnswer, plainRequest } from './plain-request.ts';
import { encoded, forEach, headersOfAnswer, type PlainHeaders, type PlainStore, unescaped } from './plain-store.ts';

const VERSION = '2022-11-02';

export interface SasOptions {
  /** Letters of the permissions. Default: all that are used here. */
  readonly letters?: string;
  readonly end?: Date;
}

/** Behind the "?", good for an hour. */
export function accountSas({ account }: AzuriteServer, { letters = 'rwdlacx', end = new Date(Date.now() + 3_600_000) }: SasOptions = {}): string {
  const until = `${end.toISOString().slice(0, 19)}Z`;
  // account, sp, ss, srt, st, se, sip, spr, sv, ses, and an end of line behind each
  const text = [account.name, letters, 'b', 'sco', '', until, '', '', VERSION, '', ''].join('\n');
  const signature = createHmac('sha256', Buffer.from(account.key, 'base64')).update(text).digest('base64');
  return `sv=${VERSION}&ss=b&srt=sco&sp=${letters}&se=${encoded(until)}&sig=${encoded(signature)}`;
}

/** https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#blob-names */
function azureHolds(key: string): boolean {
  const segments = key.split('/');
  return (
    // Characters, says the document; no key of a mirror has more bytes, either.
    Buffer.byteLength(key) <= 1024 && segments.length <= 254 && !/[\u0000-\u001f\u007f-\u009f\\]/.test(key) && !segments.some((part) => part.endsWith('.'))
  );
}

let containers = 0;

export function plainAzure(server: AzuriteServer): PlainStore {
  const { account, origin } = server;
  const sas = accountSas(server);
  const send = (
    wanted: number,
    method: string,
    path: string,
    query: string,
    headers: Readonly<Record<string, string>> = {},
    content?: string | Uint8Array,
  ): Promise<PlainAnswer> =>
    plainRequest(wanted, method, origin, `/${account.name}/${path}?${query}${query === '' ? '' : '&'}${sas}`, { 'x-ms-version': VERSION, ...headers }, content);
  const list = async (container: string): Promise<string[]> => {
    const keys: string[] = [];
    for (let marker = ''; ;) {
      const { body } = await send(200, 'GET', container, `restype=container&comp=list&maxresults=37&marker=${encoded(marker)}`);
      const xml = body.toString();
      for (const [, attributes = '', name = ''] of xml.matchAll(/<Blob><Name([^>]*)>(.*?)<\/Name>/gs)) {
        const text = unescaped(name);
        keys.push(attributes.includes('Encoded="true"') ? decodeURIComponent(text) : text);
      }
      marker = unescaped(/<NextMarker>(.+?)<\/NextMarker>/s.exec(xml)?.[1] ?? '');
      if (marker === '') return keys;
    }
  };
  const read = (container: string, key: string): Promise<PlainAnswer> => send(200, 'GET', `${container}/${encoded(key, true)}`, '');
  return {
    name: 'Azure',
    async make() {
      const name = `between-${process.pid}-${++containers}`;
      await send(201, 'PUT', name, 'restype=container');
      return name;
    },
    link: (container) => `azure://${container}`,
    entry: (all) =>
      `azurite:\n  provider: azure\n  endpoint: ${server.endpoint}\n  access_key: ${account.name}\n  secret_key: ${account.key}\n  buckets: [${all.join(', ')}]\n`,
    async put(container, key, content, headers = {}) {
      await send(201, 'PUT', `${container}/${encoded(key, true)}`, '', blobHeaders(headers), content);
    },
    async contents(container) {
      const found: Record<string, string> = {};
      await forEach(await list(container), async (key) => {
        found[key] = sha256Of((await read(container, key)).body);
      });
      return found;
    },
    headers: async (container, key) => headersOfAnswer((await read(container, key)).headers, 'x-ms-meta-'),
    holds: azureHolds,
    nested: true,
  };
}

function blobHeaders({ metadata = {}, ...headers }: PlainHeaders): Record<string, string> {
  const dashed = (name: string): string => `x-ms-blob-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return {
    'x-ms-blob-type': 'BlockBlob',
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [dashed(name), value])),
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-ms-meta-${name}`, value])),
  };
}
