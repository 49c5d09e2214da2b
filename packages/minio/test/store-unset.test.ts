import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Bucket, type BucketDriver, openBucket } from '@stowage/core';
import { faultServer, pass, serverOrReason, startMinio, startVersitygw } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { xmlError } from './xml-error.ts';

/** What each server would keep under another name, or hide, and say that all went well. */
const CHANGED = {
  minio: ['/lead', '//lead', '/lead/file', 'a__XLDIR__', 'a__XLDIR__/b', '__XLDIR__'],
  versitygw: ['/lead', '//lead', '/lead/file', 'a//b', 'a\u0001b'],
} as const;

/** What looks like it, and is kept as it is. */
const KEPT = {
  minio: ['a\u0001b', 'end/', 'a\\b', '...', '__XLDIR__a', 'a__XLDIR__b', 'p/.hidden'],
  versitygw: ['a__XLDIR__', 'a\\..\\b', 'a\\.', '...', 'p/.hidden'],
} as const;

for (const [kind, start] of [
  ['minio', startMinio],
  ['versitygw', startVersitygw],
] as const) {
  const { server, missing } = await serverOrReason(() => start());
  if (server === undefined) test(`${kind} without a configured store`, ({ skip }) => skip(missing));
  else {
    const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
    const sdk = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials });
    afterAll(() => server.stop(), 60_000);
    let buckets = 0;
    const freshBucket = async (): Promise<string> => {
      const name = `unset-${++buckets}`;
      await sdk.send(new CreateBucketCommand({ Bucket: name }));
      return name;
    };
    const held = async (name: string): Promise<(string | undefined)[]> =>
      ((await sdk.send(new ListObjectsV2Command({ Bucket: name }))).Contents ?? []).map(({ Key }) => Key);

    describe.each(['lean', 'sdk'] as const)(`${kind} without a configured store, through %s`, (transport) => {
      const open = (name: string, more: Partial<MinioOptions> = {}): BucketDriver =>
        minioDriver({ endpoint: server.endpoint, region: server.region, credentials, transport, ...more }, name);

      it('a key that the server would change is refused before anything is known of it, whatever is asked', async () => {
        const name = await freshBucket();
        for (const Key of ['lead', 'lead2', 'a/b']) await sdk.send(new PutObjectCommand({ Bucket: name, Key, Body: 'old' }));
        const first: Readonly<Record<string, (bucket: Bucket, key: string) => Promise<unknown>>> = {
          put: (bucket, key) => bucket.put(key, 'new'),
          'put if absent': (bucket, key) => bucket.put(key, 'new', { if: 'absent' }),
          head: (bucket, key) => bucket.head(key),
          get: (bucket, key) => bucket.get(key),
          delete: (bucket, key) => bucket.delete(key),
          'copy from': (bucket, key) => bucket.copy(key, 'copied'),
          'copy to': (bucket, key) => bucket.copy('lead2', key),
          setHeaders: (bucket, key) => bucket.setHeaders(key, { contentType: 'text/x' }),
          upload: (bucket, key) => bucket.upload(key),
          resume: (bucket, key) => bucket.resumeUpload({ key, id: 'u' }),
          presign: (bucket, key) => bucket.presign(key, { method: 'PUT', expiresInSeconds: 60 }),
        };
        const before = await held(name);
        for (const key of CHANGED[kind])
          for (const [what, call] of Object.entries(first)) {
            const bucket = openBucket(open(name));
            await expect(call(bucket, key), `${what} of ${key}`).rejects.toMatchObject({ code: 'InvalidKey', retryable: false });
            await bucket.close();
          }
        expect(await held(name)).toEqual(before);
        expect(Buffer.from(await (await openBucket(open(name)).get('lead')).bytes()).toString()).toBe('old');
      });

      it('of a batch of deletions only those keys are refused', async () => {
        const name = await freshBucket();
        for (const Key of ['lead', 'other', 'third']) await sdk.send(new PutObjectCommand({ Bucket: name, Key, Body: 'old' }));
        const outcomes = await open(name).deleteMany([{ key: 'other' }, { key: '/lead' }, { key: 'third' }], {});
        expect(outcomes.map((outcome) => [outcome.key, outcome.ok ? 'ok' : outcome.error.code])).toEqual([
          ['other', 'ok'],
          ['/lead', 'InvalidKey'],
          ['third', 'ok'],
        ]);
        expect(await held(name)).toEqual(['lead']);
      });

      it('after a listing checkKey tells it, as a mirror asks', async () => {
        const driver = open(await freshBucket());
        for await (const _ of driver.list({}));
        for (const key of CHANGED[kind]) expect(driver.checkKey(key), key).toBeTypeOf('string');
        for (const key of KEPT[kind]) expect(driver.checkKey(key), key).toBeUndefined();
      });

      it('keys that only look so are kept as they are', async () => {
        for (const key of KEPT[kind]) {
          const name = await freshBucket();
          const bucket = openBucket(open(name));
          await bucket.put(key, 'content');
          const listed: string[] = [];
          for await (const object of bucket.list()) listed.push(object.key);
          expect(listed).toEqual([key]);
          expect(Buffer.from(await (await bucket.get(key)).bytes()).toString()).toBe('content');
        }
      });

      it('uploads are found by their prefix, also as the first call', async () => {
        const name = await freshBucket();
        await using upload = await openBucket(open(name)).upload('folder/large');
        const found: string[] = [];
        for await (const { id } of openBucket(open(name)).listUploads({ prefix: 'fol' })) found.push(id);
        expect(found).toEqual([upload.ref.id]);
      });

      it('pages of one entry are whole, also as the first call', async () => {
        const name = await freshBucket();
        for (const Key of ['p', 'p1', 'p2']) await sdk.send(new PutObjectCommand({ Bucket: name, Key, Body: 'x' }));
        const listed: string[] = [];
        for await (const { objects } of open(name).list({ prefix: 'p', limit: 1 })) listed.push(...objects.map(({ key }) => key));
        expect(listed).toEqual(['p', 'p1', 'p2']);
      });
    });

    describe(`${kind} without a configured store`, () => {
      let name: string;
      beforeAll(async () => {
        name = await freshBucket();
      });
      const options = { region: server.region, credentials };

      it('looks once for each bucket that is opened, and for suspicious keys alone', async () => {
        await using between = await faultServer(() => false, server.endpoint);
        const plain = minioDriver({ ...options, endpoint: between.endpoint }, name);
        await expect(plain.get('plain/key', {})).rejects.toMatchObject({ code: 'NotFound' });
        expect(between.seen).toHaveLength(1);
        const driver = minioDriver({ ...options, endpoint: between.endpoint }, name);
        await Promise.all([1, 2, 3].map((i) => expect(driver.put(`/lead${i}`, Buffer.from('x'), {})).rejects.toMatchObject({ code: 'InvalidKey' })));
        expect(between.seen.slice(1)).toEqual([expect.stringContaining('HEAD ')]);
      });

      it('a look that fails writes nothing, says what may pass, and is made again', async () => {
        let broken = true;
        await using between = await faultServer((_incoming, answer) => broken && xmlError(answer, 503, 'SlowDown'), server.endpoint);
        const driver = minioDriver({ ...options, endpoint: between.endpoint }, name);
        await expect(driver.put('/lead', Buffer.from('x'), {})).rejects.toMatchObject({ retryable: true, key: '/lead', operation: 'put' });
        expect(between.seen.every((line) => line.startsWith('HEAD '))).toBe(true);
        broken = false;
        await expect(driver.put('/lead', Buffer.from('x'), {})).rejects.toMatchObject({ code: 'InvalidKey' });
        expect(await held(name)).toEqual([]);
      });

      // Versity's gateway has no other mark than its name.
      if (kind === 'minio')
        it('is known behind a proxy that names itself as the server', async () => {
          await using proxy = await faultServer((incoming, answer) => {
            pass(incoming, answer, server.endpoint, (response) => {
              answer.writeHead(response.statusCode ?? 500, { ...response.headers, server: 'nginx' });
              response.pipe(answer);
              return true;
            });
            return true;
          });
          const driver = minioDriver({ ...options, endpoint: proxy.endpoint }, name);
          await expect(driver.put('/lead', Buffer.from('x'), {})).rejects.toMatchObject({ code: 'InvalidKey' });
          const listing = minioDriver({ ...options, endpoint: proxy.endpoint }, name);
          for await (const _ of listing.list({}));
          expect(listing.checkKey('/lead')).toBeTypeOf('string');
        });
    });
  }
}

test('a server that is neither keeps such keys: it is asked who it is once, and then for the key itself', async () => {
  await using server = await faultServer((incoming, answer) => {
    if (incoming.method === 'HEAD') return xmlError(answer, 404, 'NoSuchKey', { server: 'Garage' });
    incoming.resume();
    answer.writeHead(200, { etag: '"x"', server: 'Garage' }).end();
    return true;
  });
  const driver = minioDriver({ endpoint: server.endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 's' } }, 'bucket');
  for (const key of ['/lead', 'a//b']) expect((await driver.put(key, Buffer.from('x'), {})).key).toBe(key);
  expect(server.seen).toEqual(['HEAD /bucket/.stowage-look', 'PUT /bucket//lead', 'PUT /bucket/a//b']);
});
