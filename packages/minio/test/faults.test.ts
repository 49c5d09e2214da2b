import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { type BucketDriver, isStorageError, openBucket, retryLayer } from '@stowage/core';
import { faultServer, type Misbehave, pass, serverOrReason, startMinio } from '@stowage/test-servers';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';
import { xmlError } from './xml-error.ts';

const MIB = 1024 * 1024;
const { server, missing } = await serverOrReason(() => startMinio());

/** So many bytes that no two places look alike. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 4) bytes.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, Math.min(i, size - 4));
  return bytes;
}

/** The first request that matches goes wrong so; all others pass. */
function once(matches: (method: string, url: string) => boolean, misbehave: Misbehave): Misbehave {
  let done = false;
  return (incoming, answer) => {
    if (done || !matches(incoming.method ?? '', incoming.url ?? '')) return false;
    done = true;
    return misbehave(incoming, answer);
  };
}

const completion = (method: string, url: string): boolean => method === 'POST' && url.includes('uploadId=');

if (server === undefined) test('a store that misbehaves', ({ skip }) => skip(missing));
else {
  const keys = { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey };
  afterAll(() => server.stop(), 60_000);
  beforeAll(async () => {
    await new S3Client({ endpoint: server.endpoint, region: server.region, forcePathStyle: true, credentials: keys }).send(
      new CreateBucketCommand({ Bucket: 'faults' }),
    );
  });

  describe.each(['lean', 'sdk'] as const)('through %s', (transport) => {
    const open = (endpoint: string): BucketDriver =>
      minioDriver({ endpoint, credentials: keys, region: server.region, store: 'minio', transport, partSize: 5 * MIB }, 'faults');
    const direct = open(server.endpoint);
    const read = async (key: string): Promise<Buffer> => Buffer.from(await (await openBucket(direct).get(key)).bytes());
    const unfinished = async (): Promise<number> => {
      let count = 0;
      for await (const _ of direct.listUploads({})) count++;
      return count;
    };

    it('an error in the 200 of a completion is a failure, and leaves the old object', async () => {
      await direct.put('completed', Buffer.from('old'), {});
      await using faults = await faultServer(
        once(completion, (incoming, answer) => {
          incoming.resume();
          return xmlError(answer, 200, 'InternalError');
        }),
        server.endpoint,
      );
      const error: unknown = await open(faults.endpoint)
        .put('completed', content(11 * MIB), {})
        .catch((e: unknown) => e);
      expect(isStorageError(error, 'Unavailable')).toBe(true);
      expect((await read('completed')).toString()).toBe('old');
      expect(await unfinished()).toBe(0);
    });

    it('an error in the 200 of a copy is a failure', async () => {
      await direct.put('source', Buffer.from('x'), {});
      await using faults = await faultServer(
        once(
          (method, url) => method === 'PUT' && url.includes('copied'),
          (incoming, answer) => {
            incoming.resume();
            return xmlError(answer, 200, 'SlowDown');
          },
        ),
        server.endpoint,
      );
      const driver = open(faults.endpoint);
      const [outcome] = await driver.copyMany([{ from: driver.copySource('source'), to: 'copied' }], {});
      expect(outcome?.ok === false && outcome.error.code).toBe('RateLimited');
    });

    it('a completion that worked and was answered with 500, or not at all, is found to have worked', async () => {
      for (const how of ['500', 'reset'] as const) {
        await using faults = await faultServer(
          once(completion, (incoming, answer) => {
            pass(incoming, answer, server.endpoint, (response) => {
              response.resume().once('end', () => (how === '500' ? xmlError(answer, 500, 'InternalError') : answer.destroy()));
              return true;
            });
            return true;
          }),
          server.endpoint,
        );
        const info = await open(faults.endpoint).put(`lost-${how}`, content(11 * MIB), { if: 'absent' });
        expect(info.size).toBe(11 * MIB);
        expect((await read(`lost-${how}`)).equals(content(11 * MIB))).toBe(true);
        await direct.deleteMany([{ key: `lost-${how}` }], {});
      }
    });

    it('a completion that did not work and was answered with 500 is a failure', async () => {
      await using faults = await faultServer(
        once(completion, (incoming, answer) => {
          incoming.resume();
          return xmlError(answer, 500, 'InternalError');
        }),
        server.endpoint,
      );
      await expect(open(faults.endpoint).put('not-there', content(11 * MIB), {})).rejects.toMatchObject({ code: 'Unavailable' });
      await expect(direct.head('not-there', {})).rejects.toMatchObject({ code: 'NotFound' });
    });

    it('a part that is throttled or reset is sent again, and the stream is whole', async () => {
      let faultsLeft = 3;
      await using faults = await faultServer((incoming, answer) => {
        if (incoming.method !== 'PUT' || incoming.url?.includes('partNumber') !== true || faultsLeft <= 0) return false;
        faultsLeft--;
        if (faultsLeft === 1) {
          answer.destroy();
          return true;
        }
        return new Promise((resolve) => incoming.once('end', () => resolve(xmlError(answer, 503, 'SlowDown'))).resume());
      }, server.endpoint);
      const whole = content(23 * MIB + 17);
      async function* stream(): AsyncIterable<Uint8Array> {
        for (let at = 0; at < whole.byteLength; at += 700_001) yield whole.subarray(at, at + 700_001);
      }
      const info = await open(faults.endpoint).put('streamed', stream(), {});
      expect(faultsLeft).toBe(0);
      expect(info.size).toBe(whole.byteLength);
      expect((await read('streamed')).equals(whole)).toBe(true);
    });

    it('a read of a range that is answered with all of it is refused, not torn', async () => {
      const headers = { etag: '"x"', 'last-modified': new Date(0).toUTCString(), 'content-length': '5000' };
      await using faults = await faultServer((_incoming, answer) => {
        answer.writeHead(200, headers).end(content(5000));
        return true;
      });
      const driver = open(faults.endpoint);
      await expect(driver.get('ranged', { range: { start: 100, end: 200 } })).rejects.toMatchObject({ code: 'Unavailable' });
      const whole = await driver.get('ranged', { range: { start: 0, end: 9000 } });
      expect(whole.range).toEqual({ start: 0, end: 5000 });
      await whole.close();
    });

    it('a listing that is cut off, or names no place to go on, is never taken for a whole one', async () => {
      const page =
        '<?xml version="1.0"?><ListBucketResult><Name>faults</Name><IsTruncated>true</IsTruncated><Contents><Key>a</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"x"</ETag><Size>1</Size></Contents>';
      for (const body of [page, `${page}</ListBucketResult>`]) {
        await using faults = await faultServer((_incoming, answer) => {
          answer.writeHead(200, { 'content-type': 'application/xml' }).end(body);
          return true;
        });
        const pages = async (): Promise<unknown> => {
          for await (const each of open(faults.endpoint).list({})) if (each.cursor === undefined) return each;
          return undefined;
        };
        await expect(pages()).rejects.toMatchObject({ name: 'StorageError' });
      }
    });

    it('a body that breaks off is resumed by the retry layer at its byte', async () => {
      const whole = content(3 * MIB);
      await direct.put('resumed', whole, {});
      let breaks = 2;
      await using faults = await faultServer((incoming, answer) => {
        if (incoming.method !== 'GET' || breaks <= 0) return false;
        breaks--;
        pass(incoming, answer, server.endpoint, (response) => {
          answer.writeHead(response.statusCode ?? 500, response.headers);
          response.once('data', (chunk: Buffer) => answer.write(chunk, () => answer.destroy()));
          return true;
        });
        return true;
      }, server.endpoint);
      const bucket = openBucket(open(faults.endpoint), { layers: [retryLayer({ baseDelayMs: 1 })] });
      expect(Buffer.from(await (await bucket.get('resumed')).bytes()).equals(whole)).toBe(true);
      expect(breaks).toBe(0);
    });
  });
}
