import * as nodeFs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness } from '@stowage/conformance';
import type { Call } from '@stowage/core';
import { createFolder } from '../src/create-folder.ts';
import type { FileSystem } from '../src/file-system.ts';
import { fsDriver, type FsNative, type FsOptions } from '../src/index.ts';
import { faultyFs, type Judge, systemError } from './faulty-fs.ts';

/** Where the buckets of a harness lie. */
interface Ground {
  readonly fs: FileSystem | undefined;
  readonly makeFolder: () => string;
  readonly removeFolder: (path: string) => void;
}

export function diskHarness(): Harness {
  return harnessOn({
    fs: undefined,
    makeFolder: () => mkdtempSync(join(tmpdir(), 'stowage-fs-')),
    removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
  });
}

export function memoryFsHarness(fs: FileSystem): Harness {
  let folders = 0;
  return harnessOn({
    fs,
    makeFolder: () => {
      const path = `/root/${++folders}`;
      fs.mkdirSync(path);
      return path;
    },
    removeFolder: () => undefined,
  });
}

function harnessOn({ fs, makeFolder, removeFolder }: Ground): Harness {
  const open = (options: Omit<FsOptions, 'fs'>, judge?: Judge): ReturnType<typeof fsDriver> => {
    const chosen = judge === undefined ? fs : faultyFs(fs ?? nodeFs, judge);
    return fsDriver({ ...options, ...(chosen === undefined ? {} : { fs: chosen }) });
  };
  const rootOf = (opened: { native(): unknown }): string => (opened.native() as FsNative).root;
  return {
    capabilities: open({ root: '/' }).capabilities,
    makeBucket: () => open({ root: makeFolder() }),
    makeSecondBucket: () => open({ root: makeFolder() }),
    openAgain: (opened) => open({ root: rootOf(opened) }),
    dispose: (opened) => removeFolder(rootOf(opened)),
    async seed(opened, key, content, headers): Promise<void> {
      await open({ root: rootOf(opened) }).put(key, content, headers);
    },
    // Folders are made by the provider, on the disk alone.
    ...(fs === undefined
      ? {
          maker: {
            freshName(): string {
              const name = makeFolder();
              removeFolder(name);
              return name;
            },
            create: (name: string, call: Call) => createFolder(name, name, call),
            open: (name: string) => open({ root: name }),
          },
        }
      : {}),
    faults: {
      missingBucket: async () => open({ root: join(makeFolder(), 'missing') }),
      denied: async () => {
        const root = makeFolder();
        return open({ root }, ({ name, args: [path] }) =>
          name !== 'realpathSync' && path !== root && path !== undefined
            ? systemError('EACCES', name)
            : name === 'readdirSync' || name === 'accessSync'
              ? systemError('EACCES', name)
              : undefined,
        );
      },
      full: async () => open({ root: makeFolder() }, ({ name }) => (name === 'write' || name === 'writeSync' ? systemError('ENOSPC', name) : undefined)),
      breakBody: async (opened, { afterBytes, silent }) => {
        let left = afterBytes;
        let broken = false;
        return open({ root: rootOf(opened) }, ({ name, args }) => {
          if (name !== 'read' || broken) return undefined;
          if (left === 0) {
            broken = true;
            return silent ? { result: 0 } : systemError('EIO', name);
          }
          const [, , , length] = args as [number, Uint8Array, number, number];
          if (length <= left) {
            left -= length;
            return undefined;
          }
          const count = left;
          left = 0;
          const [fd, buffer, offset, , position] = args as [number, Uint8Array, number, number, number];
          return { result: (fs ?? nodeFs).readSync(fd, buffer, offset, count, position) };
        });
      },
    },
  };
}
