import { type BucketDriver, delegate, type Layer, makeFolder, StorageError } from '@stowage/core';
import * as fs from 'node:fs';

/**
 * Makes a local destination's folder with the first write and not before: a run that is refused, or only plans, leaves nothing
 * behind. Until then it lists as empty.
 */
export function createdOnWrite(folder: string): Layer {
  let made = false;
  const ensure = (): void => {
    if (made) return;
    try {
      makeFolder(fs, folder);
    } catch (error) {
      throw new StorageError(
        'BucketNotFound',
        `the destination folder ${JSON.stringify(folder)} cannot be made (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
        { cause: error },
      );
    }
    made = true;
  };
  return (inner) =>
    delegate(inner, {
      async *list(o): ReturnType<BucketDriver['list']> {
        if (fs.existsSync(folder)) yield* inner.list(o);
        else yield { objects: [], prefixes: [], issues: [] };
      },
      async head(key, o) {
        if (!fs.existsSync(folder))
          throw new StorageError('NotFound', `the destination has no ${JSON.stringify(key)}: its folder is yet to be made`, { operation: 'head', key });
        return inner.head(key, o);
      },
      async put(key, body, o) {
        ensure();
        return inner.put(key, body, o);
      },
      async copyMany(items, o) {
        ensure();
        return inner.copyMany(items, o);
      },
      async startUpload(key, o) {
        ensure();
        return inner.startUpload(key, o);
      },
    });
}
