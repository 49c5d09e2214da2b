import * as nodeFs from 'node:fs';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { openBucket } from '@stowage/core';
import { describe, expect, test, vi } from 'vitest';
import { type FileSystem, fsDriver } from '../src/index.ts';
import { faultyFs, type FsCall, systemError } from './faulty-fs.ts';
import { keysOf, pathsUnder, plainMode, read, testFolder } from './folder.ts';
import { memoryFs } from './memory-fs.ts';

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe('writing', () => {
  test('an object is a plain file, in the folders of its key, and nothing beside', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('a/b/c.txt', Buffer.from('content'), {});
    expect(pathsUnder(root)).toEqual(['a/', 'a/b/', 'a/b/c.txt']);
    expect(readFileSync(`${root}/a/b/c.txt`, 'utf8')).toBe('content');
    expect(lstatSync(`${root}/a/b/c.txt`).mode & 0o777).toBe(plainMode(root));
    await driver.put('a/b/c.txt', Buffer.from('more'), {});
    await driver.close();
    expect(pathsUnder(root)).toEqual(['a/', 'a/b/', 'a/b/c.txt']);
  });

  test('steps: content synced, then named, then the folders synced, new ones up to the one that was there', async () => {
    const root = testFolder();
    mkdirSync(`${root}/a`);
    const steps: string[] = [];
    const open = new Map<unknown, string>();
    const fs = faultyFs(nodeFs, ({ name, args }) => {
      if (name === 'openSync') {
        const fd = nodeFs.openSync(...(args as Parameters<typeof nodeFs.openSync>));
        open.set(
          fd,
          String(args[0])
            .slice(root.length)
            .replace(/\.stowage-.*/, 'TEMPORARY'),
        );
        return { result: fd };
      }
      if (name === 'fsync') steps.push(`sync ${open.get(args[0])}`);
      if (name === 'linkSync' || name === 'renameSync') steps.push(`name ${String(args[1]).slice(root.length)}`);
      return undefined;
    });
    await fsDriver({ root, fs }).put('a/b/c/d', Buffer.from('x'), {});
    expect(steps).toEqual(['sync /a/b/c/TEMPORARY', 'name /a/b/c/d', 'sync /a/b/c', 'sync /a/b', 'sync /a']);
    steps.length = 0;
    await fsDriver({ root, fs }).put('a/b/c/d', Buffer.from('y'), {});
    expect(steps).toEqual(['sync /a/b/c/TEMPORARY', 'name /a/b/c/d', 'sync /a/b/c']);
    steps.length = 0;
    await fsDriver({ root, fs, durability: 'none' }).put('a/b/c/d', Buffer.from('z'), {});
    expect(steps).toEqual(['name /a/b/c/d']);
  });

  // Each call that a put makes fails once, in turn: the old object stays whole, and nothing is left behind.
  test.each(['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EMFILE', 'EIO'])('fails at any step with %s: the old object stays, and no temporary', async (code) => {
    const expected = { ENOSPC: 'OutOfSpace', EDQUOT: 'OutOfSpace', EACCES: 'AccessDenied', EROFS: 'AccessDenied', EMFILE: 'Unavailable', EIO: 'Unavailable' }[
      code
    ];
    let failures = 0;
    for (let at = 1; ; at++) {
      const base = memoryFs();
      const old = fsDriver({ root: '/root', fs: base });
      await old.put('a/b', Buffer.from('old'), { contentType: 'text/old' });
      let count = 0;
      const failed: FsCall[] = [];
      const fs = faultyFs(base, (call) => {
        // Tidying up and looking are not what fails here.
        if (
          ['lstatSync', 'unlinkSync', 'closeSync', 'rmdirSync', 'readlinkSync', 'fstatSync', 'realpathSync', 'statSync', 'symlinkSync'].includes(call.name) ||
          ++count !== at
        )
          return undefined;
        failed.push(call);
        return systemError(code, call.name);
      });
      const driver = fsDriver({ root: '/root', fs });
      const put = driver.put('a/b', chunks('new', ' content'), { contentType: 'text/new' });
      await Promise.allSettled([put]);
      const [call] = failed;
      if (call === undefined) {
        await put;
        break;
      }
      failures++;
      await expect(put, `${call.name} ${String(call.args[0])}`).rejects.toMatchObject({ code: expected, key: 'a/b', operation: 'put', provider: 'fs' });
      // A folder that cannot be synced fails the call behind its rename: then the new object is there, whole.
      const text = await read(old, 'a/b');
      const named = call.name === 'openSync' || call.name === 'fsync' ? ['old', 'new content'] : ['old'];
      expect(named, call.name).toContain(text);
      expect((await old.head('a/b', {})).headers?.contentType).toBe(text === 'old' ? 'text/old' : 'text/new');
      expect(base.readdirSync('/root/a', { encoding: 'latin1', withFileTypes: true }).map(({ name }) => name)).toEqual(['b']);
      expect(base.readdirSync('/root/.stowage/tmp', { encoding: 'latin1', withFileTypes: true })).toEqual([]);
    }
    expect(failures).toBeGreaterThan(8);
  });

  test('a torn write is finished', async () => {
    const base = memoryFs();
    const fs = faultyFs(base, ({ name, args, count }) => {
      if (name !== 'writeSync' || count % 2 === 0) return undefined;
      const [fd, bytes, offset, length, position] = args as [number, Uint8Array, number, number, number];
      return { result: base.writeSync(fd, bytes, offset, Math.ceil(length / 2), position) };
    });
    const driver = fsDriver({ root: '/root', fs });
    await driver.put('key', Buffer.from('0123456789'), {});
    expect(await read(driver, 'key')).toBe('0123456789');
  });

  test('a full disk keeps the folders that were made for nothing away', async () => {
    const fs = faultyFs(memoryFs(), ({ name }) => (name === 'writeSync' ? systemError('ENOSPC', name) : undefined));
    await expect(fsDriver({ root: '/root', fs }).put('a/b/c', Buffer.from('x'), {})).rejects.toMatchObject({ code: 'OutOfSpace', retryable: false });
    expect(fs.readdirSync('/root', { encoding: 'latin1', withFileTypes: true })).toEqual([]);
  });

  test('a source that hangs is left at an abort; one that throws or lies about its size leaves nothing', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    const controller = new AbortController();
    const reason = new Error('stop');
    const ended = vi.fn<() => void>();
    const hanging = (async function* () {
      try {
        yield Buffer.from('x');
        controller.abort(reason);
        await new Promise(() => undefined);
      } finally {
        ended();
      }
    })();
    await expect(openBucket(driver).put('a/b', hanging, { signal: controller.signal })).rejects.toBe(reason);
    await expect(driver.put('a/b', chunks('123'), { size: 2 })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(driver.put('a/b', chunks('123'), { size: 4 })).rejects.toMatchObject({ code: 'InvalidArgument' });
    const failure = new Error('source');
    await expect(
      driver.put(
        'a/b',
        (async function* () {
          yield Buffer.from('x');
          throw failure;
        })(),
        {},
      ),
    ).rejects.toMatchObject({ code: 'Unknown', cause: failure });
    expect(pathsUnder(root)).toEqual([]);
  });

  test('conflicts of keys: a file above a key, a folder at it, a FIFO at it', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('a', Buffer.from('a'), {});
    await driver.put('d/x', Buffer.from('x'), {});
    execFileSync('mkfifo', [`${root}/fifo`]);
    for (const key of ['a/b', 'a/', 'd', 'fifo']) {
      await expect(driver.put(key, Buffer.from('new'), {}), key).rejects.toMatchObject({ code: 'KeyConflict' });
      await expect(driver.put(key, Buffer.from('new'), { if: 'absent' }), key).rejects.toMatchObject({ code: 'KeyConflict' });
      await expect(driver.head(key, {}), key).rejects.toMatchObject({ code: 'NotFound' });
      expect(await driver.deleteMany([{ key }], {})).toEqual([{ key, ok: true }]);
    }
    expect(pathsUnder(root).filter((path) => !path.startsWith('.stowage'))).toEqual(['a', 'd/', 'd/x', 'fifo']);
  });

  test('a folder that a deletion empties is removed, and made again under a writer', async () => {
    const root = testFolder();
    mkdirSync(`${root}/kept`);
    const driver = fsDriver({ root });
    await driver.put('a/b/c', Buffer.from('x'), {});
    await driver.put('a/d', Buffer.from('x'), {});
    await driver.deleteMany([{ key: 'a/b/c' }], {});
    expect(pathsUnder(root).filter((path) => !path.startsWith('.stowage'))).toEqual(['a/', 'a/d', 'kept/']);
    let removed = 0;
    const fs = faultyFs(nodeFs, ({ name, args }) => {
      if (name === 'openSync' && args[1] === 'wx' && removed++ === 0) rmSync(`${root}/x`, { recursive: true });
      return undefined;
    });
    await fsDriver({ root, fs }).put('x/y/z', Buffer.from('x'), {});
    expect(readFileSync(`${root}/x/y/z`, 'utf8')).toBe('x');
  });

  test('times: to the millisecond, before 1970 too, and later than what is replaced', async () => {
    const root = testFolder();
    const driver = fsDriver({ root, durability: 'none' });
    for (const time of [
      '1999-12-31T23:59:59.999Z',
      '1970-01-01T00:00:00.000Z',
      '1969-07-20T20:17:40.123Z',
      '1930-01-01T00:00:00.001Z',
      '2026-11-23T04:52:36.451Z',
      '2100-02-28T12:00:00.007Z',
    ]) {
      const lastModified = new Date(time);
      for (let i = 0; i < 3; i++) expect((await driver.put('key', Buffer.from('x'), { lastModified })).lastModified.toISOString()).toBe(time);
      expect((await driver.head('key', {})).lastModified.toISOString()).toBe(time);
      await driver.copyMany([{ from: driver.copySource('key'), to: 'copy', lastModified }], {});
      expect((await driver.head('copy', {})).lastModified.toISOString()).toBe(time);
    }
    // A clock that was ahead by a little.
    const ahead = new Date(Date.now() + 4000);
    utimesSync(`${root}/key`, ahead, ahead);
    expect((await driver.put('key', Buffer.from('x'), {})).lastModified.getTime()).toBeGreaterThanOrEqual(ahead.getTime());
    // One that was wrong by years counts for nothing.
    utimesSync(`${root}/key`, 4e9, 4e9);
    expect((await driver.put('key', Buffer.from('x'), {})).lastModified.getTime()).toBeLessThan(Date.now() + 20_000);
  });

  test('no two states have one revision: thousands of writes of one size', async () => {
    for (const [fs, count] of [
      [undefined, 2000],
      [memoryFs(), 500],
    ] as [FileSystem | undefined, number][]) {
      const root = fs === undefined ? testFolder() : '/root';
      const driver = fsDriver({ root, durability: 'none', ...(fs === undefined ? {} : { fs }) });
      const seen = new Set<string | undefined>();
      for (let i = 0; i < count; i++) {
        if (i % 10 === 5) await driver.deleteMany([{ key: 'key' }], {});
        seen.add((await driver.put('key', Buffer.from('same'), {})).revision.etag);
      }
      expect(seen.size).toBe(count);
    }
  });

  test('a time alone tells states apart, where inodes are used again and the change time ticks slowly', async () => {
    const root = testFolder();
    // A disk with one inode, whose change time stands still.
    const alike = (stats: nodeFs.Stats | undefined): { result: unknown } => ({
      result: stats === undefined ? undefined : Object.assign(stats, { ino: 1, ctimeMs: 0 }),
    });
    const fs = faultyFs(nodeFs, ({ name, args: [at] }) => {
      if (name === 'lstatSync') return alike(nodeFs.lstatSync(at as string, { throwIfNoEntry: false }));
      return name === 'fstatSync' ? alike(nodeFs.fstatSync(at as number)) : undefined;
    });
    const driver = fsDriver({ root, fs, durability: 'none' });
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 1000; i++) {
      if (i % 10 === 5) await driver.deleteMany([{ key: 'key' }], {});
      seen.add((await driver.put('key', Buffer.from('same'), {})).revision.etag);
    }
    expect(seen.size).toBe(1000);
    // A chosen time is kept, and tells the new file from the one that it replaces.
    const lastModified = new Date(1e12);
    const first = await driver.put('key', Buffer.from('same'), { lastModified });
    const second = await driver.put('key', Buffer.from('same'), { lastModified });
    expect([first.lastModified, second.lastModified]).toEqual([lastModified, lastModified]);
    expect(first.revision).not.toEqual(second.revision);
  });

  test('without links on the disk, and without symbolic ones, all conditions hold the same', async () => {
    const fs = faultyFs(memoryFs(), ({ name }) => (name === 'linkSync' || name === 'symlinkSync' ? systemError('EPERM', name) : undefined));
    const driver = fsDriver({ root: '/root', fs });
    const first = await driver.put('key', Buffer.from('1'), { if: 'absent' });
    await expect(driver.put('key', Buffer.from('2'), { if: 'absent' })).rejects.toMatchObject({ code: 'AlreadyExists' });
    await driver.put('key', Buffer.from('3'), { if: first.revision });
    await expect(driver.put('key', Buffer.from('4'), { if: first.revision })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    expect(await read(driver, 'key')).toBe('3');
  });

  test('permissions of the real disk are told as such', async ({ skip }) => {
    if (process.getuid?.() === 0) skip('the superuser is refused nothing');
    const root = testFolder();
    chmodSync(root, 0o555);
    await expect(fsDriver({ root }).put('key', Buffer.from('x'), {})).rejects.toMatchObject({ code: 'AccessDenied' });
    chmodSync(root, 0o755);
  });

  test('a root that is missing, a file, a link, or gone while it was open', async () => {
    const parent = testFolder();
    const missing = fsDriver({ root: `${parent}/missing` });
    await expect(missing.put('key', Buffer.from('x'), {})).rejects.toMatchObject({ code: 'BucketNotFound' });
    expect(existsSync(`${parent}/missing`)).toBe(false);
    writeFileSync(`${parent}/file`, '');
    await expect(fsDriver({ root: `${parent}/file` }).head('key', {})).rejects.toMatchObject({ code: 'BucketNotFound' });
    const made = fsDriver({ root: `${parent}/deep/er`, create: true });
    await made.put('key', Buffer.from('x'), {});
    symlinkSync('deep/er', `${parent}/link`);
    const linked = fsDriver({ root: `${parent}/link` });
    expect(await keysOf(linked)).toEqual(['key']);
    await linked.put('other', Buffer.from('y'), {});
    rmSync(`${parent}/deep`, { recursive: true });
    for (const attempt of [() => linked.head('key', {}), () => linked.put('key', Buffer.from('x'), {}), () => keysOf(linked)])
      await expect(attempt()).rejects.toMatchObject({ code: 'BucketNotFound' });
    await expect(keysOf(fsDriver({ root: '/' }))).rejects.toMatchObject({ code: 'Config' });
  });
});
