import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskWaits, GROUP_SYNC_FILES } from '../src/disk-waits.ts';
import type { FileSystem } from '../src/file-system.ts';
import { GroupSync } from '../src/group-sync.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stowage-group-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('waits for the disk time after time, also after it was closed', async () => {
  const group = new GroupSync(folder);
  expect(await Promise.all([group.done(), group.done(), group.done()])).toEqual([true, true, true]);
  group.close();
  expect(await group.done()).toBe(true);
  group.close();
});

test('says that it cannot where the folder cannot be synced, and does not ask again', async () => {
  const group = new GroupSync(join(folder, 'missing'));
  expect(await group.done()).toBe(false);
  expect(await group.done()).toBe(false);
});

test('says that it cannot where there is no shell', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    expect(await new GroupSync(folder).done()).toBe(false);
  } finally {
    process.env['PATH'] = path;
  }
});

test('a folder is no command: quotes and dollars in its name mean themselves', async () => {
  const odd = mkdtempSync(join(folder, `a"$(touch pwned)'b `));
  const group = new GroupSync(odd);
  expect(await group.done()).toBe(true);
  group.close();
});

test('keeps no process alive', () => {
  const module = JSON.stringify(join(import.meta.dirname, '../src/group-sync.ts'));
  const program = `import { GroupSync } from ${module}; console.log(await new GroupSync(${JSON.stringify(folder)}).done());`;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 30_000 })).toBe('true\n');
});

test('many writes at once share a wait, few have their own, and a wait that cannot be shared is made by each', async () => {
  const synced: number[] = [];
  const open = new Set<number>();
  const fs = {
    constants: { O_RDONLY: 0 },
    openSync(path: string): number {
      open.add(Number(path));
      return Number(path);
    },
    closeSync(fd: number): void {
      expect(open.delete(fd)).toBe(true);
    },
    fsync(fd: number, done: (error: null) => void): void {
      synced.push(fd);
      done(null);
    },
  } as unknown as FileSystem;
  let works = true;
  let asked = 0;
  let openWhileShared = 0;
  const group = {
    done: async (): Promise<boolean> => {
      asked++;
      await new Promise(setImmediate);
      openWhileShared += open.size;
      return works;
    },
  } as unknown as GroupSync;
  const waits = new DiskWaits(fs, group);
  const writes = async (count: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: count }, (_, fd) =>
        waits.write(async () => {
          // All have begun before the first waits.
          await Promise.resolve();
          open.add(fd);
          await waits.contentOf({ fd, path: String(fd) });
        }),
      ),
    );
  };
  await writes(GROUP_SYNC_FILES - 1);
  expect([asked, synced.length]).toEqual([0, GROUP_SYNC_FILES - 1]);
  await writes(GROUP_SYNC_FILES);
  expect([asked, synced.length]).toEqual([GROUP_SYNC_FILES, GROUP_SYNC_FILES - 1]);
  works = false;
  await writes(GROUP_SYNC_FILES);
  expect(synced).toHaveLength(2 * GROUP_SYNC_FILES - 1);
  // Many files wait together, more than may be open at once.
  expect([openWhileShared, open.size]).toEqual([0, 0]);
});
