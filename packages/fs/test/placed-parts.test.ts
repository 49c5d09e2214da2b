import { readdirSync, statSync, writeFileSync } from 'node:fs';
import * as nodeFs from 'node:fs';
import type { Upload, UploadedPart } from '@stowage/core';
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fsDriver } from '../src/index.ts';
import { faultyFs, systemError } from './faulty-fs.ts';
import { pathsUnder, read, testFolder } from './folder.ts';

const UNIT = 64 * 1024;
const bytesOf = (letter: string, size = UNIT): Buffer => Buffer.alloc(size, letter);

function crcOf(content: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(content));
  return bytes.toString('base64');
}

function contentOf(root: string, { ref }: Upload): string {
  const folder = `${root}/.stowage/uploads/${ref.id}`;
  return `${folder}/${readdirSync(folder).find((name) => name.startsWith('content-')) ?? 'no content'}`;
}

describe('parts of one length', () => {
  test('in any order make a file that becomes the object as it is', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const upload = await driver.startUpload('a/b', { contentType: 'text/plain' });
    const parts = await Promise.all([upload.part(2, bytesOf('z', 5)), upload.part(1, bytesOf('y')), upload.part(0, bytesOf('x'))]);
    expect(await upload.parts()).toEqual(parts.toReversed());
    // What came before the length was known is a file of its own; sent again, it is once more.
    const again = await fsDriver({ root }).startUpload('c', {});
    const others = [await again.part(0, bytesOf('x')), await again.part(1, bytesOf('y')), await again.part(2, bytesOf('z', 5))];
    const { ino } = statSync(contentOf(root, again));
    await again.complete(others, { lastModified: new Date(1_600_000_000_123) });
    expect(statSync(`${root}/c`).ino).toBe(ino);
    expect(statSync(`${root}/c`).mtime.getTime()).toBe(1_600_000_000_123);
    await upload.complete(parts.toReversed());
    for (const key of ['a/b', 'c']) expect(await read(driver, key)).toBe('x'.repeat(UNIT) + 'y'.repeat(UNIT) + 'zzzzz');
    expect(pathsUnder(root).filter((path) => path.includes('content-') || path.endsWith('.tmp'))).toEqual([]);
  });

  test('are compared with a CRC32 without being read again, and with any other checksum by reading them', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const content = Buffer.concat([bytesOf('x'), bytesOf('y', 9)]);
    const crc = crcOf(content);
    const sha256 = createHash('sha256').update(content).digest('base64');
    for (const [key, checksum, stays] of [
      ['crc', { crc32: crc }, true],
      ['sha', { crc32: crc, sha256 }, false],
    ] as const) {
      const upload = await driver.startUpload(key, {});
      const parts = [await upload.part(0, bytesOf('x')), await upload.part(1, bytesOf('y', 9))];
      const { ino } = statSync(contentOf(root, upload));
      // Also by whoever goes on with it: but its parts are not this one's own file, and are copied.
      await expect((await fsDriver({ root }).resumeUpload(upload.ref, {})).complete(parts, { checksum: { crc32: crcOf(bytesOf('z')) } })).rejects.toMatchObject(
        {
          code: 'ChecksumMismatch',
        },
      );
      await expect(upload.complete(parts, { checksum: { crc32: crcOf(bytesOf('z')) } })).rejects.toMatchObject({ code: 'ChecksumMismatch' });
      await upload.complete(parts, { checksum });
      expect(statSync(`${root}/${key}`).ino === ino, key).toBe(stays);
      expect(await read(driver, key)).toBe(content.toString());
    }
  });

  test('a completion that fails at any step takes nothing away from the upload', async () => {
    const root = testFolder();
    await fsDriver({ root }).put('key', Buffer.from('old'), {});
    let failing = '';
    let struck = 0;
    const fs = faultyFs(nodeFs, ({ name }) => (name === failing && ++struck === 1 ? systemError('ENOSPC', name) : undefined));
    const driver = fsDriver({ root, fs });
    const upload = await driver.startUpload('key', {});
    const parts = [await upload.part(0, bytesOf('x')), await upload.part(1, bytesOf('y', 9))];
    for (failing of ['fsync', 'futimesSync', 'renameSync', 'symlinkSync']) {
      struck = 0;
      await expect(upload.complete(parts), failing).rejects.toMatchObject({ code: 'OutOfSpace' });
      expect(struck, failing).toBeGreaterThan(0);
      expect(await read(driver, 'key')).toBe('old');
      expect(await upload.parts(), failing).toEqual(parts);
      expect(pathsUnder(root).filter((path) => path.endsWith('.tmp'))).toEqual([]);
    }
    failing = '';
    await expect(upload.complete(parts, { if: 'absent' })).rejects.toMatchObject({ code: 'AlreadyExists' });
    await upload.complete(parts);
    expect(await read(driver, 'key')).toBe('x'.repeat(UNIT) + 'y'.repeat(9));
  });

  test('a part that was begun and not recorded is none, and a torn record neither', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const upload = await driver.startUpload('key', {});
    const first = await upload.part(0, bytesOf('x'));
    await upload.part(1, bytesOf('y'));
    writeFileSync(`${root}/.stowage/uploads/${upload.ref.id}/1.placed`, '{"content":');
    const resumed = await fsDriver({ root }).resumeUpload(upload.detach(), {});
    expect(await resumed.parts()).toEqual([first]);
    const second = await resumed.part(1, bytesOf('w'));
    await resumed.complete([first, second]);
    expect(await read(driver, 'key')).toBe('x'.repeat(UNIT) + 'w'.repeat(UNIT));
  });

  test('whatever is sent, by whomever, in whatever order, the object is what the last of each part was', async () => {
    const step = fc.record({
      writer: fc.nat(1),
      index: fc.nat(3),
      size: fc.constantFrom(1, 1000, UNIT, UNIT, UNIT, 2 * UNIT),
      letter: fc.constantFrom('a', 'b', 'c', 'd'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const root = testFolder();
        const driver = fsDriver({ root, durability: 'none' });
        const upload = await driver.startUpload('key', {});
        const writers = [upload, await fsDriver({ root, durability: 'none' }).resumeUpload(upload.ref, {})] as const;
        const model = new Map<number, { readonly part: UploadedPart; readonly bytes: Buffer }>();
        for (const { writer, index, size, letter } of steps) {
          const bytes = bytesOf(letter, size);
          model.set(index, { part: await (writers[writer] as Upload).part(index, bytes), bytes });
        }
        const held = [...model.keys()].sort((a, b) => a - b);
        expect(await upload.parts()).toEqual(held.map((index) => model.get(index)?.part));
        const gapless = held.filter((index, i) => index === i);
        if (gapless.length === 0) return;
        const wanted = Buffer.concat(gapless.map((index) => model.get(index)?.bytes as Buffer));
        await (writers[steps.length % 2] as Upload).complete(
          gapless.map((index) => model.get(index)?.part as UploadedPart),
          steps.length % 3 === 0 ? {} : { checksum: { crc32: crcOf(wanted) } },
        );
        expect(await read(driver, 'key')).toBe(wanted.toString());
      }),
      { numRuns: 60 },
    );
  });
});
