import { type ByteRange, type ReadConditions, type Revision, StorageError, type WriteCondition } from '@stowage/core';

/** For stores that judge by ETag alone. Throws `InvalidArgument` where the revision has none. */
export function etagOf(revision: Revision): string {
  if (revision.etag === undefined)
    throw new StorageError(
      'InvalidArgument',
      'the revision has no ETag, by which this store judges conditions; take one from head, get, put or a listing of this bucket',
    );
  return revision.etag;
}

/** RFC 9110, 13.1. */
export function readConditionHeaders(o: ReadConditions): Record<string, string> {
  const out: Record<string, string> = {};
  if (o.ifMatch !== undefined) out['if-match'] = etagOf(o.ifMatch);
  if (o.ifNoneMatch !== undefined) out['if-none-match'] = etagOf(o.ifNoneMatch);
  if (o.ifModifiedSince !== undefined) out['if-modified-since'] = o.ifModifiedSince.toUTCString();
  if (o.ifUnmodifiedSince !== undefined) out['if-unmodified-since'] = o.ifUnmodifiedSince.toUTCString();
  return out;
}

export function writeConditionHeaders(condition: WriteCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  return condition === 'absent' ? { 'if-none-match': '*' } : { 'if-match': etagOf(condition) };
}

/** The condition as a request's context names it. */
export function conditionKind(condition: WriteCondition | undefined): 'absent' | 'revision' | undefined {
  return condition === undefined ? undefined : condition === 'absent' ? 'absent' : 'revision';
}

/** RFC 9110, 14.1.2: both ends are inclusive there. */
export function rangeHeader(range: ByteRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`;
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
}
