import type { ReadConditions, WriteCondition } from './driver.ts';
import { type ObjectInfo, type Revision, sameRevision } from './object-info.ts';
import { StorageError } from './storage-error.ts';
import { shownKey } from './wording/shown-key.ts';

/** What conditions look at. */
export type CurrentObject = Pick<ObjectInfo, 'revision' | 'lastModified'>;

/** Throws as HTTP has it (RFC 9110, 13.2.2) where a read condition does not hold: for drivers whose store does not judge itself. */
export function assertReadConditions(key: string, current: CurrentObject, o: ReadConditions): void {
  // A date counts only where no revision is named; dates are whole seconds.
  if (
    o.ifMatch !== undefined
      ? !sameRevision(o.ifMatch, current.revision)
      : o.ifUnmodifiedSince !== undefined && second(current.lastModified) > second(o.ifUnmodifiedSince)
  )
    throw changed(key);
  if (
    o.ifNoneMatch !== undefined
      ? sameRevision(o.ifNoneMatch, current.revision)
      : o.ifModifiedSince !== undefined && second(current.lastModified) <= second(o.ifModifiedSince)
  )
    throw new StorageError('NotModified', `${JSON.stringify(shownKey(key))} has not changed`, { key, status: 304 });
}

/** Throws `AlreadyExists` or `PreconditionFailed` where a write condition does not hold of what is there. */
export function assertWriteCondition(key: string, current: CurrentObject | undefined, condition: WriteCondition | undefined): void {
  if (condition === undefined) return;
  if (condition === 'absent') {
    if (current !== undefined) throw new StorageError('AlreadyExists', `${JSON.stringify(shownKey(key))} exists already`, { key, status: 412 });
    return;
  }
  assertRevision(key, current, condition);
}

/** Throws `PreconditionFailed` where the object is not the named revision, or is not there. */
export function assertRevision(key: string, current: CurrentObject | undefined, wanted: Revision): void {
  if (current === undefined)
    throw new StorageError('PreconditionFailed', `${JSON.stringify(shownKey(key))} is not there any more, a revision of it was expected`, { key, status: 412 });
  if (!sameRevision(wanted, current.revision)) throw changed(key);
}

function changed(key: string): StorageError {
  return new StorageError('PreconditionFailed', `${JSON.stringify(shownKey(key))} is not the revision that was expected: it has been written since`, {
    key,
    status: 412,
  });
}

function second(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
