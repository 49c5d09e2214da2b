import { type Capabilities, type ChecksumAlgorithm, type ObjectInfo, sameRevision } from '@stowage/core';
import type { Difference } from './action.ts';
import type { SyncedRevisions } from './journal/synced-revisions.ts';

/**
 * How two objects at one key are compared.
 * - `auto` size; then a checksum that both listings give; or else whether both are still the revisions that an earlier run has left
 *   (where a journal tells); or else the modification time
 * - `size` size alone: a change that keeps the size is not seen
 * - `bytes` size; then every byte of both, whatever the listings say
 * - `content` size; then a checksum that both listings give, or else every byte of both is read
 */
export type Comparison = 'auto' | 'size' | 'content' | 'bytes';

/** What a pair of stores can tell of modification times. */
export interface TimePrecision {
  /** How far two times of one object may be apart, in milliseconds. */
  readonly toleranceMs: number;
  /** Whether a copy carries the source's time. Where it cannot, a copy is younger than its source, and only a younger source is a change. */
  readonly carried: boolean;
}

export function timePrecision(source: Capabilities, destination: Capabilities): TimePrecision {
  return {
    toleranceMs: Math.max(source.lastModified.precisionMs, destination.lastModified.precisionMs),
    carried: destination.lastModified.set !== false,
  };
}

/** Whether a listed pair is the same, how it differs, or that only its content can tell (`compare`). No I/O. */
export function decide(
  source: ObjectInfo,
  destination: ObjectInfo,
  comparison: Comparison,
  precision: TimePrecision,
  synced?: SyncedRevisions,
): 'same' | 'compare' | Difference {
  if (source.size !== destination.size) return 'size';
  if (comparison === 'size') return 'same';
  if (comparison === 'bytes') return source.size === 0 ? 'same' : 'compare';
  const algorithm = sharedChecksum(source, destination);
  if (algorithm !== undefined) return source.checksums[algorithm] === destination.checksums[algorithm] ? 'same' : 'checksum';
  if (comparison === 'content') return source.size === 0 ? 'same' : 'compare';
  const newer = source.lastModified.getTime() - destination.lastModified.getTime();
  const byTime = newer > precision.toleranceMs || (precision.carried && -newer > precision.toleranceMs) ? 'time' : 'same';
  if (synced === undefined) return byTime;
  if (!sameRevision(synced.source, source.revision)) return 'revision';
  if (sameRevision(synced.destination, destination.revision)) return 'same';
  // Owner and permissions belong to a file's revision, not to its content; a time that was carried over tells the two apart.
  return precision.carried ? byTime : 'revision';
}

/**
 * Whether listings of these two can hide a change of content: they share no checksum, and a change may keep the size and the time, or
 * get an older time than the copy. A journal of revisions then finds it without asking for a single object.
 */
export function hidesChanges(source: Capabilities, destination: Capabilities): boolean {
  if (source.checksums.lists.some((algorithm) => destination.checksums.lists.includes(algorithm))) return false;
  const { carried, toleranceMs } = timePrecision(source, destination);
  return !carried || toleranceMs >= 1000;
}

/** Strongest first: where both give several, one is enough. */
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['sha256', 'md5', 'crc64nvme', 'crc32c', 'crc32'];

function sharedChecksum(a: ObjectInfo, b: ObjectInfo): ChecksumAlgorithm | undefined {
  for (const algorithm of ALGORITHMS) {
    if (a.checksums[algorithm] !== undefined && b.checksums[algorithm] !== undefined) return algorithm;
  }
  return undefined;
}
