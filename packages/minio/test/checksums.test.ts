import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { crc32c } from '@node-rs/crc32';
import { type Bucket, openBucket, retryLayer } from '@stowage/core';
import { serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import { faultServer, pass } from './faults/fault-server.ts';

const MIB = 1024 * 1024;
const CONTENT = Buffer.from('checked content '.repeat(20_000));
const { server, missing } = await serverOrReason(() => startMinio({ buckets: ['checksums'] }));

function base64(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

/** What other programs leave in a bucket, each with the checksum that its tool sends. */
const KEPT = {
  crc32: base64(crc32(CONTENT)),
  crc32c: base64(crc32c(CONTENT)),
  sha256: createHash('sha256').update(CONTENT).digest('base64'),
} as const;

if (server === undefined) test('checksums', ({ skip }) => skip(missing));
else {
  const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  const other = new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials });
  afterAll(() => server.stop(), 60_000);

  describe.each(['lean', 'sdk'] as const)('through %s', (transport) => {
    const open = (endpoint: string): Bucket => openBucket(minioDriver({ endpoint, credentials, store: 'minio', transport }, 'checksums'));
    const bucket = open(server.endpoint);
    /** The same bucket behind a wire that changes one byte in the middle of every body. */
    const damaging = (): ReturnType<typeof faultServer> =>
      faultServer((incoming, answer) => {
        if (incoming.method !== 'GET') return false;
        pass(incoming, answer, server.endpoint, (response) => {
          answer.writeHead(response.statusCode ?? 500, response.headers);
          let at = 0;
          response.on('data', (chunk: Buffer) => {
            const place = CONTENT.byteLength / 2 - at;
            if (place >= 0 && place < chunk.byteLength) chunk[place] = (chunk[place] as number) ^ 1;
            at += chunk.byteLength;
            answer.write(chunk);
          });
          response.once('end', () => answer.end());
          return true;
        });
        return true;
      }, server.endpoint);

    it.each(['crc32', 'crc32c', 'sha256'] as const)('%s that the store keeps is told, and compared when the whole is read', async (name) => {
      const key = `${transport}-${name}`;
      const field = { crc32: 'ChecksumCRC32', crc32c: 'ChecksumCRC32C', sha256: 'ChecksumSHA256' }[name];
      await other.send(new PutObjectCommand({ Bucket: 'checksums', Key: key, Body: CONTENT, [field]: KEPT[name] }));
      expect((await bucket.head(key)).checksums[name]).toBe(KEPT[name]);
      expect(Buffer.from(await (await bucket.get(key)).bytes()).equals(CONTENT)).toBe(true);
      await using wire = await damaging();
      await expect((await open(wire.endpoint).get(key)).bytes()).rejects.toMatchObject({ code: 'ChecksumMismatch' });
      const unasked = await (await open(wire.endpoint).get(key, { verify: false })).bytes();
      expect(unasked.byteLength).toBe(CONTENT.byteLength);
    });

    it('CRC32C is compared over a body that broke off and went on, too', async () => {
      const key = `${transport}-crc32c-resumed`;
      await other.send(new PutObjectCommand({ Bucket: 'checksums', Key: key, Body: CONTENT, ChecksumCRC32C: KEPT.crc32c }));
      let breaks = 1;
      await using wire = await faultServer((incoming, answer) => {
        if (incoming.method !== 'GET' || breaks-- <= 0) return false;
        pass(incoming, answer, server.endpoint, (response) => {
          answer.writeHead(response.statusCode ?? 500, response.headers);
          response.once('data', (chunk: Buffer) => answer.write(chunk.subarray(0, 1000), () => answer.destroy()));
          return true;
        });
        return true;
      }, server.endpoint);
      const repeated = open(wire.endpoint).with(retryLayer({ baseDelayMs: 1 }));
      expect(Buffer.from(await (await repeated.get(key)).bytes()).equals(CONTENT)).toBe(true);
      expect(breaks).toBeLessThanOrEqual(0);
    });

    it('CRC64NVME is told, and not compared', async () => {
      const key = `${transport}-crc64nvme`;
      await other.send(new PutObjectCommand({ Bucket: 'checksums', Key: key, Body: CONTENT, ChecksumAlgorithm: 'CRC64NVME' }));
      expect((await bucket.head(key)).checksums.crc64nvme).toMatch(/^[\w+/]{11}=$/);
      await using wire = await damaging();
      expect((await (await open(wire.endpoint).get(key)).bytes()).byteLength).toBe(CONTENT.byteLength);
    });

    it('a checksum of the parts’ checksums is none of the whole: neither told nor compared', async () => {
      const parts = [Buffer.alloc(5 * MIB, 'one '), Buffer.from('two')];
      for (const ChecksumAlgorithm of ['SHA256', 'CRC32', 'CRC32C'] as const) {
        const name = { Bucket: 'checksums', Key: `${transport}-composite-${ChecksumAlgorithm}` };
        const { UploadId } = await other.send(new CreateMultipartUploadCommand({ ...name, ChecksumAlgorithm, ChecksumType: 'COMPOSITE' }));
        const sent = [];
        for (const [i, Body] of parts.entries()) {
          const part = { PartNumber: i + 1, UploadId };
          const { ETag, ChecksumSHA256, ChecksumCRC32, ChecksumCRC32C } = await other.send(
            new UploadPartCommand({ ...name, ...part, Body, ChecksumAlgorithm }),
          );
          sent.push({ PartNumber: i + 1, ETag, ChecksumSHA256, ChecksumCRC32, ChecksumCRC32C });
        }
        await other.send(new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts: sent } }));
        expect((await bucket.head(name.Key)).checksums).toEqual({});
        const read = await bucket.get(name.Key);
        expect(read.info.checksums).toEqual({});
        expect(Buffer.from(await read.bytes()).equals(Buffer.concat(parts))).toBe(true);
      }
    });

    it('what goes up in parts has a CRC32 of the whole, which is told and compared', async () => {
      const whole = Buffer.alloc(9 * MIB, 'in parts ');
      const info = await bucket.put(`${transport}-parts`, whole);
      expect(info.checksums).toEqual({ crc32: base64(crc32(whole)) });
      expect(info.revision.etag).toMatch(/-2"$/);
      await using wire = await damaging();
      await expect((await open(wire.endpoint).get(`${transport}-parts`)).bytes()).rejects.toMatchObject({ code: 'ChecksumMismatch' });
    });
  });
}
