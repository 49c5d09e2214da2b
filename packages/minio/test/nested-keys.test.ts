import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { type Bucket, openBucket } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { faultServer } from './faults/fault-server.ts';

const { server, missing } = await serverOrReason(() => startMinio());

if (server === undefined) test('keys beside others', ({ skip }) => skip(missing));
else {
  const keys = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  afterAll(() => server.stop(), 60_000);

  const made = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials: keys });
  let buckets = 0;
  const freshBucket = async (): Promise<string> => {
    const name = `nested-${++buckets}`;
    await made.send(new CreateBucketCommand({ Bucket: name }));
    return name;
  };
  const open = (name: string, more: Partial<MinioOptions> = {}): Bucket =>
    openBucket(minioDriver({ endpoint: server.endpoint, credentials: keys, region: server.region, store: 'minio', ...more }, name));
  const listed = async (bucket: Bucket): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of bucket.list()) found.push(key);
    return found;
  };
  const ways: Readonly<Record<string, (bucket: Bucket, key: string) => Promise<unknown>>> = {
    put: (bucket, key) => bucket.put(key, 'second'),
    'a conditional put': (bucket, key) => bucket.put(key, 'second', { if: 'absent' }),
    'an upload': async (bucket, key) => {
      await using upload = await bucket.upload(key);
      await upload.complete([await upload.part(0, Buffer.from('second'))]);
    },
    'a copy': async (bucket, key) => {
      await bucket.put('from', 'second');
      await bucket.copy('from', key);
    },
  };

  describe.each(['lean', 'sdk'] as const)('through %s', (transport) => {
    it.each(Object.keys(ways))('%s is refused where MinIO would hide a key, also where nobody said that it is MinIO', async (way) => {
      for (const store of ['minio', 's3'] as const)
        for (const [held, refused] of [
          ['a', 'a/b'],
          ['a/b', 'a'],
          ['c', 'c/d/e'],
          ['c/d/e', 'c/d'],
        ] as const) {
          const name = await freshBucket();
          await open(name, { transport }).put(held, 'first');
          const bucket = open(name, { transport, store });
          await expect(ways[way]?.(bucket, refused)).rejects.toMatchObject({ code: 'KeyConflict', retryable: false, key: refused });
          expect((await listed(bucket)).filter((key) => key !== 'from')).toEqual([held]);
          expect(await bucket.exists(refused)).toBe(false);
        }
    });

    it('folder markers lie beside objects and under them as the listing shows', async () => {
      const bucket = open(await freshBucket(), { transport });
      for (const key of ['a/', 'a', 'b/', 'b/c', 'd/e', 'd/']) await bucket.put(key, key);
      expect(await listed(bucket)).toEqual(['a', 'a/', 'b/', 'b/c', 'd/', 'd/e']);
      await expect(bucket.put('a/b', '')).rejects.toMatchObject({ code: 'KeyConflict' });
      await bucket.delete('a');
      await bucket.put('a/b', '');
      await expect(bucket.put('b', '')).rejects.toMatchObject({ code: 'KeyConflict' });
      await bucket.delete('b/c');
      await bucket.put('b', '');
      expect(await listed(bucket)).toEqual(['a/', 'a/b', 'b', 'b/', 'd/', 'd/e']);
    });

    it('of two writes at once that cannot lie beside each other, one is refused', async () => {
      const bucket = open(await freshBucket(), { transport });
      const outcomes = await Promise.allSettled([bucket.put('x/y', '1'), bucket.put('x', '2')]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await listed(bucket)).toHaveLength(1);
    });

    it('many writes into one folder cost a handful of requests more than their own, and what others wrote before is seen', async () => {
      const name = await freshBucket();
      await open(name).put('in/one/folder/key-077.txt/below', 'held');
      await using counted = await faultServer(() => false, server.endpoint);
      const bucket = open(name, { transport, endpoint: counted.endpoint });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 200 }, (_, i) => bucket.put(`in/one/folder/key-${String(i).padStart(3, '0')}.txt`, String(i))),
      );
      expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([77]);
      // Three folders above, one page of the folder, and one exact question for the key that has keys under it.
      expect(counted.seen.filter((line) => !line.startsWith('PUT'))).toHaveLength(5);
      expect(await listed(bucket)).toHaveLength(200);
    });

    it('a folder of more than a page is looked at page by page, or key by key where writes go at random', async () => {
      const name = await freshBucket();
      const maker = open(name);
      const key = (i: number): string => `many/${String(i).padStart(5, '0')}`;
      await Promise.all(Array.from({ length: 1300 }, (_, i) => maker.put(i % 650 === 649 ? `${key(i)}/below` : key(i), '')));
      const bucket = open(name, { transport });
      for (const i of [649, 1299]) await expect(bucket.put(key(i), '')).rejects.toMatchObject({ code: 'KeyConflict' });
      for (const i of [1250, 3, 1201, 5000]) await bucket.put(key(i), 'again');
      await expect(bucket.put(key(1299), '')).rejects.toMatchObject({ code: 'KeyConflict' });
    });

    it('a look that fails in passing fails the write so; one that is not allowed does not', async () => {
      const name = await freshBucket();
      for (const [status, code] of [
        [503, 'RateLimited'],
        [500, 'Unavailable'],
      ] as const) {
        await using faults = await faultServer((incoming, answer) => {
          if (incoming.method === 'PUT') return false;
          answer.writeHead(status, { 'retry-after': '0' }).end();
          return true;
        }, server.endpoint);
        await expect(open(name, { transport, endpoint: faults.endpoint }).put('p/q', 'x')).rejects.toMatchObject({ code, retryable: true, operation: 'put' });
        expect(faults.seen.some((line) => line.startsWith('PUT'))).toBe(false);
      }
      await using blind = await faultServer((incoming, answer) => {
        if (incoming.method === 'PUT') return false;
        answer.writeHead(403).end();
        return true;
      }, server.endpoint);
      await open(name, { transport, endpoint: blind.endpoint }).put('p/q', 'x');
      expect(await listed(open(name))).toEqual(['p/q']);
    });
  });
}
