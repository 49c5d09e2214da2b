import { describe, expect, test } from 'vitest';
import { type FileSystem, fsDriver } from '../src/index.ts';
import { keysOf, read } from './folder.ts';
import { memoryFs } from './memory-fs.ts';

/** A disk that keeps names as they were given first, and finds them in any case or Unicode form, as APFS does. */
function foldingFs(): FileSystem {
  const base = memoryFs();
  const fold = (path: string): string => path.normalize('NFC').toLowerCase();
  const stored = (path: string): string => {
    let real = '';
    for (const name of path.split('/').filter((part) => part !== '')) {
      const names = base.lstatSync(real === '' ? '/' : real, { throwIfNoEntry: false })?.isDirectory()
        ? base.readdirSync(real === '' ? '/' : real, { encoding: 'latin1', withFileTypes: true }).map((entry) => Buffer.from(entry.name, 'latin1').toString())
        : [];
      real += `/${names.find((each) => fold(each) === fold(name)) ?? name}`;
    }
    return real;
  };
  return new Proxy(base, {
    get: (target, name: keyof FileSystem): unknown => {
      const real: unknown = Reflect.get(target, name);
      if (typeof real !== 'function') return real;
      return (...args: unknown[]): unknown =>
        Reflect.apply(
          real,
          target,
          args.map((arg, i) => (typeof arg === 'string' && arg.startsWith('/') && i < 2 ? stored(arg) : arg)),
        );
    },
  });
}

describe('a disk that folds names', () => {
  test('a name that it holds in other letters is a conflict to a writer, and nothing to a reader', async () => {
    const driver = fsDriver({ root: '/root', fs: foldingFs() });
    await driver.put('Folder/Name', Buffer.from('1'), {});
    await driver.put('caf\u{e9}', Buffer.from('2'), {});
    await driver.put('Folder/other', Buffer.from('3'), {});
    for (const key of ['Folder/name', 'folder/Name', 'folder/new', 'cafe\u{301}', 'CAF\u{e9}']) {
      await expect(driver.put(key, Buffer.from('x'), {}), key).rejects.toMatchObject({ code: 'KeyConflict' });
      await expect(driver.put(key, Buffer.from('x'), { if: 'absent' }), key).rejects.toMatchObject({ code: 'KeyConflict' });
      await expect(driver.head(key, {}), key).rejects.toMatchObject({ code: 'NotFound' });
      expect(await driver.deleteMany([{ key }], {}), key).toEqual([{ key, ok: true }]);
      expect(await driver.copyMany([{ from: driver.copySource('Folder/Name'), to: key }], {}), key).toMatchObject([{ error: { code: 'KeyConflict' } }]);
    }
    expect(await keysOf(driver)).toEqual(['Folder/Name', 'Folder/other', 'caf\u{e9}']);
    expect(await keysOf(driver, { prefix: 'folder/' })).toEqual([]);
    expect(await read(driver, 'Folder/Name')).toBe('1');
    await driver.put('Folder/Name', Buffer.from('4'), {});
    expect(await read(driver, 'Folder/Name')).toBe('4');
  });

  test("Stowage's own folder is not reached under other letters", async () => {
    const fs = foldingFs();
    const driver = fsDriver({ root: '/root', fs });
    await driver.put('a', Buffer.from('1'), { contentType: 'a/b' });
    await driver.put('.STOWAGE/meta', Buffer.from('x'), {});
    expect((await driver.head('a', {})).headers).toEqual({ contentType: 'a/b' });
    expect(await keysOf(driver)).toEqual(['.STOWAGE/meta', 'a']);
  });

  test('a disk that tells names apart is asked once, and holds both', async () => {
    const driver = fsDriver({ root: '/root', fs: memoryFs() });
    for (const key of ['A/b', 'a/b', 'a/B', '\u{e9}', 'e\u{301}']) await driver.put(key, Buffer.from(key), { if: 'absent' });
    for (const key of await keysOf(driver)) expect(await read(driver, key)).toBe(key);
    expect(await keysOf(driver)).toHaveLength(5);
  });
});
