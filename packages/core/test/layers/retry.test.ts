import { describe, expect, it } from 'vitest';
import { type Bucket, delegate, type Fault, faultLayer, memoryDriver, openBucket, type RetryOptions, retryLayer, StorageError } from '@stowage/core';

interface Scene {
  readonly bucket: Bucket;
  readonly waits: number[];
}

/** A bucket that fails as planned, under a retry layer whose waits are written down and not waited for. */
function scene(faults: readonly Fault[], options: RetryOptions = {}): Scene {
  const waits: number[] = [];
  const wait = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  const driver = memoryDriver();
  return { bucket: openBucket(driver, { layers: [faultLayer(faults), retryLayer({ random: () => 1, wait, ...options })] }), waits };
}

describe('retryLayer', () => {
  it('repeats what may pass, after delays that double', async () => {
    const { bucket, waits } = scene([{ operation: 'put', code: 'Unavailable', times: 3 }]);
    await bucket.put('a', 'x');
    expect(waits).toEqual([200, 400, 800]);
  });

  it('gives up after the attempts it was given, and says how many', async () => {
    const { bucket, waits } = scene([{ operation: 'head', code: 'Unavailable' }], { attempts: 3 });
    await expect(bucket.head('a')).rejects.toMatchObject({ code: 'Unavailable', attempts: 3 });
    expect(waits).toHaveLength(2);
  });

  it('does not repeat what cannot pass', async () => {
    const { bucket, waits } = scene([{ operation: 'head', code: 'AccessDenied' }]);
    await expect(bucket.head('a')).rejects.toMatchObject({ code: 'AccessDenied', attempts: 1 });
    expect(waits).toEqual([]);
  });

  it('waits as long as the store asks, but not longer than its limit', async () => {
    const asked = scene([{ operation: 'head', code: 'RateLimited', times: 1, details: { retryAfterMs: 5000 } }]);
    await asked.bucket.put('a', 'x');
    await asked.bucket.head('a');
    expect(asked.waits).toEqual([5000]);
    const tooLong = scene([{ operation: 'head', code: 'RateLimited', details: { retryAfterMs: 60_000 } }]);
    await expect(tooLong.bucket.head('a')).rejects.toMatchObject({ code: 'RateLimited', retryAfterMs: 60_000 });
    expect(tooLong.waits).toEqual([]);
  });

  it('sends a stream once', async () => {
    const { bucket } = scene([{ operation: 'put', code: 'Unavailable', times: 1 }]);
    await expect(bucket.put('a', new Blob(['x']))).rejects.toMatchObject({ code: 'Unavailable' });
  });

  it('does not repeat a conditional write whose fate is unknown, as it would meet itself', async () => {
    const { bucket } = scene([{ operation: 'put', code: 'Unavailable', after: true, times: 1 }]);
    await expect(bucket.put('a', 'x', { if: 'absent' })).rejects.toMatchObject({ code: 'Unavailable' });
    expect(await bucket.exists('a')).toBe(true);
    const throttled = scene([{ operation: 'put', code: 'RateLimited', times: 1 }]);
    await throttled.bucket.put('a', 'x', { if: 'absent' });
  });

  it('goes on with a body where it broke off, of the revision that was opened', async () => {
    const text = 'x'.repeat(100_000) + 'y'.repeat(100_000);
    const { bucket } = scene([{ operation: 'get', breakBodyAfter: 70_000, times: 2 }]);
    await bucket.put('a', text);
    expect(await (await bucket.get('a')).text()).toBe(text);
    const changed = scene([{ operation: 'get', breakBodyAfter: 70_000, times: 1 }]);
    await changed.bucket.put('a', text);
    const object = await changed.bucket.get('a');
    await changed.bucket.put('a', 'z'.repeat(200_000));
    await expect(object.text()).rejects.toMatchObject({ code: 'PreconditionFailed' });
  });

  it('goes on in the memory that was given for the content behind what is there already', async () => {
    const asked: (Uint8Array | undefined)[] = [];
    const bytes = Buffer.from('0123456789'.repeat(20_000));
    // A driver that puts content where it is wanted, and breaks off once.
    let breaks = 1;
    const driver = delegate(memoryDriver(), {
      async get(_key, { into, range }) {
        asked.push(into);
        const { start = 0 } = (range as { start?: number } | undefined) ?? {};
        async function* body(): AsyncGenerator<Uint8Array> {
          for (let at = start; at < bytes.byteLength; at += 50_000) {
            if (at >= 100_000 && breaks-- > 0) throw new StorageError('Unavailable', 'broke off');
            const piece = bytes.subarray(at, at + 50_000);
            into?.set(piece, at - start);
            yield into?.subarray(at - start, at - start + piece.byteLength) ?? piece;
          }
        }
        const info = { key: 'a', size: bytes.byteLength, lastModified: new Date(0), revision: { etag: '1' }, checksums: {}, headers: {} };
        return { info, range: { start, end: bytes.byteLength }, body: body(), close: async () => undefined };
      },
    });
    const bucket = openBucket(driver, { layers: [retryLayer({ wait: () => Promise.resolve() })] });
    const into = new Uint8Array(bytes.byteLength);
    let at = 0;
    for await (const chunk of await bucket.get('a', { into })) {
      expect([chunk.buffer === into.buffer, chunk.byteOffset]).toEqual([true, at]);
      at += chunk.byteLength;
    }
    expect(asked.map((memory) => memory?.byteOffset)).toEqual([0, 100_000]);
    expect(Buffer.from(into).equals(bytes)).toBe(true);
  });

  it('takes a body that ends early without a word for one that broke off', async () => {
    const { bucket, waits } = scene([{ operation: 'get', breakBodyAfter: 5, silent: true, times: 1 }]);
    await bucket.put('a', '0123456789');
    expect(await (await bucket.get('a')).text()).toBe('0123456789');
    expect(waits).toHaveLength(1);
    const never = scene([{ operation: 'get', breakBodyAfter: 0, silent: true }], { attempts: 2 });
    await never.bucket.put('a', '0123456789');
    await expect((await never.bucket.get('a')).bytes()).rejects.toMatchObject({ code: 'Unavailable', attempts: 2 });
  });

  it('goes on with a listing behind its last page', async () => {
    const { bucket } = scene([
      { operation: 'list', code: 'Unavailable', skip: 1, times: 2 },
      { operation: 'list', code: 'RateLimited', skip: 3, times: 1 },
    ]);
    const keys = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, '0')}`);
    for (const key of keys) await bucket.put(key, '');
    const pages = await Array.fromAsync(bucket.listPages({ limit: 10 }));
    expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(keys);
  });

  it('asks again only for the items that failed', async () => {
    const driver = memoryDriver();
    const asked: number[] = [];
    const flaky = openBucket(driver, {
      layers: [
        (inner) =>
          delegate(inner, {
            async deleteMany(items, o) {
              asked.push(items.length);
              const outcomes = await inner.deleteMany(items, o);
              if (asked.length > 1) return outcomes;
              return outcomes.map((outcome, i) =>
                i % 2 === 0 ? { key: outcome.key, ok: false, error: new StorageError('RateLimited', 'slow down') } : outcome,
              );
            },
          }),
        retryLayer({ wait: () => Promise.resolve() }),
      ],
    });
    const outcomes = await Array.fromAsync(flaky.deleteMany(['a', 'b', 'c', 'd', 'e']));
    expect(outcomes.map(({ key, ok }) => `${key} ${ok}`)).toEqual(['a true', 'b true', 'c true', 'd true', 'e true']);
    expect(asked).toEqual([5, 3]);
  });

  it('stops waiting when it is aborted', async () => {
    const bucket = openBucket(memoryDriver(), { layers: [faultLayer([{ operation: 'head', code: 'Unavailable' }]), retryLayer({ baseDelayMs: 20_000 })] });
    const controller = new AbortController();
    const reason = new Error('enough');
    const head = bucket.head('a', { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(head).rejects.toBe(reason);
  });
});
