import { PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBucket } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';

const NAMES = { lean: 'versions-lean', sdk: 'versions-sdk' } as const;
const { server, missing } = await serverOrReason(() => startMinio({ buckets: Object.values(NAMES) }));

if (server === undefined) test('versions', ({ skip }) => skip(missing));
else {
  const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  afterAll(() => server.stop(), 60_000);
  beforeAll(async () => {
    const client = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials });
    for (const Bucket of Object.values(NAMES)) {
      // MinIO still reads the settings of its buckets when it first answers, and may put what it read over what was set meanwhile.
      for (let kept = 0; kept < 3; await sleep(100)) {
        await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
        await sleep(100);
        const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key: 'probe', Body: '' }));
        kept = VersionId === undefined ? 0 : kept + 1;
      }
    }
    client.destroy();
  });

  describe.each(['lean', 'sdk'] as const)('a bucket that keeps versions, through %s', (transport) => {
    const options = { endpoint: server.endpoint, credentials, store: 'minio', transport } as const;
    const bucket = openBucket(minioDriver({ ...options, versioned: true }, NAMES[transport]));
    const textOf = async (key: string, version?: string): Promise<string> => (await bucket.get(key, version === undefined ? {} : { version })).text();

    it('head, get, copy and delete name one; the others stay', async () => {
      const first = await bucket.put('a', 'first', { metadata: { turn: '1' } });
      const second = await bucket.put('a', 'second one', { metadata: { turn: '2' } });
      const [one = '', two = ''] = [first.revision.version, second.revision.version];
      expect(one).not.toBe('');
      expect(two).not.toBe(one);
      expect(await textOf('a')).toBe('second one');
      expect(await textOf('a', one)).toBe('first');
      expect(await bucket.head('a', { version: one })).toMatchObject({ size: 5, revision: { version: one }, headers: { metadata: { turn: '1' } } });
      expect((await bucket.head('a')).revision.version).toBe(two);
      await bucket.copy('a', 'b', { version: one });
      expect(await textOf('b')).toBe('first');

      await bucket.delete('a');
      await expect(bucket.head('a')).rejects.toMatchObject({ code: 'NotFound' });
      expect(await textOf('a', two)).toBe('second one');
      await bucket.delete('a', { version: one });
      await expect(bucket.head('a', { version: one })).rejects.toMatchObject({ code: 'NotFound' });
      await expect(bucket.get('a', { version: one })).rejects.toMatchObject({ code: 'NotFound' });
      expect(await textOf('a', two)).toBe('second one');
    });

    it('several are deleted by one call, and a condition holds for the current one', async () => {
      const versions: string[] = [];
      for (const text of ['1', '2', '3']) versions.push((await bucket.put('many', text)).revision.version ?? '');
      const outcomes = [];
      for await (const outcome of bucket.deleteMany(versions.slice(0, 2).map((version) => ({ key: 'many', version })))) outcomes.push(outcome.ok);
      expect(outcomes).toEqual([true, true]);
      expect(await textOf('many')).toBe('3');
      await expect(bucket.head('many', { version: versions[0] ?? '' })).rejects.toMatchObject({ code: 'NotFound' });
      const current = await bucket.head('many');
      await bucket.put('many', '4', { if: current.revision });
      await expect(bucket.put('many', '5', { if: current.revision })).rejects.toMatchObject({ code: 'PreconditionFailed' });
      expect(await textOf('many')).toBe('4');
    });

    it('an upload in parts makes a version', async () => {
      const old = await bucket.put('parts', 'old');
      await using upload = await bucket.upload('parts');
      const made = await upload.complete([await upload.part(0, Buffer.from('of parts'))]);
      expect(made.revision.version).not.toBe(old.revision.version);
      expect(await textOf('parts', made.revision.version)).toBe('of parts');
      expect(await textOf('parts', old.revision.version)).toBe('old');
    });

    it('is refused where the configuration does not say that there are any', async () => {
      const plain = openBucket(minioDriver(options, NAMES[transport]));
      await expect(plain.get('a', { version: 'x' })).rejects.toMatchObject({ code: 'Unsupported' });
    });
  });
}
