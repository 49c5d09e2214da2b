import { execFileSync } from 'node:child_process';
import * as nodeFs from 'node:fs';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { compareKeys } from '@stowage/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileSystem, fsDriver } from '../src/index.ts';
import { faultyFs, systemError } from './faulty-fs.ts';
import { keysOf, listAll, testFolder } from './folder.ts';
import { memoryFs } from './memory-fs.ts';

function memoryTree(paths: readonly string[]): FileSystem {
  const fs = memoryFs();
  for (const path of paths) {
    const parts = path.split('/');
    for (let i = 1; i < parts.length; i++)
      if (fs.lstatSync(`/root/${parts.slice(0, i).join('/')}`, { throwIfNoEntry: false }) === undefined) fs.mkdirSync(`/root/${parts.slice(0, i).join('/')}`);
    fs.closeSync(fs.openSync(`/root/${path}`, 'wx'));
  }
  return fs;
}

describe('the walk', () => {
  test('gives keys in UTF-8 byte order, folders with their slash', async () => {
    const fs = memoryTree(['a/b', 'a-/x', 'a.txt', 'a0', 'a/a/z', '\u{e000}', '\u{1f600}', 'é', 'z', '%00', 'a/%00']);
    const keys = await keysOf(fsDriver({ root: '/root', fs }));
    expect(keys).toEqual(['', 'a-/x', 'a.txt', 'a/', 'a/a/z', 'a/b', 'a0', 'z', 'é', '\u{e000}', '\u{1f600}']);
    expect(keys).toEqual(keys.toSorted(compareKeys));
  });

  const segment = fc.constantFrom('a', 'a-', 'a.', 'b', 'é', '\u{1f600}', '\u{ffff}', '%00', 'a0', 'A', '%2500', '~');
  const paths = fc
    .uniqueArray(
      fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
      { maxLength: 25 },
    )
    .map((all) => all.filter((path) => !all.some((other) => other.startsWith(`${path}/`))));
  const bound = fc.option(
    fc.array(fc.constantFrom('a', '-', '/', 'é', 'b', '\u{1f600}', 'A', '~'), { maxLength: 4 }).map((parts) => parts.join('')),
    { nil: undefined },
  );

  test('gives what lies in the interval, page by page, as filtering all of it would', async () => {
    await fc.assert(
      fc.asyncProperty(
        paths,
        bound,
        bound,
        bound,
        fc.constantFrom(undefined, '/', 'a', '-'),
        fc.integer({ min: 1, max: 6 }),
        async (tree, prefix, startAfter, until, delimiter, limit) => {
          const driver = fsDriver({ root: '/root', fs: memoryTree(tree) });
          const all = (await keysOf(driver)).filter(
            (key) =>
              key.startsWith(prefix ?? '') &&
              (startAfter === undefined || compareKeys(key, startAfter) > 0) &&
              (until === undefined || compareKeys(key, until) < 0),
          );
          const expected = new Set(
            all
              .map((key) => {
                const at = delimiter === undefined ? -1 : key.indexOf(delimiter, (prefix ?? '').length);
                return at < 0 ? `k${key}` : `p${key.slice(0, at + (delimiter ?? '').length)}`;
              })
              .filter((entry) => entry.startsWith('k') || startAfter === undefined || compareKeys(entry.slice(1), startAfter) > 0),
          );
          const o = {
            limit,
            ...(prefix === undefined ? {} : { prefix }),
            ...(startAfter === undefined ? {} : { startAfter }),
            ...(until === undefined ? {} : { until }),
            ...(delimiter === undefined ? {} : { delimiter }),
          };
          const streamed: string[] = [];
          for await (const page of driver.list(o)) streamed.push(...page.objects.map(({ key }) => `k${key}`), ...page.prefixes.map((key) => `p${key}`));
          expect(streamed.toSorted()).toEqual([...expected].toSorted());
          // The same through cursors, each page from a listing of its own.
          const paged: string[] = [];
          for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
            for await (const page of driver.list({ ...o, ...(cursor === undefined ? {} : { cursor }) })) {
              expect(page.objects.length + page.prefixes.length).toBeLessThanOrEqual(limit);
              paged.push(...page.objects.map(({ key }) => `k${key}`), ...page.prefixes.map((key) => `p${key}`));
              cursor = page.cursor;
              break;
            }
          }
          expect(paged.toSorted()).toEqual([...expected].toSorted());
        },
      ),
      { numRuns: 400 },
    );
  });

  test('reads no folder outside the interval', async () => {
    const opened: string[] = [];
    const fs = faultyFs(memoryTree(['a/a/x', 'a/b/x', 'a/c/x', 'b/x', 'c/x']), ({ name, args }) => {
      if (name === 'readdirSync') opened.push(String(args[0]).slice('/root'.length));
      return undefined;
    });
    const driver = fsDriver({ root: '/root', fs });
    expect(await keysOf(driver, { prefix: 'a/b/' })).toEqual(['a/b/x']);
    expect(opened).toEqual(['/a/b']);
    opened.length = 0;
    expect(await keysOf(driver, { startAfter: 'a/b/x', until: 'b/' })).toEqual(['a/c/x']);
    expect(opened).toEqual(['', '/a', '/a/b', '/a/c']);
  });

  test('goes on in a thread behind the first page, and gives the same', async () => {
    const root = testFolder();
    const keys: string[] = [];
    for (let folder = 0; folder < 30; folder++) {
      mkdirSync(`${root}/é${folder}`);
      for (let file = 0; file < 100; file++) {
        keys.push(`é${folder}/${file}-ü`);
        writeFileSync(`${root}/é${folder}/${file}-ü`, 'x'.repeat(file));
      }
    }
    const threaded = fsDriver({ root, threads: 1 });
    const alone = fsDriver({ root, threads: 0 });
    const found = await listAll(threaded);
    expect(found.objects.map(({ key }) => key)).toEqual(keys.toSorted(compareKeys));
    expect(found).toEqual(await listAll(alone));
    for (const info of found.objects.slice(1200, 1205)) expect((await alone.head(info.key, {})).revision).toEqual(info.revision);
    // Left in the middle, several at once, and again: the thread serves each listing by itself.
    for await (const page of threaded.list({ limit: 10 })) if ((page.objects[0]?.key ?? '') > 'é2') break;
    const [all, some] = await Promise.all([keysOf(threaded), keysOf(threaded, { prefix: 'é1', limit: 7 })]);
    expect(all).toEqual(keys.toSorted(compareKeys));
    expect(some).toEqual(all.filter((key) => key.startsWith('é1')));
    await threaded.close();
  });

  test("a listing that its bucket's end cuts off fails", async () => {
    const root = testFolder();
    for (let file = 0; file < 3000; file++) writeFileSync(`${root}/${file}`, '');
    const driver = fsDriver({ root, threads: 1 });
    const listing = (async () => {
      for await (const page of driver.list({ limit: 10 })) if (page.objects.some(({ key }) => key.startsWith('2'))) await driver.close();
    })();
    await expect(listing).rejects.toMatchObject({ code: 'Unavailable', retryable: false });
  });

  test('tells what is no object: links to elsewhere, special files, names that are no UTF-8, keys that are too long', async () => {
    const root = testFolder();
    const outside = testFolder();
    writeFileSync(`${outside}/secret`, 'secret');
    mkdirSync(`${root}/real`);
    writeFileSync(`${root}/real/file`, 'content');
    mkdirSync(`${root}/.stowage`);
    writeFileSync(`${root}/.stowage/own`, 'own');
    symlinkSync('real/file', `${root}/link-file`);
    symlinkSync('real', `${root}/link-folder`);
    symlinkSync('nowhere', `${root}/link-nothing`);
    symlinkSync('link-loop', `${root}/link-loop`);
    symlinkSync(`${outside}/secret`, `${root}/link-outside`);
    symlinkSync('.stowage/own', `${root}/link-own`);
    execFileSync('mkfifo', [`${root}/fifo`]);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff])]), '');
    mkdirSync(Buffer.concat([Buffer.from(`${root}/dir-`), Buffer.from([0xc3])]));
    const driver = fsDriver({ root });
    for (const limit of [1, 2, 1000]) {
      const found = await listAll(driver, { limit });
      expect(found.objects.map(({ key, size }) => [key, size])).toEqual([
        ['link-file', 7],
        ['real/file', 7],
      ]);
      expect(found.issues.map(({ key, kind }) => [key, kind])).toEqual([
        ['bad-\u{fffd}', 'invalid-name'],
        ['dir-\u{fffd}/', 'invalid-name'],
        ['fifo', 'not-a-file'],
        ['link-folder', 'symlink'],
        ['link-loop', 'symlink'],
        ['link-nothing', 'symlink'],
        ['link-outside', 'symlink'],
        ['link-own', 'symlink'],
      ]);
      const why = found.issues.map(({ message }) => message).join('\n');
      expect(why).toContain(String.raw`"bad-\xff"`);
      for (const word of ['to a folder', 'in a circle', 'to nothing', 'leaves the root', 'into .stowage', 'FIFO']) expect(why).toContain(word);
      for (const { message } of found.issues) expect(message).not.toContain('\n');
    }
    const skipping = await listAll(fsDriver({ root, symlinks: 'skip' }));
    expect(skipping.objects.map(({ key }) => key)).toEqual(['real/file']);
    expect(skipping.issues.filter(({ kind }) => kind === 'symlink')).toHaveLength(6);
    expect((await listAll(driver, { prefix: 'link-folder/f' })).issues).toMatchObject([{ key: 'link-folder/f', kind: 'symlink' }]);
  });

  test('tells a key that is longer than a store may hold', async () => {
    const root = testFolder();
    let folder = root;
    for (let i = 0; i < 6; i++) mkdirSync((folder += `/${'d'.repeat(200)}`));
    writeFileSync(`${folder}/file`, '');
    const { objects, issues } = await listAll(fsDriver({ root }));
    expect(objects).toEqual([]);
    expect(issues).toMatchObject([{ kind: 'invalid-name' }]);
    expect(issues[0]?.message).toContain('longer than 1024 bytes');
  });

  test.each(['EACCES', 'EPERM', 'EIO'])('tells a folder that cannot be read (%s), once a listing, and goes on', async (code) => {
    const fs = faultyFs(memoryTree(['a/x', 'b/x', 'c/x']), ({ name, args }) =>
      name === 'readdirSync' && args[0] === '/root/b' ? systemError(code, name) : undefined,
    );
    const driver = fsDriver({ root: '/root', fs });
    for (const limit of [1, 1000]) {
      const { objects, issues } = await listAll(driver, { limit });
      expect(objects.map(({ key }) => key)).toEqual(['a/x', 'c/x']);
      expect(issues).toMatchObject([{ key: 'b/', kind: 'unreadable' }]);
    }
    // A cursor of each page leads past it.
    const seen: string[] = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false)
      for await (const page of driver.list({ limit: 1, ...(cursor === undefined ? {} : { cursor }) })) {
        seen.push(...page.objects.map(({ key }) => key), ...page.issues.map(({ key }) => key));
        cursor = page.cursor;
        break;
      }
    expect(seen).toEqual(['a/x', 'b/', 'c/x']);
    expect((await listAll(driver, { prefix: 'b/x' })).issues).toMatchObject([{ key: 'b/x', kind: 'unreadable' }]);
    expect((await listAll(driver, { delimiter: '/', limit: 1 })).prefixes).toEqual(['a/', 'b/', 'c/']);
  });

  test('a file that cannot be looked at is told', async () => {
    const fs = faultyFs(memoryTree(['a/x', 'a/y']), ({ name, args }) =>
      name === 'lstatSync' && args[0] === '/root/a/x' ? systemError('EACCES', name) : undefined,
    );
    const { objects, issues } = await listAll(fsDriver({ root: '/root', fs }));
    expect(objects.map(({ key }) => key)).toEqual(['a/y']);
    expect(issues).toMatchObject([{ key: 'a/x', kind: 'unreadable' }]);
  });

  test('a root that cannot be read, or a process without handles, fails the listing', async () => {
    const denied = fsDriver({
      root: '/root',
      fs: faultyFs(memoryTree(['a']), ({ name }) => (name === 'readdirSync' ? systemError('EACCES', name) : undefined)),
    });
    await expect(listAll(denied)).rejects.toMatchObject({ code: 'AccessDenied' });
    const starved = fsDriver({
      root: '/root',
      fs: faultyFs(memoryTree(['a/x']), ({ name, args }) => (name === 'readdirSync' && args[0] === '/root/a' ? systemError('EMFILE', name) : undefined)),
    });
    await expect(listAll(starved)).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
  });

  test('what vanishes between the reading of its folder and its turn is left out', async () => {
    const root = testFolder();
    for (const name of ['a', 'b', 'c']) writeFileSync(`${root}/${name}`, '');
    const fs = faultyFs(nodeFs, ({ name, args }) => {
      if (name === 'lstatSync' && args[0] === `${root}/b`) rmSync(`${root}/b`, { force: true });
      return undefined;
    });
    const { objects, issues } = await listAll(fsDriver({ root, fs }));
    expect(objects.map(({ key }) => key)).toEqual(['a', 'c']);
    expect(issues).toEqual([]);
  });

  test('a prefix never leads out of the root', async () => {
    const root = testFolder();
    mkdirSync(`${root}/bucket`);
    writeFileSync(`${root}/secret`, '');
    const driver = fsDriver({ root: `${root}/bucket` });
    for (const prefix of ['../', '../s', './', 'a/../../', '\0/', `${'x'.repeat(300)}/`])
      expect(await listAll(driver, { prefix })).toEqual({ objects: [], prefixes: [], issues: [] });
  });

  test('a cursor that is none is refused', async () => {
    await expect(listAll(fsDriver({ root: '/root', fs: memoryFs() }), { cursor: 'zzz' })).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});
