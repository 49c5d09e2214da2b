import { setImmediate as turn } from 'node:timers/promises';
import { StorageError, type UploadedPart } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkReader, inAttempts, orderedParts, partSizeFor, piecesOf, piecesOfStream, sendPieces } from '../src/index.ts';
import { sizeOfPart } from '../src/send-parts.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;
const S3 = { minPart: 5 * MIB, maxPart: 5 * GIB, maxParts: 10_000 };

describe('the size of parts', () => {
  it('is as asked, but as the store takes it, and so that the content fits', () => {
    expect(partSizeFor(8 * MIB, undefined, S3)).toBe(8 * MIB);
    expect(partSizeFor(MIB, undefined, S3)).toBe(5 * MIB);
    expect(partSizeFor(8 * MIB, 5 * TIB, S3)).toBe(Math.ceil((5 * TIB) / 9000));
    expect(partSizeFor(6 * GIB, undefined, S3)).toBe(5 * GIB);
  });

  it('of an unknown whole grows so that the parts hold the largest object, and never above what one may have', () => {
    let sum = 0;
    for (let index = 0; index < S3.maxParts; index++) {
      const size = sizeOfPart(index, 8 * MIB, S3);
      expect(size).toBeLessThanOrEqual(S3.maxPart);
      sum += size;
    }
    expect(sum).toBeGreaterThan(5 * TIB);
  });
});

async function* streamOf(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) {
    await turn();
    yield chunk;
  }
}

/** Keeps what it is sent, and may fail first. */
class Store {
  readonly held: Buffer[] = [];
  most = 0;
  #now = 0;
  readonly #fail: (index: number) => Error | undefined;

  constructor(fail: (index: number) => Error | undefined = () => undefined) {
    this.#fail = fail;
  }

  async part(index: number, bytes: Uint8Array): Promise<UploadedPart> {
    this.most = Math.max(this.most, ++this.#now);
    await turn();
    this.#now--;
    const failure = this.#fail(index);
    if (failure !== undefined) throw failure;
    this.held[index] = Buffer.from(bytes);
    return { index, size: bytes.byteLength, token: String(index) };
  }
}

describe('pieces', () => {
  it('of any stream and any memory put together are the content, with so many in flight', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4 }), async (content, partSize, concurrency) => {
        const whole = Buffer.concat(content);
        const limits = { minPart: 1, maxPart: 1000, maxParts: 100_000 };
        const reader = new ChunkReader(streamOf(content));
        const first = await reader.next(partSize, undefined);
        const fromStream = new Store();
        if (!first.last) {
          const parts = await sendPieces(fromStream, piecesOfStream(reader, first.bytes, partSize, limits), { concurrency });
          expect(parts.map(({ index }) => index)).toEqual(fromStream.held.map((_, index) => index));
        }
        expect(Buffer.concat(first.last ? [first.bytes] : fromStream.held).equals(whole)).toBe(true);
        const fromMemory = new Store();
        await sendPieces(fromMemory, piecesOf(whole, partSize), { concurrency });
        expect(Buffer.concat(fromMemory.held).equals(whole)).toBe(true);
        expect(Math.max(fromStream.most, fromMemory.most)).toBeLessThanOrEqual(concurrency);
      }),
      { numRuns: 50 },
    );
  });

  it('that fail in a way that may pass are sent again', async () => {
    const failed = new Set<number>();
    const store = new Store((index) => {
      if (failed.has(index)) return undefined;
      failed.add(index);
      return new StorageError('Unavailable', 'not now');
    });
    await sendPieces(store, piecesOf(Buffer.from('abcdef'), 2), { concurrency: 3 });
    expect(Buffer.concat(store.held).toString()).toBe('abcdef');
  });

  it('end with the first failure that stays, of a part or of the source', async () => {
    const refused = new StorageError('AccessDenied', 'no');
    const store = new Store((index) => (index === 1 ? refused : undefined));
    await expect(sendPieces(store, piecesOf(Buffer.alloc(100), 1), { concurrency: 2 })).rejects.toBe(refused);
    expect(store.held.length).toBeLessThan(10);

    const broken = new Error('the source broke');
    async function* source(): AsyncIterable<Uint8Array> {
      yield Buffer.alloc(5);
      throw broken;
    }
    const reader = new ChunkReader(source());
    await expect(reader.next(10, undefined)).rejects.toBe(broken);
  });

  it('that are more than the store takes are refused', async () => {
    const reader = new ChunkReader(streamOf([Buffer.alloc(100)]));
    const first = await reader.next(1, undefined);
    const limits = { minPart: 1, maxPart: 1, maxParts: 20 };
    await expect(sendPieces(new Store(), piecesOfStream(reader, first.bytes, 1, limits), { concurrency: 1 })).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
  });
});

it('parts of an upload are put in order, and a gap or a double is refused', () => {
  const part = (index: number): UploadedPart => ({ index, size: 1, token: '' });
  expect(orderedParts('k', [part(2), part(0), part(1)]).map(({ index }) => index)).toEqual([0, 1, 2]);
  for (const wrong of [[part(1)], [part(0), part(2)], [part(0), part(0)]])
    expect(() => orderedParts('k', wrong)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});

describe('a chunk reader', () => {
  it('that is closed early ends its source, once', async () => {
    const left: string[] = [];
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.alloc(20);
        yield Buffer.alloc(20);
      } finally {
        left.push('left');
      }
    }
    const reader = new ChunkReader(source());
    await reader.next(10, undefined);
    await reader.close();
    await reader.close();
    expect(left).toEqual(['left']);
  });
});

describe('attempts', () => {
  it('end with a success, a failure that stays, or their number, which the error tells', async () => {
    let calls = 0;
    const flaky = async (): Promise<number> => {
      if (++calls < 3) throw new StorageError('Unavailable', 'not now');
      return calls;
    };
    expect(await inAttempts(3, undefined, flaky)).toBe(3);
    calls = 0;
    await expect(inAttempts(2, undefined, flaky)).rejects.toMatchObject({ code: 'Unavailable', attempts: 2 });
    const slow = new StorageError('RateLimited', 'in an hour', { retryAfterMs: 3_600_000 });
    await expect(inAttempts(3, undefined, () => Promise.reject(slow))).rejects.toBe(slow);
  });

  it('are over when the caller is: with the reason', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const waiting = inAttempts(3, stop.signal, async () => {
      setTimeout(() => stop.abort(reason), 0);
      throw new StorageError('RateLimited', 'in a while', { retryAfterMs: 20_000 });
    });
    await expect(waiting).rejects.toBe(reason);
  });
});
