import { constants, readFileSync, writeFileSync } from 'node:fs';
import * as nodeFs from 'node:fs';
import { Readable } from 'node:stream';
import { pageAlignedBuffer } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeDirect } from '../src/direct-write.ts';
import type { FileSystem } from '../src/file-system.ts';
import { fsDriver } from '../src/index.ts';
import { faultyFs, type Judge, systemError } from './faulty-fs.ts';
import { pathsUnder, testFolder } from './folder.ts';

const MIB = 1024 * 1024;
const DIRECT = constants.O_DIRECT;

/** Bytes that tell where they belong, in memory that begins at a page. */
function aligned(size: number): Buffer {
  const bytes = pageAlignedBuffer(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 7919) >> 3;
  return bytes;
}

function isDirect(flags: unknown): boolean {
  return DIRECT !== undefined && typeof flags === 'number' && (flags & DIRECT) !== 0;
}

/** Why this disk takes no direct writes at all, if that is so. */
function refusal(): string | undefined {
  if (DIRECT === undefined) return `${process.platform} has no O_DIRECT`;
  const path = `${testFolder()}/probe`;
  try {
    nodeFs.closeSync(nodeFs.openSync(path, constants.O_CREAT | constants.O_WRONLY | DIRECT));
    return undefined;
  } catch (error) {
    return `the disk of temporary files takes no O_DIRECT: ${String(error)}`;
  }
}

/** A file with content where nothing is to be written, and the count of its bytes that were written directly. */
async function written(bytes: Uint8Array, position: number, judge: Judge = () => undefined): Promise<{ done: number; content: Buffer }> {
  const path = `${testFolder()}/file`;
  writeFileSync(path, Buffer.alloc(position + bytes.length + 10, 'o'));
  const done = await writeDirect(faultyFs(nodeFs, judge), path, bytes, position);
  return { done, content: readFileSync(path) };
}

/** What lies there when the first `done` bytes were written. */
function expected(bytes: Uint8Array, position: number, done: number): Buffer {
  const content = Buffer.alloc(position + bytes.length + 10, 'o');
  content.set(bytes.subarray(0, done), position);
  return content;
}

describe('direct writes', () => {
  test('write whole blocks from the first byte on, and leave the rest', async ({ skip }) => {
    const why = refusal();
    skip(why !== undefined, why);
    for (const [size, position, done] of [
      [MIB, 0, MIB],
      [3 * MIB + 5, 8192, 3 * MIB],
      [17 * MIB + 4095, 4096, 17 * MIB],
    ] as const) {
      const bytes = aligned(size);
      const result = await written(bytes, position);
      expect(result.done, `${size} at ${position}`).toBe(done);
      expect(result.content.equals(expected(bytes, position, done))).toBe(true);
    }
  });

  test('are not tried below 1 MiB, at a position within a block, or where the system has none', async () => {
    const tried: unknown[] = [];
    const judge: Judge = ({ name, args }) => {
      if (name === 'openSync') tried.push(args[1]);
      return undefined;
    };
    expect((await written(aligned(MIB - 1), 0, judge)).done).toBe(0);
    expect((await written(aligned(2 * MIB), 512, judge)).done).toBe(0);
    const others = { ...nodeFs.constants, O_DIRECT: undefined } as unknown as FileSystem['constants'];
    expect(await writeDirect({ ...nodeFs, constants: others, openSync: () => expect.fail() }, '/nowhere', aligned(MIB), 0)).toBe(0);
    expect(tried).toEqual([]);
  });

  test('leave all to the caller where the memory is not aligned, and the content is as it was', async () => {
    // Wherever this one begins, it is not at a block of 512 bytes or more. A system that takes it all the same writes it all the same.
    const bytes = aligned(2 * MIB + 4096).subarray(8, 2 * MIB + 8);
    const { done, content } = await written(bytes, 0);
    expect([0, bytes.length]).toContain(done);
    expect(content.equals(expected(bytes, 0, done))).toBe(true);
  });

  test('end where the disk refuses them, at the opening, the first write or a later one', async ({ skip }) => {
    const why = refusal();
    skip(why !== undefined, why);
    const bytes = aligned(20 * MIB);
    for (const [call, count, done, code] of [
      ['openSync', 1, 0, 'EINVAL'],
      ['openSync', 1, 0, 'ENOTSUP'],
      ['write', 1, 0, 'EINVAL'],
      ['write', 2, 8 * MIB, 'EINVAL'],
    ] as const) {
      const result = await written(bytes, 0, ({ name, count: n }) => (name === call && n === count ? systemError(code, name) : undefined));
      expect(result.done, `${call} ${count}`).toBe(done);
      expect(result.content.equals(expected(bytes, 0, done)), `${call} ${count}`).toBe(true);
    }
  });

  test('end behind one that the disk took only a part of a block of', async ({ skip }) => {
    const why = refusal();
    skip(why !== undefined, why);
    const result = await written(aligned(4 * MIB), 0, ({ name, count }) => (name === 'write' && count === 1 ? { result: 4096 + 7 } : undefined));
    expect(result.done).toBe(4096 + 7);
  });

  test('pass any other fault on, and no part is told of', async () => {
    for (const code of ['ENOSPC', 'EIO', 'EDQUOT']) {
      const root = testFolder();
      const fs = faultyFs(nodeFs, ({ name, args }) =>
        name === 'write' && args[1] instanceof Uint8Array && args[1].length >= MIB ? systemError(code, name) : undefined,
      );
      const upload = await fsDriver({ root, fs }).startUpload('key', {});
      await expect(upload.part(0, aligned(2 * MIB)), code).rejects.toMatchObject({ code: code === 'EIO' ? 'Unavailable' : 'OutOfSpace' });
      expect(await upload.parts()).toEqual([]);
    }
  });
});

/** A file system that tells which of its asynchronous writes go past the page cache. */
function recording(): { readonly fs: FileSystem; readonly sizes: (direct: boolean) => number[] } {
  const writes: { readonly direct: boolean; readonly bytes: number }[] = [];
  const fs = faultyFs(nodeFs, ({ name, args }) => {
    if (name === 'write') writes.push({ direct: isDirect(openFlags(args[0] as number)), bytes: (args[1] as Uint8Array).length });
    return undefined;
  });
  return { fs, sizes: (direct) => writes.flatMap((write) => (write.direct === direct ? [write.bytes] : [])) };
}

/** As open(2) was given them; Linux tells (proc(5)), and other systems have no direct writes. */
function openFlags(fd: number): number {
  return Number.parseInt(/flags:\s*([0-7]+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0', 8);
}

describe('whole content', () => {
  test('goes past the page cache but for what is less than a block, from any memory', async ({ skip }) => {
    const why = refusal();
    skip(why !== undefined, why);
    const root = testFolder();
    const { fs, sizes } = recording();
    const content = aligned(5 * MIB + 9);
    await fsDriver({ root, fs }).put('key', content, { size: content.length });
    expect([sizes(true), sizes(false)]).toEqual([[5 * MIB], [9]]);
    expect(readFileSync(`${root}/key`).equals(content)).toBe(true);
    // Of a stream each chunk would be asked for by itself.
    const streamed = recording();
    await fsDriver({ root, fs: streamed.fs }).put('streamed', Readable.from([content.subarray(0, 2 * MIB), content.subarray(2 * MIB)]), {});
    expect(streamed.sizes(true)).toEqual([]);
    expect(readFileSync(`${root}/streamed`).equals(content)).toBe(true);
    await fsDriver({ root }).put('other', Buffer.from(content.buffer, 8, 3 * MIB), {});
    expect(readFileSync(`${root}/other`).equals(content.subarray(8, 3 * MIB + 8))).toBe(true);
  });

  test('that the disk has no room for makes no object and leaves nothing behind', async () => {
    const root = testFolder();
    const fs = faultyFs(nodeFs, ({ name, args }) =>
      name === 'write' && args[1] instanceof Uint8Array && args[1].length >= MIB ? systemError('ENOSPC', name) : undefined,
    );
    await expect(fsDriver({ root, fs }).put('key', aligned(2 * MIB), {})).rejects.toMatchObject({ code: 'OutOfSpace' });
    expect(pathsUnder(root).filter((path) => !path.startsWith('.stowage'))).toEqual([]);
  });
});

describe('parts', () => {
  test('go past the page cache where the driver asks for their memory so, but for what is less than a block', async ({ skip }) => {
    const why = refusal();
    skip(why !== undefined, why);
    const root = testFolder();
    const { fs, sizes } = recording();
    const driver = fsDriver({ root, fs });
    expect(driver.capabilities.multipart.pageAligned).toBe(true);
    const upload = await driver.startUpload('key', {});
    const content = aligned(5 * MIB + 9);
    const parts = [await upload.part(0, content.subarray(0, 4 * MIB)), await upload.part(1, content.subarray(4 * MIB))];
    expect(sizes(true)).toEqual([4 * MIB, MIB]);
    expect(sizes(false)).toEqual([9]);
    await upload.complete(parts);
    expect(readFileSync(`${root}/key`).equals(content)).toBe(true);
    expect(pathsUnder(root).filter((path) => path.includes('content-') || path.endsWith('.tmp'))).toEqual([]);
  });

  test('of any size, in any order, from any memory, make the content that they have', async () => {
    const part = fc.record({ index: fc.nat(3), alignedMemory: fc.boolean(), letter: fc.constantFrom('a', 'b', 'c') });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(MIB, MIB + 65536, 2 * MIB),
        fc.constantFrom(1, 4096, MIB - 3, MIB),
        fc.array(part, { maxLength: 3 }),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        async (unit, last, sent, order) => {
          const root = testFolder();
          const driver = fsDriver({ root });
          const upload = await driver.startUpload('key', {});
          const bytesOf = (index: number, letter: string, alignedMemory: boolean): Buffer => {
            const size = index === 3 ? last : unit;
            return (alignedMemory ? pageAlignedBuffer(size) : Buffer.allocUnsafeSlow(size)).fill(letter);
          };
          // At first what was drawn, which is sent again: a file of its own. Then each once, in an order that was drawn, all at once.
          const letters = ['w', 'x', 'y', 'z'];
          for (const { index, alignedMemory, letter } of sent) await upload.part(index, bytesOf(index, letter, alignedMemory));
          const told = await Promise.all(order.map(async (index) => await upload.part(index, bytesOf(index, letters[index] ?? '', index !== 1))));
          const parts = told.toSorted((one, other) => one.index - other.index);
          await upload.complete(parts);
          const wanted = Buffer.concat(letters.map((letter, index) => bytesOf(index, letter, false)));
          expect(readFileSync(`${root}/key`).equals(wanted)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});
