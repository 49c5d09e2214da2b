import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Diagnosis } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import type { MinioOptions } from '../src/minio-options.ts';
import { minio } from '../src/minio-provider.ts';
import { restrictedKeys } from './denied-keys.ts';

const { server, missing } = await serverOrReason(() => startMinio());

if (server === undefined) test('a diagnosis on MinIO', ({ skip }) => skip(missing));
else {
  const keys = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  const base = { endpoint: server.endpoint, region: server.region, store: 'minio' as const };
  const client = new S3Client({ ...base, forcePathStyle: true, credentials: keys });
  afterAll(() => server.stop(), 60_000);
  beforeAll(async () => {
    for (const Bucket of ['examined', 'versioned']) await client.send(new CreateBucketCommand({ Bucket }));
    await client.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }));
    await client.send(new PutObjectCommand({ Bucket: 'examined', Key: 'there', Body: 'x' }));
  });
  const diagnose = async (options: MinioOptions, bucket: string): Promise<Diagnosis> => {
    const report = await minio.diagnose?.(options, bucket, {});
    if (report === undefined) throw new Error('the provider has no diagnosis');
    return report;
  };
  const objectsOf = async (bucket: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { objects } of minioDriver({ ...base, credentials: keys }, bucket).list({})) found.push(...objects.map(({ key }) => key));
    return found;
  };

  describe('a diagnosis', () => {
    it('finds nothing wrong where nothing is, and leaves nothing behind', async () => {
      const report = await diagnose({ ...base, credentials: keys }, 'examined');
      expect(report).toMatchObject({
        provider: 'minio',
        bucket: 'examined',
        endpoint: server.endpoint,
        healthy: true,
        missing: [],
        clockSkewMs: 0,
        advice: [],
      });
      expect(report.facts).toEqual([
        { name: 'region', value: server.region },
        { name: 'addressing', value: 'path' },
        { name: 'tls', value: 'no' },
      ]);
      expect(report.grant).toBeUndefined();
      expect(report.access).toEqual({ list: 'granted', read: 'granted', write: 'granted', delete: 'granted', 'list-uploads': 'granted' });
      expect(await objectsOf('examined')).toEqual(['there']);
    });

    it('names what is missing, its action and the policy that grants it', async () => {
      const allowed = ['s3:ListBucket', 's3:GetObject', 's3:GetBucketVersioning'];
      const credentials = await restrictedKeys(server, {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: allowed, Resource: ['arn:aws:s3:::*'] }],
      });
      const report = await diagnose({ ...base, credentials }, 'examined');
      expect(report.access).toEqual({ list: 'granted', read: 'granted', write: 'denied', delete: 'denied', 'list-uploads': 'denied' });
      expect(report.healthy).toBe(false);
      expect(report.missing.flatMap(({ actions }) => actions)).toEqual([
        's3:PutObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
        's3:DeleteObject',
        's3:ListBucketMultipartUploads',
      ]);
      expect(JSON.parse(report.grant ?? '')).toEqual({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: ['s3:ListBucketMultipartUploads'], Resource: 'arn:aws:s3:::examined' },
          {
            Effect: 'Allow',
            Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:DeleteObject'],
            Resource: 'arn:aws:s3:::examined/*',
          },
        ],
      });
    });

    it('works, and the driver with it, without the right to list uploads', async () => {
      const allowed = [
        's3:ListBucket',
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
        's3:GetBucketVersioning',
      ];
      const options: MinioOptions = {
        ...base,
        credentials: await restrictedKeys(server, { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: allowed, Resource: ['arn:aws:s3:::*'] }] }),
      };
      const report = await diagnose(options, 'examined');
      expect(report).toMatchObject({ healthy: true, missing: [{ permission: 'list-uploads' }] });
      const driver = minioDriver({ ...options, partSize: 5 * 1024 * 1024 }, 'examined');
      const info = await driver.put('large', Buffer.alloc(11 * 1024 * 1024, 7), {});
      expect(info.size).toBe(11 * 1024 * 1024);
      await driver.deleteMany([{ key: 'large' }], {});
    });

    it('asks for no deletion where it would leave a marker', async () => {
      const report = await diagnose({ ...base, credentials: keys }, 'versioned');
      expect(report.access?.delete).toBe('not-probed');
      expect(report.advice.join()).toContain('keeps versions');
    });

    it('tells what the server is, where it is taken for another', async () => {
      expect((await diagnose({ ...base, store: 's3', credentials: keys }, 'examined')).advice).toEqual([
        'the server says that it is minio, and it is taken for s3; set store: minio, so that keys it would change are refused',
      ]);
    });

    it('tells why nothing could be asked', async () => {
      expect((await diagnose({ ...base, credentials: keys }, 'no-such-bucket')).problem?.code).toBe('BucketNotFound');
      expect((await diagnose({ ...base, credentials: { ...keys, secretAccessKey: 'wrong-secret' } }, 'examined')).problem?.code).toBe('Unauthenticated');
      expect((await diagnose({ ...base, endpoint: 'http://127.0.0.1:1', credentials: keys }, 'examined')).problem?.code).toBe('Unavailable');
    });
  });
}
