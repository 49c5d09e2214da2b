import { type ByteRange, type ReadConditions, type Revision, StorageError, type WriteCondition } from '@stowage/core';

/** Azure judges by ETag alone. */
export function etagOf(revision: Revision): string {
  if (revision.etag === undefined)
    throw new StorageError(
      'InvalidArgument',
      'the revision has no ETag, by which Azure judges conditions; take one from head, get, put or a listing of this container',
    );
  return revision.etag;
}

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

export function conditionKind(condition: WriteCondition | undefined): 'absent' | 'revision' | undefined {
  return condition === undefined ? undefined : condition === 'absent' ? 'absent' : 'revision';
}

/** RFC 9110, 14.1.2: both ends are inclusive there. Azure knows no suffix: the object's size must be known for one. */
export function rangeHeader({ start, end }: Exclude<ByteRange, { readonly suffix: number }>): string {
  return `bytes=${start}-${end === undefined ? '' : end - 1}`;
}
