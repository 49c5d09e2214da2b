import type { PlaceIdentity } from '@stowage/transfer';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** What lies at a path that a user named. */
export interface LocalPath {
  /** Absolute; links in it are as they were given. */
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'other' | 'missing' | 'denied';
  /** Where it really is, links resolved; for a missing one, from the lowest folder that exists. */
  readonly realPath: string;
  /** The path itself, or the lowest folder above it that exists. */
  readonly nearest: string;
}

/** Looks at a path. Links on it are followed: it is the user's own choice where it leads. */
export function lookAtPath(text: string, cwd: string): LocalPath {
  const path = resolve(cwd, text);
  try {
    const stats = statSync(path);
    return { path, kind: stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : 'other', realPath: realpathSync(path), nearest: path };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return { path, kind: 'denied', realPath: path, nearest: path };
    const above = dirname(path);
    if (above === path) return { path, kind: 'missing', realPath: path, nearest: path };
    const parent = lookAtPath(above, cwd);
    return { path, kind: parent.kind === 'denied' ? 'denied' : 'missing', realPath: join(parent.realPath, basename(path)), nearest: parent.nearest };
  }
}

/** Whether this process may make entries in the folder. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** All local disks are one store: a path names one place among them. */
export function identityOfPath(realPath: string): PlaceIdentity {
  return { store: 'file', path: realPath.split(sep).filter((part) => part !== '') };
}

/**
 * Whether a folder is the other, or lies in it, though their paths do not show it: a folder that is mounted twice has two paths
 * and one inode.
 */
export function isInsideByInode(inner: string, outer: string): boolean {
  const wanted = inode(outer);
  if (wanted === undefined) return false;
  for (let folder = inner; ; folder = dirname(folder)) {
    if (inode(folder) === wanted) return true;
    if (dirname(folder) === folder) return false;
  }
}

function inode(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}
