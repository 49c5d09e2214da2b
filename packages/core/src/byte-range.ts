import { StorageError } from './storage-error.ts';

/** Bytes from `start` (inclusive) to `end` (exclusive; absent: to the end), or the last `suffix` bytes. */
export type ByteRange = { readonly start: number; readonly end?: number } | { readonly suffix: number };

/** A range against an object of known size. */
export interface ResolvedRange {
  readonly start: number;
  readonly end: number;
}

/** Refuses ranges that no object can satisfy, before any request. Throws `InvalidArgument`, and `InvalidRange` for an empty suffix. */
export function assertRange(range: ByteRange): void {
  if ('suffix' in range) {
    if (!Number.isSafeInteger(range.suffix) || range.suffix < 0)
      throw new StorageError('InvalidArgument', `expected "suffix" to be a whole number of bytes, 1 or more; got ${range.suffix}`);
    if (range.suffix === 0) throw new StorageError('InvalidRange', 'a suffix of 0 bytes selects nothing; leave the range out, or ask for 1 byte or more');
    return;
  }
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || start < 0)
    throw new StorageError('InvalidArgument', `expected "start" to be a whole number of bytes, 0 or more; got ${start}`);
  if (end !== undefined && (!Number.isSafeInteger(end) || end <= start))
    throw new StorageError('InvalidArgument', `expected "end" (exclusive) to be a whole number above "start" (${start}); got ${end}`);
}

/**
 * The bytes that a range selects of an object of `size` bytes, as HTTP has it (RFC 9110, 14.1.2): an end past the object's is
 * clamped, a suffix longer than the object is all of it, a start at or past the end throws `InvalidRange`. No range: all of it.
 */
export function resolveRange(range: ByteRange | undefined, size: number): ResolvedRange {
  if (range === undefined) return { start: 0, end: size };
  assertRange(range);
  const start = 'suffix' in range ? Math.max(0, size - range.suffix) : range.start;
  if (start >= size) throw new StorageError('InvalidRange', `the range starts at byte ${start} of an object of ${size} bytes`, { status: 416 });
  const end = 'suffix' in range ? size : Math.min(range.end ?? size, size);
  return { start, end };
}
