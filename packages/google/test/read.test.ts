import { openBucket, prefixLayer, retryLayer } from '@stowage/core';
import { faultServer, type Misbehave, pass, serverOrReason, startStrictGcs } from '@stowage/test-servers';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { googleDriver } from '../src/google-driver.ts';
import { makeBucket } from './strict-server.ts';

const { server, missing } = await serverOrReason(() => startStrictGcs({ open: true }));
const SIZE = 3 * 1024 * 1024;

if (server === undefined) test('reads that go wrong', ({ skip }) => skip(missing));
else {
  beforeAll(async () => {
    await makeBucket(server.endpoint, 'reads');
    await using bucket = openBucket(googleDriver({ endpoint: server.endpoint, credentials: 'anonymous' }, 'reads'));
    await bucket.put('folder/key', Buffer.alloc(SIZE, 'content '));
  });
  afterAll(() => server.stop(), 60_000);

  /** The n-th read has one bit changed on its way, or breaks off in its middle, or both. */
  const spoilt = (plan: readonly { readonly flip?: boolean; readonly breakAt?: number }[]): Misbehave => {
    let reads = 0;
    return (incoming, answer) => {
      const step = incoming.url?.startsWith('/reads/') === true ? plan[reads++] : undefined;
      if (step === undefined) return false;
      pass(incoming, answer, server.endpoint, (response) => {
        answer.writeHead(response.statusCode ?? 500, response.headers);
        let seen = 0;
        response.on('data', (chunk: Buffer) => {
          if (step.flip === true && seen === 0) chunk[10] = (chunk[10] ?? 0) ^ 1;
          seen += chunk.byteLength;
          answer.write(chunk);
          if (step.breakAt !== undefined && seen > step.breakAt) {
            response.destroy();
            setTimeout(() => answer.destroy(), 20);
          }
        });
        response.on('end', () => answer.end());
        return true;
      });
      return true;
    };
  };
  const reading = async (plan: Parameters<typeof spoilt>[0]): Promise<Uint8Array> => {
    await using proxy = await faultServer(spoilt(plan), server.endpoint);
    const layers = [retryLayer({ baseDelayMs: 1 }), prefixLayer('folder/')];
    await using bucket = openBucket(googleDriver({ endpoint: proxy.endpoint, credentials: 'anonymous' }, 'reads'), { layers });
    return await (await bucket.get('key')).bytes();
  };

  it('content that was changed on its way is ChecksumMismatch, by CRC32C and through every layer', async () => {
    await expect(reading([{ flip: true }])).rejects.toMatchObject({ code: 'ChecksumMismatch', retryable: false });
    await expect(reading([{ flip: true }])).rejects.toThrow(/crc32c/);
  });

  it('content that broke off is gone on with, and compared as a whole', async () => {
    expect((await reading([{ breakAt: 500_000 }])).byteLength).toBe(SIZE);
    await expect(reading([{ flip: true, breakAt: 500_000 }])).rejects.toMatchObject({ code: 'ChecksumMismatch' });
    await expect(reading([{ breakAt: 500_000 }, { flip: true }])).rejects.toMatchObject({ code: 'ChecksumMismatch' });
  });
}
