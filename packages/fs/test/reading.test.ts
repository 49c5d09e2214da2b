import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import * as nodeFs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fsDriver } from '../src/index.ts';
import { faultyFs, systemError } from './faulty-fs.ts';
import { pathsUnder, read, testFolder } from './folder.ts';

function openFiles(folder: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return nodeFs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false; // The one that reads this folder is gone by now.
    }
  }).length;
}

describe('reading', () => {
  test('a file put there by anyone is an object, without headers', async () => {
    const root = testFolder();
    mkdirSync(`${root}/a`);
    writeFileSync(`${root}/a/b.txt`, 'content');
    const driver = fsDriver({ root });
    const info = await driver.head('a/b.txt', {});
    expect(info).toMatchObject({ key: 'a/b.txt', size: 7, headers: {}, checksums: {} });
    expect(await read(driver, 'a/b.txt')).toBe('content');
    expect(pathsUnder(root)).toEqual(['a/', 'a/b.txt']);
  });

  test.skipIf(process.platform !== 'linux')('a thousand bodies that nobody reads to the end leave no file open', async () => {
    const root = testFolder();
    writeFileSync(`${root}/file`, Buffer.alloc(2_000_000));
    const driver = fsDriver({ root });
    for (let i = 0; i < 1000; i++) {
      const opened = await driver.get('file', {});
      const { body } = opened;
      if (i % 4 === 0) await opened.close();
      else if (i % 4 === 1) for await (const chunk of body) if (chunk.length > 0) break;
      if (i % 4 === 2) await Promise.all([body[Symbol.asyncIterator]().next(), opened.close()]);
      if (i % 4 === 3) {
        const iterator = body[Symbol.asyncIterator]();
        await iterator.next();
        await iterator.return?.();
        await opened.close();
      }
    }
    expect(openFiles(root)).toBe(0);
    await expect(driver.get('file', { range: { start: 3_000_000 } })).rejects.toMatchObject({ code: 'InvalidRange' });
    await expect(driver.get('file', { ifMatch: { etag: 'other' } })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    expect(openFiles(root)).toBe(0);
  });

  test('a file that is cut short while it is read fails; one that is replaced is read as it was', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    writeFileSync(`${root}/file`, Buffer.alloc(2_000_000, 'a'));
    const cut = await driver.get('file', {});
    const reading = (async () => {
      for await (const chunk of cut.body) if (chunk.length > 0) truncateSync(`${root}/file`, 600_000);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'Unavailable' });
    writeFileSync(`${root}/file`, Buffer.alloc(2_000_000, 'a'));
    writeFileSync(`${root}/other`, Buffer.alloc(2_000_000, 'b'));
    const { body } = await driver.get('file', {});
    let bytes = 0;
    for await (const chunk of body) {
      if (bytes === 0) renameSync(`${root}/other`, `${root}/file`);
      bytes += chunk.length;
      expect(chunk.every((byte) => byte === 97)).toBe(true);
    }
    expect(bytes).toBe(2_000_000);
  });

  test('a file that is written in place while the named revision of it is read gives no whole content', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    for (const write of [
      (): void => nodeFs.appendFileSync(`${root}/file`, 'more'),
      (): void => {
        const fd = nodeFs.openSync(`${root}/file`, 'r+');
        nodeFs.writeSync(fd, Buffer.alloc(100, 'b'), 0, 100, 1_900_000);
        nodeFs.closeSync(fd);
      },
    ]) {
      writeFileSync(`${root}/file`, Buffer.alloc(2_000_000, 'a'));
      const { revision } = await driver.head('file', {});
      let bytes = 0;
      const reading = (async () => {
        for await (const chunk of (await driver.get('file', { ifMatch: revision })).body) {
          if (bytes === 0) write();
          bytes += chunk.length;
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: 'PreconditionFailed' });
      expect(bytes).toBeLessThan(2_000_000);
    }
    // One that loses its name to another is still what it was.
    writeFileSync(`${root}/other`, 'x');
    const { revision } = await driver.head('file', {});
    let first = true;
    for await (const chunk of (await driver.get('file', { ifMatch: revision })).body) {
      if (first) renameSync(`${root}/other`, `${root}/file`);
      first = false;
      expect(chunk.length).toBeGreaterThan(0);
    }
  });

  test('chunks are the reader’s own', async () => {
    const root = testFolder();
    writeFileSync(`${root}/file`, Buffer.concat([Buffer.alloc(524_288, 'a'), Buffer.alloc(524_288, 'b')]));
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await fsDriver({ root }).get('file', {})).body) chunks.push(chunk);
    expect(chunks.map((chunk) => [chunk.length, chunk[0], chunk.at(-1)])).toEqual([
      [524_288, 97, 97],
      [524_288, 98, 98],
    ]);
  });

  test('links: to a file inside, read as it; to elsewhere, refused; a folder behind one, never entered', async () => {
    const outside = testFolder();
    writeFileSync(`${outside}/secret`, 'secret');
    const root = testFolder();
    mkdirSync(`${root}/real`);
    writeFileSync(`${root}/real/file`, 'content');
    symlinkSync('real/file', `${root}/inside`);
    symlinkSync(`${outside}/secret`, `${root}/outside`);
    symlinkSync(outside, `${root}/folder`);
    symlinkSync('real', `${root}/same-root`);
    const driver = fsDriver({ root });
    expect(await read(driver, 'inside')).toBe('content');
    expect((await driver.head('inside', {})).revision).toEqual((await driver.head('real/file', {})).revision);
    await expect(driver.get('outside', {})).rejects.toMatchObject({ code: 'AccessDenied' });
    for (const key of ['folder/secret', 'same-root/file']) {
      await expect(driver.head(key, {}), key).rejects.toMatchObject({ code: 'AccessDenied' });
      await expect(driver.get(key, {}), key).rejects.toMatchObject({ code: 'AccessDenied' });
      await expect(driver.put(key, Buffer.from('x'), {}), key).rejects.toMatchObject({ code: 'AccessDenied' });
      await expect(driver.put(`${key}/deeper`, Buffer.from('x'), { if: 'absent' }), key).rejects.toMatchObject({ code: 'AccessDenied' });
      expect(await driver.deleteMany([{ key }], {}), key).toMatchObject([{ ok: false, error: { code: 'AccessDenied' } }]);
      const upload = await driver.startUpload(key, {});
      await expect(upload.complete([]), key).rejects.toMatchObject({ code: 'AccessDenied' });
      await upload.abort();
      const copies = await driver.copyMany(
        [
          { from: driver.copySource(key), to: 'copy' },
          { from: driver.copySource('inside'), to: key },
          { from: driver.copySource('outside'), to: 'copy' },
        ],
        {},
      );
      expect(copies).toMatchObject([{ error: { code: 'AccessDenied' } }, { error: { code: 'AccessDenied' } }, { ok: false }]);
    }
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(nodeFs.readFileSync(`${outside}/secret`, 'utf8')).toBe('secret');
    // A write replaces a link, and never goes through it; a deletion removes the link alone.
    await driver.put('inside', Buffer.from('new'), {});
    await driver.put('outside', Buffer.from('new'), {});
    expect(nodeFs.lstatSync(`${root}/inside`).isFile() && nodeFs.lstatSync(`${root}/outside`).isFile()).toBe(true);
    expect([nodeFs.readFileSync(`${root}/real/file`, 'utf8'), nodeFs.readFileSync(`${outside}/secret`, 'utf8')]).toEqual(['content', 'secret']);
    symlinkSync('real/file', `${root}/again`);
    await driver.deleteMany([{ key: 'again' }, { key: 'folder' }], {});
    expect(
      readdirSync(root)
        .filter((name) => name !== '.stowage')
        .sort(),
    ).toEqual(['folder', 'inside', 'outside', 'real', 'same-root']);
    expect(nodeFs.readFileSync(`${root}/real/file`, 'utf8')).toBe('content');
    const skipping = fsDriver({ root, symlinks: 'skip' });
    symlinkSync('real/file', `${root}/skipped`);
    await expect(skipping.head('skipped', {})).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('a file that becomes a link, or a FIFO, between the look and the opening is not followed', async () => {
    const outside = testFolder();
    writeFileSync(`${outside}/secret`, 'secret');
    for (const turn of [(path: string) => symlinkSync(`${outside}/secret`, path), (path: string) => void execFileSync('mkfifo', [path])]) {
      const root = testFolder();
      writeFileSync(`${root}/file`, 'content');
      const fs = faultyFs(nodeFs, ({ name, args, count }) => {
        if (name === 'openSync' && args[0] === `${root}/file` && count === 1) {
          nodeFs.unlinkSync(`${root}/file`);
          turn(`${root}/file`);
        }
        return undefined;
      });
      await expect(fsDriver({ root, fs }).get('file', {})).rejects.toMatchObject({ code: expect.stringMatching(/AccessDenied|NotFound/) });
    }
  });

  test('an abort ends a body with its reason; a disk that fails is told', async () => {
    const root = testFolder();
    writeFileSync(`${root}/file`, Buffer.alloc(2_000_000));
    const controller = new AbortController();
    const { body } = await fsDriver({ root }).get('file', { signal: controller.signal });
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const chunk of body) if (chunk.length > 0) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    const fs = faultyFs(nodeFs, ({ name }) => (name === 'read' ? systemError('EIO', name) : undefined));
    await expect(read(fsDriver({ root, fs }), 'file')).rejects.toMatchObject({ code: 'Unavailable', key: 'file', operation: 'get' });
    const starved = faultyFs(nodeFs, ({ name }) => (name === 'openSync' ? systemError('EMFILE', name) : undefined));
    await expect(fsDriver({ root, fs: starved }).get('file', {})).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
  });
});
