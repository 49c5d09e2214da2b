import type { Entity } from '@stowage/catalog';
import { type ObjectInfo, type Revision, sameRevision } from '@stowage/core';

/** How an object differs from what was kept of it, in one line; undefined where it does not, as far as anything was kept. */
export function difference({ size, revision }: Pick<Entity, 'size' | 'revision'>, found: ObjectInfo): string | undefined {
  if (size !== undefined && size !== found.size) return `it has ${found.size} bytes; the catalog says ${size}`;
  if (revision !== undefined && isKnown(revision) && isKnown(found.revision) && !sameRevision(revision, found.revision))
    return `it was written again (${found.lastModified.toISOString()}) since the catalog saw it; its size is the same`;
  return undefined;
}

function isKnown({ etag, version }: Revision): boolean {
  return etag !== undefined || version !== undefined;
}
