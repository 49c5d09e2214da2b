import { randomBytes } from 'node:crypto';
import { type Bucket, openBucket, retryLayer } from '@stowage/core';
import { faultServer, pass, serverOrReason, startAzurite } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { azureDriver } from '../src/azure-driver.ts';
import { makeContainer } from './azurite-harness.ts';
import { xmlError } from './xml-error.ts';

const { server, missing } = await serverOrReason(() => startAzurite());
const TEXT = { etag: '"0x1"', 'last-modified': new Date(0).toUTCString(), 'content-type': 'text/plain' };

if (server === undefined) test('a service that misbehaves', ({ skip }) => skip(missing));
else {
  const { account } = server;
  afterAll(() => server.stop(), 60_000);
  const signIn = { kind: 'account-key' as const, account: account.name, key: account.key };
  const open = (origin: string, container: string): Bucket => openBucket(azureDriver({ endpoint: `${origin}/${account.name}`, signIn }, container));

  describe('a read', () => {
    it('of a range that is answered with all of the blob is refused, not torn', async () => {
      await using faults = await faultServer((_incoming, answer) => {
        answer.writeHead(200, { ...TEXT, 'content-length': '5000' }).end(Buffer.alloc(5000));
        return true;
      });
      const bucket = open(faults.endpoint, 'any');
      await expect(bucket.get('k', { range: { start: 100, end: 200 } })).rejects.toMatchObject({ code: 'Unavailable' });
      const whole = await bucket.get('k', { range: { start: 0, end: 9000 } });
      expect(whole.range).toEqual({ start: 0, end: 5000 });
      await whole[Symbol.asyncDispose]();
    });

    it('that breaks off goes on at its byte', async () => {
      const bucket = open(server.origin, await makeContainer(server));
      const whole = randomBytes(3 * 1024 * 1024);
      await bucket.put('resumed', whole);
      let breaks = 2;
      await using faults = await faultServer((incoming, answer) => {
        if (incoming.method !== 'GET' || breaks <= 0) return false;
        breaks--;
        pass(incoming, answer, server.origin, (response) => {
          answer.writeHead(response.statusCode ?? 500, response.headers);
          response.once('data', (chunk: Buffer) => answer.write(chunk, () => answer.destroy()));
          return true;
        });
        return true;
      }, server.origin);
      const patient = open(faults.endpoint, bucket.name).with(retryLayer({ baseDelayMs: 1 }));
      expect(whole.equals(await (await patient.get('resumed')).bytes())).toBe(true);
      expect(breaks).toBe(0);
    });

    it('of the end of a blob is of one revision, though it takes two requests', async () => {
      const bucket = open(server.origin, await makeContainer(server));
      await bucket.put('k', 'old-old-old');
      await using faults = await faultServer(async (incoming) => {
        if (incoming.method === 'GET') await bucket.put('k', 'new');
        return false;
      }, server.origin);
      await expect(open(faults.endpoint, bucket.name).get('k', { range: { suffix: 3 } })).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
      expect(await (await bucket.get('k', { range: { suffix: 2 } })).text()).toBe('ew');
    });
  });

  describe('a listing', () => {
    const page = (marker: string, key: string): string =>
      `<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>${key}</Name><Properties><Etag>0x1</Etag><Content-Length>1</Content-Length><Content-Type>a/b</Content-Type></Properties></Blob></Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;

    it('that gives one page for ever is ended', async () => {
      await using faults = await faultServer((_incoming, answer) => {
        answer.writeHead(200, { 'content-type': 'application/xml' }).end(page('same', 'a'));
        return true;
      });
      await expect(Array.fromAsync(open(faults.endpoint, 'any').list())).rejects.toMatchObject({ code: 'Unavailable' });
    });

    it('goes on past pages without an entry', async () => {
      let asked = 0;
      await using faults = await faultServer((_incoming, answer) => {
        const empty = '<?xml version="1.0"?><EnumerationResults><Blobs /><NextMarker>m1</NextMarker></EnumerationResults>';
        answer.writeHead(200, { 'content-type': 'application/xml' }).end(asked++ === 0 ? empty : page('', 'a'));
        return true;
      });
      expect((await Array.fromAsync(open(faults.endpoint, 'any').list())).map(({ key }) => key)).toEqual(['a']);
    });

    it('that is cut off is never taken for a whole one', async () => {
      await using faults = await faultServer((_incoming, answer) => {
        answer.writeHead(200, { 'content-type': 'application/xml' }).end(page('', 'a').slice(0, -10));
        return true;
      });
      await expect(Array.fromAsync(open(faults.endpoint, 'any').list())).rejects.toMatchObject({
        code: 'Unavailable',
        message: expect.stringContaining('cut off'),
      });
    });

    it('that begins behind a key asks the service to begin there', async () => {
      const bucket = open(server.origin, await makeContainer(server));
      for (const key of ['a', 'b', 'c\u{e000}', 'c\u{1f600}', 'd']) await bucket.put(key, 'x');
      await using faults = await faultServer(() => false, server.origin);
      const listed = await Array.fromAsync(open(faults.endpoint, bucket.name).list({ startAfter: 'c\u{e000}' }));
      expect(listed.map(({ key }) => key)).toEqual(['c\u{1f600}', 'd']);
      expect(faults.seen).toEqual([expect.stringContaining('startFrom=c')]);
      expect(faults.seen[0]).not.toContain('startFrom=c%');
    });
  });

  describe('a deletion of many', () => {
    const keys = ['a b', '100%', 'a%2Fb', 'a?x=1', 'a#h', "it's", 'é😀', 'a//b/', '"q"&<x>'];

    it('goes in one request, whatever the keys, and has an outcome for each', async () => {
      const bucket = open(server.origin, await makeContainer(server));
      for (const key of [...keys, 'held']) await bucket.put(key, 'x');
      const { revision } = await bucket.head('a b');
      await using faults = await faultServer(() => false, server.origin);
      const items = [...keys.map((key) => (key === 'a b' ? { key, if: revision } : { key })), { key: 'missing' }, { key: 'held', if: { etag: '"0x1"' } }];
      const outcomes = await Array.fromAsync(open(faults.endpoint, bucket.name).deleteMany(items));
      expect(outcomes.map(({ ok }) => ok)).toEqual([...keys.map(() => true), true, false]);
      expect(outcomes.at(-1)).toMatchObject({ key: 'held', error: { code: 'PreconditionFailed' } });
      expect(faults.seen.length).toBe(1);
      expect((await Array.fromAsync(bucket.list())).map(({ key }) => key)).toEqual(['held']);
    });

    it('goes one by one where these credentials may send no batch', async () => {
      const bucket = open(server.origin, await makeContainer(server));
      for (const key of keys) await bucket.put(key, 'x');
      await using faults = await faultServer((incoming, answer) => {
        if (incoming.method !== 'POST') return false;
        return new Promise((resolve) => incoming.resume().once('end', () => resolve(xmlError(answer, 403, 'AuthorizationPermissionMismatch'))));
      }, server.origin);
      const outcomes = await Array.fromAsync(open(faults.endpoint, bucket.name).deleteMany(keys));
      expect(outcomes.map(({ ok }) => ok)).toEqual(keys.map(() => true));
      expect(await Array.fromAsync(bucket.list())).toEqual([]);
    });

    it('whose answer lacks an item does not call it deleted', async () => {
      await using faults = await faultServer((incoming, answer) => {
        return new Promise((resolve) => {
          incoming.resume().once('end', () => {
            const body = '--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: 1\r\n\r\n--b--';
            answer.writeHead(202, { 'content-type': 'multipart/mixed; boundary=b' }).end(body);
            resolve(true);
          });
        });
      });
      const outcomes = await Array.fromAsync(open(faults.endpoint, 'any').deleteMany(['a', 'b']));
      expect(outcomes).toMatchObject([
        { key: 'a', ok: true },
        { key: 'b', ok: false, error: { code: 'Unavailable' } },
      ]);
    });

    it('that is throttled is told to wait, and not sent one by one', async () => {
      await using faults = await faultServer(
        (incoming, answer) =>
          new Promise((resolve) => incoming.resume().once('end', () => resolve(xmlError(answer, 503, 'ServerBusy', { 'retry-after': '2' })))),
      );
      await expect(Array.fromAsync(open(faults.endpoint, 'any').deleteMany(['a', 'b']))).rejects.toMatchObject({ code: 'RateLimited', retryAfterMs: 2000 });
      expect(faults.seen.length).toBe(1);
    });
  });
}
