import type { ObjectInfo, Revision } from '@stowage/core';
import type { CopyAction } from './action.ts';

/** The condition that a read meets the object that was listed; none where the listing gives no revision. */
export function listedRevision({ revision }: ObjectInfo): { readonly ifMatch?: Revision } {
  return isKnown(revision) ? { ifMatch: revision } : {};
}

/** As {@link listedRevision}, for a copy on the server's side. */
export function sourceCondition({ revision }: ObjectInfo): { readonly sourceIf?: Revision } {
  return isKnown(revision) ? { sourceIf: revision } : {};
}

/** Create only what was not listed; replace only what was. */
export function writeCondition(action: CopyAction): { readonly if?: 'absent' | Revision } {
  if (action.kind === 'copy') return { if: 'absent' };
  return isKnown(action.destination.revision) ? { if: action.destination.revision } : {};
}

export function isKnown({ etag, version }: Revision): boolean {
  return etag !== undefined || version !== undefined;
}
