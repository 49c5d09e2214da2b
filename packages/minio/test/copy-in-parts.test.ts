import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openBucket } from '@stowage/core';
import { serverOrReason, startMinio, startVersitygw } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { MinioDriver } from '../src/minio-driver.ts';
import { minioSettings } from '../src/minio-options.ts';

const MIB = 1024 * 1024;

for (const [store, start] of [
  ['minio', startMinio],
  ['versitygw', startVersitygw],
] as const) {
  const { server, missing } = await serverOrReason(() => start());
  if (server === undefined) test(`copies in parts on ${store}`, ({ skip }) => skip(missing));
  else {
    afterAll(() => server.stop(), 60_000);
    describe(`copies in parts on ${store}`, () => {
      const settings = minioSettings({
        endpoint: server.endpoint,
        region: server.region,
        store,
        credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
      });
      const driver = new MinioDriver(settings, 'copies', { maxSingle: 6 * MIB, partSize: 5 * MIB });
      const bucket = openBucket(driver);
      const content = Buffer.alloc(13 * MIB + 5, 'stowage');

      it('keep content, headers, metadata and tags, and obey conditions', async () => {
        await new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials: server }).send(
          new CreateBucketCommand({ Bucket: 'copies' }),
        );
        const headers = { contentType: 'video/x-test', cacheControl: 'max-age=3', metadata: { made: 'by  hand' }, tags: { kind: 'large' } };
        const source = await bucket.put('source', content, headers);
        const info = await bucket.copy('source', 'copied', { sourceIf: source.revision, if: 'absent' });
        expect(info).toMatchObject({ key: 'copied', size: content.byteLength, headers });
        expect(Buffer.from(await (await bucket.get('copied')).bytes()).equals(content)).toBe(true);
        expect((await bucket.head('copied')).headers).toMatchObject(headers);
        await expect(bucket.copy('source', 'copied', { if: 'absent' })).rejects.toMatchObject({ code: 'AlreadyExists' });
        await bucket.put('source', content.subarray(1));
        await expect(bucket.copy('source', 'other', { sourceIf: source.revision })).rejects.toMatchObject({ code: 'PreconditionFailed' });
        const left: unknown[] = [];
        for await (const upload of bucket.listUploads()) left.push(upload);
        expect(left).toEqual([]);
      });
    });
  }
}
