import type { IncomingMessage } from 'node:http';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { openBucket } from '@stowage/core';
import { type AzuriteAccount, faultServer } from '@stowage/test-servers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import { AccountKey } from '../src/sign-in/shared-key.ts';
import { signatureFault } from './verify-shared-key.ts';

const account: AzuriteAccount = { name: 'verified', key: Buffer.alloc(64, 'k').toString('base64') };
const DONE = { etag: '"0x1"', 'last-modified': new Date(0).toUTCString(), 'content-length': '0' };

/** A server that judges every request's signature, and answers each with success. */
async function judge(): Promise<
  { readonly endpoint: string; readonly faults: (string | undefined)[]; readonly requests: IncomingMessage[] } & AsyncDisposable
> {
  const faults: (string | undefined)[] = [];
  const requests: IncomingMessage[] = [];
  const server = await faultServer((incoming, answer) => {
    faults.push(signatureFault(incoming, account));
    requests.push(incoming);
    return new Promise((resolve) => {
      incoming.resume().once('end', () => {
        answer.writeHead(incoming.method === 'PUT' ? 201 : incoming.method === 'DELETE' ? 202 : 200, DONE).end();
        resolve(true);
      });
    });
  });
  return { endpoint: `${server.endpoint}/${account.name}`, faults, requests, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe('the verifier of these tests', () => {
  it("accepts what Microsoft's SDK signs", async () => {
    await using server = await judge();
    const client = new ContainerClient(`${server.endpoint}/a-container`, new StorageSharedKeyCredential(account.name, account.key), {
      retryOptions: { maxTries: 1 },
    });
    await client
      .getBlockBlobClient('a b/%2F+é#?.bin')
      .upload('content', 7, { metadata: { one: '1', two: 'a  b' }, tags: { t: 'v' }, conditions: { ifNoneMatch: '*' } });
    await client.getBlobClient('x').delete({ conditions: { ifMatch: '"0x1"' } });
    expect(server.faults).toEqual([undefined, undefined]);
  });

  it.each([
    ['another path', (r: Judged): Judged => ({ ...r, url: `${r.url}x` })],
    ['another method', (r: Judged): Judged => ({ ...r, method: 'DELETE' })],
    ['another query', (r: Judged): Judged => ({ ...r, url: `${r.url}?comp=metadata` })],
    ['another length', (r: Judged): Judged => withHeader(r, 'content-length', '8')],
    ['another condition', (r: Judged): Judged => withHeader(r, 'if-match', '"other"')],
    ['one more x-ms header', (r: Judged): Judged => ({ ...r, rawHeaders: [...r.rawHeaders, 'x-ms-tags', 'a=b'] })],
    [
      'a flipped bit of the signature',
      (r: Judged): Judged =>
        withHeader(
          r,
          'authorization',
          (r.rawHeaders[r.rawHeaders.indexOf('authorization') + 1] ?? '').replace(/:(.)/, (_, c: string) => `:${c === 'A' ? 'B' : 'A'}`),
        ),
    ],
    ['an old date', (r: Judged): Judged => withHeader(r, 'x-ms-date', new Date(Date.now() - 3_600_000).toUTCString())],
  ])('rejects %s', async (_what, change) => {
    await using server = await judge();
    await openBucket(azureDriver({ endpoint: server.endpoint, signIn: { kind: 'account-key', account: account.name, key: account.key } }, 'a-container')).put(
      'k',
      'content',
      { if: { etag: '"0x1"' } },
    );
    const [{ method, url, rawHeaders }] = server.requests as [IncomingMessage];
    const request: Judged = { method: method ?? '', url: url ?? '', rawHeaders };
    expect(signatureFault(request, account)).toBeUndefined();
    expect(signatureFault(change(request), account)).toBeDefined();
  });
});

interface Judged {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
}

function withHeader(request: Judged, name: string, value: string): Judged {
  const at = request.rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return { ...request, rawHeaders: request.rawHeaders.map((each, i) => (i === at + 1 ? value : each)) };
}

describe('requests by account key', () => {
  it('are signed right whatever the key, the headers and the query hold', async () => {
    await using server = await judge();
    const driver = azureDriver({ endpoint: server.endpoint, signIn: { kind: 'account-key', account: account.name, key: account.key } }, 'a-container');
    const bucket = openBucket(driver);
    const key = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => text.isWellFormed() && driver.checkKey(text) === undefined && !/\0|(?:^|\/)\.\.?(?:\/|$)/.test(text));
    await fc.assert(
      fc.asyncProperty(key, fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/), fc.nat(2000), async (name, value, size) => {
        server.faults.length = 0;
        await bucket.put(name, Buffer.alloc(size), { contentDisposition: value, metadata: { note: value, b: '2' }, tags: { t: 'a b' } });
        await bucket.head(name);
        await bucket.delete(name, { if: { etag: '"0x1"' } });
        expect(server.faults).toEqual([undefined, undefined, undefined]);
      }),
      { numRuns: 60 },
    );
    await bucket.close();
  });

  it('are signed as the SDK signs them, names of metadata with underscores among them, which the service sorts in its own way', async () => {
    await using server = await judge();
    const client = new ContainerClient(`${server.endpoint}/a-container`, new StorageSharedKeyCredential(account.name, account.key), {
      retryOptions: { maxTries: 1 },
    });
    await client.getBlockBlobClient('k').upload('content', 7, { metadata: { ab: '1', a_b: '2', a1: '3', a_: '4', _a: '5', a1b: '6', b_1_c: '7', b1: '8' } });
    const [request] = server.requests as [IncomingMessage];
    const { authorization, host: _, 'content-length': length, ...headers } = request.headers as Record<string, string>;
    const [path = ''] = (request.url ?? '').split('?');
    const unsigned = { method: 'PUT', path, query: {}, headers: headers as Record<string, string>, length: Number(length) };
    new AccountKey(account.name, account.key).sign(unsigned);
    expect(unsigned.headers['authorization']).toBe(authorization);
  });

  it.each(['', 'short', 'not base64!', 'A'.repeat(87), `${'A'.repeat(86)}-=`])('are refused for a key that is cut or changed: %j', (key) => {
    expect(() => new AccountKey('acc', key)).toThrow(expect.objectContaining({ code: 'Config', message: expect.stringContaining('base64') }));
    expect(() => new AccountKey('acc', key)).not.toThrow(expect.objectContaining({ message: expect.stringContaining(key === '' ? 'canary' : key) }));
  });
});
