import { type ByteRange, type GetOptions, type ReadConditions, type Revision, StorageError, type WriteCondition } from '@stowage/core';

/** S3 judges by ETag alone. */
export function etagOf(revision: Revision): string {
  if (revision.etag === undefined)
    throw new StorageError(
      'InvalidArgument',
      'the revision has no ETag, by which S3 judges conditions; take one from head, get, put or a listing of this bucket',
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

/** The same for the SDK's commands. */
export function writeConditionInput(condition: WriteCondition | undefined): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {};
  return condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: etagOf(condition) };
}

export function conditionKind(condition: WriteCondition | undefined): 'absent' | 'revision' | undefined {
  return condition === undefined ? undefined : condition === 'absent' ? 'absent' : 'revision';
}

/** RFC 9110, 14.1.2: both ends are inclusive there. */
export function rangeHeader(range: ByteRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`;
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
}

/** Whether the answer shall tell the checksums that the store keeps: only where they will be compared, or are asked for. */
export function wantsChecksums(o: GetOptions): boolean {
  return o.range === undefined && o.verify !== false;
}
