import { type ReadConditions, type Revision, StorageError, type WriteCondition } from '@stowage/core';

/** Google judges by generation: https://cloud.google.com/storage/docs/request-preconditions */
export function generationOf(revision: Revision): string {
  const { version } = revision;
  if (version === undefined || !/^\d{1,20}$/.test(version))
    throw new StorageError(
      'InvalidArgument',
      'the revision has no generation, by which Google judges conditions; take one from head, get, put or a listing of this bucket',
    );
  return version;
}

/** The value of `ifGenerationMatch`; 0 is "no object". */
export function generationMatch(condition: WriteCondition | undefined): string | undefined {
  if (condition === undefined) return undefined;
  return condition === 'absent' ? '0' : generationOf(condition);
}

/** Whether a read must look at the object first: the API that gives bytes with all headers judges generations that match, and nothing else by them. */
export function needsLook({ ifNoneMatch, ifModifiedSince, ifUnmodifiedSince }: ReadConditions): boolean {
  return ifNoneMatch !== undefined || ifModifiedSince !== undefined || ifUnmodifiedSince !== undefined;
}
