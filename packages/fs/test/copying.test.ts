import * as nodeFs from 'node:fs';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { memoryDriver } from '@stowage/core';
import { describe, expect, test } from 'vitest';
import { fsDriver } from '../src/index.ts';
import { faultyFs, systemError } from './faulty-fs.ts';
import { keysOf, pathsUnder, plainMode, read, testFolder } from './folder.ts';
import { memoryFs } from './memory-fs.ts';

function plainPaths(folder: string): string[] {
  return pathsUnder(folder).filter((path) => !path.endsWith('/'));
}

describe('copies on the disk', () => {
  test('a batch: one outcome per item, in order, whatever the others come to', async () => {
    const [source, root] = [testFolder(), testFolder()];
    const from = fsDriver({ root: source });
    const to = fsDriver({ root, threads: 2 });
    const keys = Array.from({ length: 300 }, (_, i) => `${i % 7}/é ${i}`);
    for (const [i, key] of keys.entries())
      await from.put(key, Buffer.alloc(i * 3, 'x'), i % 50 === 0 ? { contentType: `text/${i}` } : { lastModified: new Date(1e12 + i) });
    await to.put('0/taken', Buffer.from('taken'), {});
    const lastModified = new Date('2001-02-03T04:05:06.789Z');
    const items = [
      ...keys.map((key) => ({ from: from.copySource(key), to: key, if: 'absent' as const, lastModified })),
      { from: from.copySource('missing'), to: 'x' },
      { from: from.copySource(keys[0] ?? ''), to: '0/taken', if: 'absent' as const },
      { from: from.copySource(keys[1] ?? ''), to: '0/taken/below' },
      { from: from.copySource(keys[2] ?? ''), to: 'stale', sourceIf: { etag: 'stale' } },
      { from: from.copySource(keys[3] ?? ''), to: 'replaced-headers', headers: { contentType: 'a/b', metadata: { Name: 'v' } } },
    ];
    const outcomes = await to.copyMany(items, {});
    expect(outcomes.map((outcome) => outcome.key)).toEqual(items.map((item) => item.to));
    expect(outcomes.slice(300).map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))).toEqual([
      'NotFound',
      'AlreadyExists',
      'KeyConflict',
      'PreconditionFailed',
      'ok',
    ]);
    for (const [i, key] of keys.entries()) {
      expect(statSync(`${root}/${key}`).size).toBe(i * 3);
      const outcome = outcomes[i];
      if (outcome?.ok !== true) throw new Error(`expected ${key} to be copied`);
      expect(outcome.info).toEqual(await to.head(key, {}));
      expect(outcome.info.lastModified).toEqual(lastModified);
      expect(outcome.info.headers).toEqual(i % 50 === 0 ? { contentType: `text/${i}` } : {});
    }
    expect((await to.head('replaced-headers', {})).headers).toEqual({ contentType: 'a/b', metadata: { name: 'v' } });
    expect(readFileSync(`${root}/0/taken`, 'utf8')).toBe('taken');
    expect(plainPaths(root).filter((path) => path.endsWith('.tmp'))).toEqual([]);
    await Promise.all([from.close(), to.close()]);
  });

  test('large files share blocks where the disk can: content, mode, and one try for a pair of roots where it cannot', async () => {
    const content = Buffer.alloc(3_000_001, 'abcdefg');
    for (const can of [true, false]) {
      const [source, root] = [testFolder(), testFolder()];
      writeFileSync(`${source}/large`, content, { mode: 0o400 });
      let tries = 0;
      const fs = faultyFs(nodeFs, ({ name, args: [from, to, mode] }) => {
        if (name !== 'copyFileSync') return undefined;
        tries++;
        expect(mode).toBe(nodeFs.constants.COPYFILE_FICLONE_FORCE);
        if (can) nodeFs.copyFileSync(from as string, to as string);
        else nodeFs.unlinkSync(to as string); // As Node does when it fails.
        return can ? { result: undefined } : systemError('ENOTSUP', name);
      });
      const to = fsDriver({ root, fs });
      const from = fsDriver({ root: source, fs }).copySource('large');
      expect(
        await to.copyMany(
          [
            { from, to: 'a/1' },
            { from, to: 'a/2' },
          ],
          {},
        ),
      ).toMatchObject([{ ok: true }, { ok: true }]);
      expect(tries).toBe(can ? 2 : 1);
      for (const name of ['1', '2']) {
        expect(readFileSync(`${root}/a/${name}`).equals(content)).toBe(true);
        expect(statSync(`${root}/a/${name}`).mode & 0o777).toBe(plainMode(root));
      }
      expect(plainPaths(root)).toEqual(['a/1', 'a/2']);
    }
  });

  test('large files: content, mode and time', async () => {
    const [source, root] = [testFolder(), testFolder()];
    const content = Buffer.alloc(3_000_001, 'abcdefg');
    writeFileSync(`${source}/large`, content, { mode: 0o400 });
    const to = fsDriver({ root });
    const [outcome] = await to.copyMany([{ from: fsDriver({ root: source }).copySource('large'), to: 'a/large' }], {});
    expect(outcome?.ok).toBe(true);
    expect(readFileSync(`${root}/a/large`).equals(content)).toBe(true);
    expect(statSync(`${root}/a/large`).mode & 0o777).toBe(plainMode(root));
    expect(Date.now() - statSync(`${root}/a/large`).mtimeMs).toBeLessThan(60_000);
  });

  test.each([100, 1_000_000, 2_000_000])('a source of %i bytes that changes while it is copied is not taken', async (size) => {
    const source = testFolder();
    const root = testFolder();
    writeFileSync(`${source}/file`, Buffer.alloc(size));
    const fs = faultyFs(nodeFs, ({ name }) => {
      if (name === 'futimesSync') throw new Error('expected the change to be noticed before');
      if (name === 'readSync') nodeFs.appendFileSync(`${source}/file`, 'more');
      return undefined;
    });
    const from = fsDriver({ root: source, fs });
    const [outcome] = await fsDriver({ root, fs }).copyMany([{ from: from.copySource('file'), to: 'a/b' }], {});
    expect(outcome).toMatchObject({ ok: false, error: { code: 'PreconditionFailed' } });
    expect(pathsUnder(root)).toEqual([]);
  });

  test('conditions on the destination: the named revision is replaced, another is not', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('a', Buffer.from('a'), {});
    const { revision } = await driver.put('b', Buffer.from('old'), { contentType: 'old/old' });
    const from = driver.copySource('a');
    expect(
      await driver.copyMany(
        [
          { from, to: 'b', if: revision },
          { from, to: 'c', if: revision },
        ],
        {},
      ),
    ).toMatchObject([{ ok: true }, { error: { code: 'PreconditionFailed' } }]);
    expect(await driver.copyMany([{ from, to: 'b', if: revision }], {})).toMatchObject([{ error: { code: 'PreconditionFailed' } }]);
    expect((await driver.head('b', {})).headers).toEqual({});
    expect(plainPaths(root)).toEqual(['a', 'b']);
    // Onto itself.
    expect(await driver.copyMany([{ from, to: 'a', headers: { contentType: 'x/y' } }], {})).toMatchObject([{ ok: true }]);
    expect([await read(driver, 'a'), (await driver.head('a', {})).headers]).toEqual(['a', { contentType: 'x/y' }]);
  });

  test.each(['ENOSPC', 'EACCES', 'EMFILE'])(
    'a disk that fails with %s in the middle of a batch: each item has its outcome, nothing is left behind',
    async (code) => {
      for (const failing of ['writeSync', 'openSync', 'linkSync', 'futimesSync', 'mkdirSync'] as const) {
        const base = memoryFs();
        const plain = fsDriver({ root: '/root', fs: base });
        const keys = ['a/1', 'b/2', 'c/3', 'd/4'];
        for (const key of keys) await plain.put(key, Buffer.from(key), {});
        let calls = 0;
        const fs = faultyFs(base, ({ name }) => (name === failing && ++calls === 3 ? systemError(code, name) : undefined));
        const driver = fsDriver({ root: '/root', fs, durability: 'none' });
        const outcomes = await driver.copyMany(
          keys.map((key) => ({ from: driver.copySource(key), to: `copy/${key}`, if: 'absent' as const })),
          {},
        );
        expect(
          outcomes.filter(({ ok }) => ok),
          failing,
        ).toHaveLength(3);
        const copied = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.key] : []));
        expect(await keysOf(plain, { prefix: 'copy/' }), failing).toEqual(copied);
        expect(JSON.stringify(outcomes)).toContain({ ENOSPC: 'OutOfSpace', EACCES: 'AccessDenied', EMFILE: 'Unavailable' }[code]);
      }
    },
  );

  test('an item that fails when it gets its name takes its folders back, and the others are synced all the same', async () => {
    const root = testFolder();
    const driver = fsDriver({ root });
    await driver.put('a', Buffer.from('a'), {});
    const fs = faultyFs(nodeFs, ({ name, args }) => (name === 'linkSync' && String(args[1]).endsWith('/new/x') ? systemError('ENOSPC', name) : undefined));
    const failing = fsDriver({ root, fs });
    const from = failing.copySource('a');
    expect(
      await failing.copyMany(
        [
          { from, to: 'new/x' },
          { from, to: 'kept/y' },
        ],
        {},
      ),
    ).toMatchObject([{ error: { code: 'OutOfSpace' } }, { ok: true }]);
    expect(pathsUnder(root)).toEqual(['a', 'kept/', 'kept/y']);
  });

  test('an abort in the middle leaves no temporary, and rejects with its reason', async () => {
    const [source, root] = [testFolder(), testFolder()];
    const from = fsDriver({ root: source });
    for (let i = 0; i < 400; i++) writeFileSync(`${source}/${i}`, Buffer.alloc(100_000));
    const to = fsDriver({ root, threads: 2 });
    const controller = new AbortController();
    const reason = new Error('stop');
    const copying = to.copyMany(
      Array.from({ length: 400 }, (_, i) => ({ from: from.copySource(String(i)), to: `d/${i}` })),
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(reason), 100);
    await expect(copying).rejects.toBe(reason);
    expect(plainPaths(root)).toEqual([]);
    // The threads serve on.
    expect(await to.copyMany([{ from: from.copySource('1'), to: 'one' }], {})).toMatchObject([{ ok: true }]);
    await to.close();
  });

  test('an abort ends the copy of a large file in its middle', async ({ skip }) => {
    const [source, root] = [testFolder(), testFolder()];
    const from = fsDriver({ root: source });
    // A sparse file: 8 GiB to copy, and no room taken by the source.
    nodeFs.closeSync(nodeFs.openSync(`${source}/huge`, 'w'));
    nodeFs.truncateSync(`${source}/huge`, 8 * 2 ** 30);
    const to = fsDriver({ root, threads: 1 });
    const controller = new AbortController();
    const copying = to.copyMany([{ from: from.copySource('huge'), to: 'a/huge' }], { signal: controller.signal }).then(
      () => 'copied',
      (error: unknown) => String(error),
    );
    setTimeout(() => controller.abort(new Error('stop')), 50);
    const end = await copying;
    if (end === 'copied') skip('this disk copies by sharing blocks: no copy takes long');
    expect(end).toBe('Error: stop');
    expect(plainPaths(root)).toEqual([]);
    writeFileSync(`${source}/small`, 'small');
    expect(await to.copyMany([{ from: from.copySource('small'), to: 'small' }], {})).toMatchObject([{ ok: true }]);
    await to.close();
  });

  test('only folders of one file system are sources', async () => {
    const driver = fsDriver({ root: testFolder() });
    expect(driver.canCopyFrom(fsDriver({ root: testFolder() }))).toBe(true);
    expect(driver.canCopyFrom(fsDriver({ root: '/root', fs: memoryFs() }))).toBe(false);
    expect(driver.canCopyFrom(memoryDriver())).toBe(false);
    const fs = memoryFs();
    expect(fsDriver({ root: '/root', fs }).canCopyFrom(fsDriver({ root: '/root/a', fs }))).toBe(true);
  });
});
