import { expect, test } from 'vitest';
import type { FileSystem } from '../src/file-system.ts';
import { FolderSync } from '../src/folder-sync.ts';

/** A file system that can do nothing but sync, when it is told to. */
function heldSyncs(): { readonly fs: FileSystem; readonly waiting: ((error: NodeJS.ErrnoException | null) => void)[]; readonly opened: string[] } {
  const waiting: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  const opened: string[] = [];
  const fs = {
    constants: { O_RDONLY: 0 },
    openSync: (path: string) => opened.push(path),
    closeSync: () => undefined,
    fsync: (_fd: number, done: (error: NodeJS.ErrnoException | null) => void) => waiting.push(done),
  };
  return { fs: fs as unknown as FileSystem, waiting, opened };
}

test('names of one folder share a wait that begins behind them; another folder has its own', async () => {
  const { fs, waiting, opened } = heldSyncs();
  const names = new FolderSync(fs);
  const ended: string[] = [];
  const ask = (name: string, folder: string): Promise<unknown> => names.done(folder).then(() => ended.push(name));
  const all = [ask('first', '/a'), ask('second', '/a'), ask('third', '/a'), ask('other', '/b')];
  expect(opened).toEqual(['/a', '/b']);
  waiting[0]?.(null);
  await all[0];
  // What was asked for while the first was under way is not covered by it.
  expect(ended).toEqual(['first']);
  expect(opened).toEqual(['/a', '/b', '/a']);
  waiting[2]?.(null);
  waiting[1]?.(null);
  await Promise.all(all);
  expect(opened).toHaveLength(3);
});

test('a failed wait is the failure of those who waited for it, and of nobody else', async () => {
  const { fs, waiting } = heldSyncs();
  const names = new FolderSync(fs);
  const first = names.done('/a');
  const second = names.done('/a');
  waiting[0]?.(Object.assign(new Error('i/o error'), { code: 'EIO' }));
  await expect(first).rejects.toThrow('i/o error');
  await new Promise((resolve) => setImmediate(resolve));
  waiting[1]?.(null);
  await expect(second).resolves.toBeUndefined();
});
