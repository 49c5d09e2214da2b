import { delegate, type Layer, memoryDriver, openBucket, StorageError } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ContentBuffers } from '../src/content-buffers.ts';
import { apart, ran } from './trees.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const { multipart } = memoryDriver().capabilities;

describe('memory for content', () => {
  it('is rounded up by less than a quarter, and used again for what fits the same', () => {
    const buffers = new ContentBuffers(64 * MIB, multipart);
    for (const bytes of [1, 2, 3, 7, 64 * KIB, 64 * KIB + 1, 100_000, MIB - 1, 5 * MIB, 8 * MIB]) {
      const buffer = buffers.take(bytes);
      expect(buffer.byteLength, `${bytes}`).toBeGreaterThanOrEqual(bytes);
      expect(buffer.byteLength, `${bytes}`).toBeLessThanOrEqual(bytes < 4 ? bytes : bytes * 1.25);
      buffers.giveBack(buffer);
      expect(buffers.take(bytes), `${bytes}`).toBe(buffer);
    }
    expect(buffers.take(5 * MIB).byteLength).toBe(5 * MIB);
    const lent = buffers.take(90_000);
    expect(buffers.take(90_000)).not.toBe(lent);
    buffers.giveBack(lent);
    expect(buffers.take(82_000)).toBe(lent);
  });

  it('is kept up to so many bytes, and those that are taken do not count', () => {
    const buffers = new ContentBuffers(3 * MIB, multipart);
    const taken = [0, 1, 2, 3].map(() => buffers.take(MIB));
    for (const buffer of taken) buffers.giveBack(buffer);
    const again = [0, 1, 2, 3].map(() => buffers.take(MIB));
    expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(3);
    for (const buffer of again) buffers.giveBack(buffer);
    expect(taken.filter((buffer) => again.includes(buffer))).toHaveLength(3);
  });
});

it('memory of the size that is used now displaces what lies idle', () => {
  const buffers = new ContentBuffers(8 * MIB, multipart);
  const small = Array.from({ length: 64 }, () => buffers.take(128 * KIB));
  for (const buffer of small) buffers.giveBack(buffer);
  const large = buffers.take(5 * MIB);
  buffers.giveBack(large);
  expect(buffers.take(5 * MIB)).toBe(large);
  buffers.giveBack(large);
  const huge = buffers.take(9 * MIB);
  buffers.giveBack(huge);
  expect(buffers.take(9 * MIB)).not.toBe(huge);
  expect(buffers.take(5 * MIB)).toBe(large);
  const left = Array.from({ length: 64 }, () => buffers.take(128 * KIB)).filter((buffer) => small.includes(buffer));
  expect(left).toHaveLength(24);
});

/** Puts that take their time before and after they look at the content; each third one that fails first has been given up. */
function slowly(): Layer {
  let puts = 0;
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await new Promise(setImmediate);
  };
  return (inner) =>
    delegate(inner, {
      async put(key, body, o) {
        const nth = puts++;
        await turns(nth % 7);
        if (nth % 3 === 0) throw new StorageError('Unavailable', 'given up', { key, retryable: true });
        const copied = body instanceof Uint8Array ? body : Buffer.concat(await Array.fromAsync(body));
        await turns(nth % 5);
        return await inner.put(key, copied, o);
      },
    });
}

it('objects of all sizes arrive as they were, though their memory is used again while others are under way', async () => {
  const root = mkdtempSync(join(tmpdir(), 'stowage-buffers-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const source = openBucket(fsDriver({ root, durability: 'none' }));
  const sizes = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 300 * KIB, MIB - 1, MIB, MIB + 1, 3 * MIB];
  const sums = new Map<string, string>();
  for (let i = 0; i < 120; i++) {
    const content = randomBytes(sizes[i % sizes.length] ?? 0);
    const key = `k${String(i).padStart(3, '0')}`;
    await source.put(key, content);
    sums.set(key, createHash('sha256').update(content).digest('hex'));
  }
  const destination = openBucket(memoryDriver()).with(apart, slowly());
  const { report } = await ran(source, destination, { retries: 9 });
  expect(report.counts.copied.objects).toBe(120);
  for (const [key, sum] of sums) {
    const content = await (await destination.get(key)).bytes();
    expect(createHash('sha256').update(content).digest('hex'), key).toBe(sum);
  }
});
