import * as nodeFs from 'node:fs';
import { readdirSync, writeFileSync } from 'node:fs';
import type { UploadRef } from '@stowage/core';
import { describe, expect, test } from 'vitest';
import { fsDriver } from '../src/index.ts';
import { faultyFs, systemError } from './faulty-fs.ts';
import { pathsUnder, read, testFolder } from './folder.ts';

describe('uploads in parts', () => {
  test('survive a restart, and are open to several writers', async () => {
    const root = testFolder();
    const first = await fsDriver({ root }).startUpload('a/b', { contentType: 'text/plain' });
    await first.part(2, Buffer.from('three'));
    const ref = JSON.parse(JSON.stringify(first.detach())) as UploadRef;
    const second = await fsDriver({ root }).resumeUpload(ref, {});
    await second.part(0, Buffer.from('one '));
    await second.part(1, Buffer.from('was wrong'));
    await second.part(1, Buffer.from('two '));
    const parts = await second.parts();
    expect(parts.map(({ index, size }) => [index, size])).toEqual([
      [0, 4],
      [1, 4],
      [2, 5],
    ]);
    expect(await second.complete(parts)).toMatchObject({ size: 13, headers: { contentType: 'text/plain' } });
    expect(await read(fsDriver({ root }), 'a/b')).toBe('one two three');
    expect(readdirSync(`${root}/.stowage/uploads`)).toEqual([]);
    await expect(first.complete(parts)).rejects.toMatchObject({ code: 'NotFound', key: 'a/b' });
  });

  test('a completion that fails at any step leaves the old object and an upload that can be completed', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('key', Buffer.from('old'), {});
    const upload = await driver.startUpload('key', {});
    const parts = [await upload.part(0, Buffer.from('new ')), await upload.part(1, Buffer.from('content'))];
    const ref = upload.detach();
    for (const failing of ['openSync', 'read', 'write', 'fsync', 'futimesSync', 'renameSync'] as const) {
      const fs = faultyFs(nodeFs, ({ name, args }) =>
        name === failing && (name !== 'openSync' || args[1] === 'wx') ? systemError('ENOSPC', name) : undefined,
      );
      const failed = await fsDriver({ root, fs }).resumeUpload(ref, {});
      await expect(failed.complete(parts), failing).rejects.toMatchObject({ code: 'OutOfSpace' });
      expect(await read(driver, 'key')).toBe('old');
      expect(pathsUnder(root).filter((path) => path.endsWith('.tmp'))).toEqual([]);
    }
    await (await driver.resumeUpload(ref, {})).complete(parts);
    expect(await read(driver, 'key')).toBe('new content');
  });

  test('wrong parts are refused: a gap, an old token, an empty one in the middle', async () => {
    const root = testFolder();
    const upload = await fsDriver({ root }).startUpload('key', {});
    const [one, old] = [await upload.part(0, Buffer.from('1')), await upload.part(1, Buffer.from('2'))];
    const two = await upload.part(1, Buffer.from('3'));
    const empty = await upload.part(0, Buffer.alloc(0));
    for (const parts of [[two], [one, two], [empty, old], [empty, two]])
      await expect(upload.complete(parts)).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(upload.part(-1, Buffer.from('x'))).rejects.toMatchObject({ code: 'InvalidArgument' });
    await upload.abort();
    await expect(upload.part(0, Buffer.from('x'))).rejects.toMatchObject({ code: 'NotFound' });
    expect(pathsUnder(root).filter((path) => !path.endsWith('/'))).toEqual([]);
  });

  test('references from outside lead nowhere else; leftovers that cannot go on are no uploads', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const upload = await driver.startUpload('dir/key', {});
    const other = await driver.startUpload('other', {});
    for (const id of ['..', '../..', '', other.ref.id, 'x'.repeat(36)])
      await expect(driver.resumeUpload({ key: 'dir/key', id }, {})).rejects.toMatchObject({ code: 'NotFound' });
    const listed: string[] = [];
    for await (const ref of driver.listUploads({ prefix: 'dir/' })) listed.push(ref.id);
    expect(listed).toEqual([upload.ref.id]);
    writeFileSync(`${root}/.stowage/uploads/${upload.ref.id}/upload.json`, '{"torn');
    await expect(driver.resumeUpload(upload.ref, {})).rejects.toMatchObject({ code: 'NotFound' });
    await other.abort();
  });
});
