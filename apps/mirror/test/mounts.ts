import { spawnSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach } from 'vitest';
import { isRoot } from './command.ts';

function done(command: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${command}: ${error?.message ?? stderr.trim()}`;
}

/** Disks for the length of one test. Each gives the reason why it cannot be had here, where that is so. */
export interface Mounts {
  /** A disk in memory that holds so much. */
  small(folder: string, size: string): string | undefined;
  /** A disk that keeps times in whole seconds: ext2 with inodes of 128 bytes, in a file. */
  ofWholeSeconds(folder: string, image: string): string | undefined;
  /** Changes the options of one of these. */
  remount(folder: string, options: string): string | undefined;
}

/** To be called behind `useFolder`: what is mounted goes before the folder that it lies in. */
export function useMounts(): Mounts {
  const mounted: string[] = [];
  afterEach(() => {
    for (const folder of mounted.splice(0).toReversed()) done('umount', folder);
  });
  const mount = (folder: string, ...args: string[]): string | undefined => {
    if (!isRoot) return 'mounting a disk takes the superuser';
    mkdirSync(folder, { recursive: true });
    const failed = done('mount', ...args, folder);
    if (failed === undefined) mounted.push(folder);
    return failed;
  };
  return {
    small: (folder, size) => mount(folder, '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs'),
    ofWholeSeconds(folder, image) {
      writeFileSync(image, '');
      truncateSync(image, 4 * 1024 * 1024);
      return done('mkfs.ext2', '-q', '-I', '128', image) ?? mount(folder, '-o', 'loop', image);
    },
    remount: (folder, options) => done('mount', '-o', `remount,${options}`, folder),
  };
}
