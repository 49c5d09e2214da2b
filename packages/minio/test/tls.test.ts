import { Agent } from 'node:https';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { openBucket } from '@stowage/core';
import { localAuthority, serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';

const { server, missing } = await serverOrReason(async () => {
  await using authority = await localAuthority();
  return await startMinio({ authority });
});

if (server === undefined) test('MinIO over TLS', ({ skip }) => skip(missing));
else {
  const { ca = '' } = server;
  const keys = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  const base = { endpoint: server.endpoint, region: server.region, credentials: keys };
  afterAll(() => server.stop(), 60_000);
  beforeAll(async () => {
    const client = new S3Client({ ...base, forcePathStyle: true, requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca }) }) });
    await client.send(new CreateBucketCommand({ Bucket: 'sealed' }));
    client.destroy();
  });

  describe.each(['lean', 'sdk'] as const)('over TLS with an authority of our own, through %s', (transport) => {
    const open = (more: { readonly ca?: string } = { ca }): ReturnType<typeof openBucket> =>
      openBucket(minioDriver({ ...base, store: 'minio', transport, ...more }, 'sealed'));

    it('small and large objects go up, are listed, come down and are deleted', async () => {
      await using bucket = open();
      const large = Buffer.alloc(17 * 1024 * 1024 + 3, 'over TLS');
      await bucket.put('a b+c', 'small');
      await bucket.put('large', large);
      expect(await (await bucket.get('a b+c')).text()).toBe('small');
      expect(Buffer.from(await (await bucket.get('large')).bytes()).equals(large)).toBe(true);
      expect((await Array.fromAsync(bucket.list())).map(({ key }) => key)).toEqual(['a b+c', 'large']);
      expect((await Array.fromAsync(bucket.deleteMany(['a b+c', 'large']))).map(({ ok }) => ok)).toEqual([true, true]);
    });

    it('presigned requests are for https', async () => {
      await using bucket = open();
      const { url } = await bucket.presign('k', { method: 'GET', expiresInSeconds: 60 });
      expect(new URL(url).origin).toBe(server.endpoint);
    });

    it('without the authority nothing is sent', async () => {
      await using bucket = open({});
      await expect(bucket.get('k')).rejects.toMatchObject({ code: 'Config', message: expect.stringMatching(/not of an authority that is trusted here/) });
    });
  });
}
