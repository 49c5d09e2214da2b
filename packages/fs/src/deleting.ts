import type { DeleteItem } from '@stowage/core';
import { FsFault } from './fault.ts';
import { tryLock, unlock } from './lock.ts';
import { hasFolders, look, type Place, removeEmptiedFolders, type Root } from './place.ts';
import { isRevision } from './revision.ts';
import { removeHeaders } from './sidecar.ts';
import { removeIfThere } from './temporary-file.ts';

/** What a deletion came to: the folder whose entries changed; undefined where there was no object. */
export type Deleted = { readonly folder: string | undefined } | 'busy';

/**
 * Deletes an object, if it is the revision that was asked for, and the folders above it that this leaves empty: an object store has
 * no folders, and an empty one would keep an object from its name. What is no object (a folder, a FIFO, a link to neither) stays.
 */
export function tryDelete(root: Root, place: Place, item: DeleteItem): Deleted {
  const { fs } = root;
  if (!hasFolders(root, place) || look(root, place).kind !== 'file') return absent(item);
  const lock = tryLock(fs, root.path, place.key);
  if (lock === undefined) return 'busy';
  try {
    const found = look(root, place);
    if (found.kind !== 'file') return absent(item);
    if (item.if !== undefined && !isRevision(found.stats, item.if))
      throw new FsFault('PreconditionFailed', 'it is not the revision that was expected: it has been written since');
    removeIfThere(fs, place.path);
    removeHeaders(fs, root.path, place.key, found.stats);
  } finally {
    unlock(fs, lock);
  }
  return { folder: removeEmptiedFolders(root, place) };
}

function absent(item: DeleteItem): Deleted {
  if (item.if !== undefined) throw new FsFault('PreconditionFailed', 'it is not there any more, a revision of it was expected');
  return { folder: undefined };
}
