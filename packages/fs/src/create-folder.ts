import * as nodeFs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type BucketCreation, type Call, StorageError } from '@stowage/core';
import { errno } from './file-system.ts';
import { toStorageError } from './fs-error.ts';
import { makeFolderPath } from './root.ts';

/** Makes the folder, and those above it where they are missing, for its owner alone. */
export async function createFolder(path: string, bucket: string, { signal }: Call): Promise<BucketCreation> {
  signal?.throwIfAborted();
  const folder = resolve(path);
  const place = { operation: 'createBucket', bucket };
  try {
    makeFolderPath(nodeFs, dirname(folder));
    nodeFs.mkdirSync(folder, { mode: 0o700 });
    return { outcome: 'created', exposure: 'private', notes: [] };
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw toStorageError(error, place);
    // A link to a folder is as good as one.
    if (nodeFs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return { outcome: 'existed' };
    throw new StorageError('AlreadyExists', `${JSON.stringify(folder)} is no folder; move what lies there`, { ...place, provider: 'fs', cause: error });
  }
}
