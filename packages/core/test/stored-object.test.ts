import { describe, expect, it } from 'vitest';
import type { Digest } from '../src/digest.ts';
import { delegate } from '../src/layers/delegate.ts';
import { memoryDriver } from '../src/memory/memory-driver.ts';
import { openBucket } from '../src/open-bucket.ts';

/** Adds up bytes: none of the algorithms that Node computes. */
function sumDigest(): Digest {
  let sum = 0;
  return {
    algorithm: 'crc64nvme',
    update: (bytes) => {
      for (const byte of bytes) sum += byte;
    },
    value: () => String(sum),
  };
}

describe('a driver that brings the digest of its own checksum', () => {
  const open = (told: string): ReturnType<typeof openBucket> => {
    const inner = memoryDriver();
    return openBucket(
      delegate(inner, {
        get: async (key, o) => {
          const object = await inner.get(key, o);
          return { ...object, info: { ...object.info, checksums: { crc64nvme: told } }, close: () => object.close(), digest: sumDigest };
        },
      }),
    );
  };

  it('has whole content compared by it', async () => {
    const right = open('6');
    await right.put('k', new Uint8Array([1, 2, 3]));
    expect((await (await right.get('k')).bytes()).byteLength).toBe(3);
    const wrong = open('7');
    await wrong.put('k', new Uint8Array([1, 2, 3]));
    await expect((async () => (await wrong.get('k')).bytes())()).rejects.toMatchObject({ code: 'ChecksumMismatch', retryable: false });
  });

  it('has no range compared, and nothing where that is not wanted', async () => {
    const wrong = open('7');
    await wrong.put('k', new Uint8Array([1, 2, 3]));
    expect((await (await wrong.get('k', { range: { start: 1 } })).bytes()).byteLength).toBe(2);
    expect((await (await wrong.get('k', { verify: false })).bytes()).byteLength).toBe(3);
  });
});

describe('a body that ends before its announced length, of an object without a checksum', () => {
  const short = openBucket(
    delegate(memoryDriver(), {
      get: async (key) => ({
        info: { key, size: 5, lastModified: new Date(0), revision: {}, checksums: {} },
        range: { start: 0, end: 5 },
        body: (async function* () {
          yield new Uint8Array([1, 2, 3]);
        })(),
        close: () => Promise.resolve(),
      }),
    }),
  );
  const cut = { code: 'Unavailable', message: expect.stringContaining('announced 5 bytes') as string };

  it('is told, however it is read, and whatever lay in the memory for it', async () => {
    await expect((async () => (await short.get('k')).bytes())()).rejects.toMatchObject(cut);
    await expect((async () => (await short.get('k', { into: new Uint8Array(5).fill(7) })).bytes())()).rejects.toMatchObject(cut);
    await expect((async () => Array.fromAsync(await short.get('k')))()).rejects.toMatchObject(cut);
  });
});
