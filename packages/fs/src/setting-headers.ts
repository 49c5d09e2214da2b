import type { Call, ObjectHeaders, ObjectInfo, Revision } from '@stowage/core';
import { FsFault } from './fault.ts';
import { errno, lstat } from './file-system.ts';
import { tryLock, unlock } from './lock.ts';
import type { Place, Root } from './place.ts';
import { findFile, infoOf } from './reading.ts';
import { isRevision } from './revision.ts';
import { nameHeaders, removeHeaders, syncHeaders, writeHeaders } from './sidecar.ts';
import { removeIfThere } from './temporary-file.ts';
import { whileBusy } from './waiting.ts';

/** Replaces an object's headers. Content and modification time stay; the revision changes, so that who holds the old one notices. */
export async function replaceHeaders(
  root: Root,
  place: Place,
  headers: ObjectHeaders,
  o: Call & { readonly if?: Revision },
  durable: boolean,
): Promise<ObjectInfo> {
  const { fs } = root;
  for (;;) {
    const { stats } = findFile(root, place);
    if (o.if !== undefined && !isRevision(stats, o.if)) throw changed();
    const written = writeHeaders(fs, root.path, place.key, headers, stats);
    try {
      if (durable && written !== undefined) await syncHeaders(fs, written);
      const outcome = await whileBusy(() => {
        const lock = tryLock(fs, root.path, place.key);
        if (lock === undefined) return 'busy';
        try {
          const now = findFile(root, place);
          // Replaced since: the headers are bound to other content, and are written anew.
          if (now.stats.ino !== stats.ino || now.stats.ctimeMs !== stats.ctimeMs) return 'changed';
          if (written === undefined) removeHeaders(fs, root.path, place.key, stats);
          else nameHeaders(fs, written);
          touchChangeTime(root, now.path, stats.mode);
          return infoOf(place.key, lstat(fs, now.path) ?? stats, headers);
        } finally {
          unlock(fs, lock);
        }
      }, o.signal);
      if (outcome !== 'changed') return outcome;
    } finally {
      if (written !== undefined) removeIfThere(fs, written.temporary);
    }
  }
}

/** Setting the mode that a file has moves its change time, which is part of the revision. Only its owner may: to others it stays. */
function touchChangeTime(root: Root, path: string, mode: number): void {
  try {
    root.fs.chmodSync(path, mode & 0o7777);
  } catch (error) {
    if (errno(error) !== 'EPERM' && errno(error) !== 'EROFS') throw error;
  }
}

function changed(): FsFault {
  return new FsFault('PreconditionFailed', 'it is not the revision that was expected: it has been written since');
}
