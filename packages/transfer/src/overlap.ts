import { type Bucket, StorageError } from '@stowage/core';

/** Where a tree really lies, as far as its owner can tell: past links, aliases and views. */
export interface PlaceIdentity {
  /** Names what can hold both trees: `file` for all local disks, an endpoint and bucket for a remote store. */
  readonly store: string;
  /** Path in it, from its top, in parts. */
  readonly path: readonly string[];
}

export type Overlap = 'same' | 'source-inside-destination' | 'destination-inside-source';

/** Whether two trees share objects. */
export function overlap(source: PlaceIdentity, destination: PlaceIdentity): Overlap | undefined {
  if (source.store !== destination.store) return undefined;
  const common = Math.min(source.path.length, destination.path.length);
  for (let i = 0; i < common; i++) if (source.path[i] !== destination.path[i]) return undefined;
  if (source.path.length === destination.path.length) return 'same';
  return source.path.length > destination.path.length ? 'source-inside-destination' : 'destination-inside-source';
}

/** Throws `InvalidArgument` where two views (by a prefix, say) of one driver overlap. Different drivers are the caller's to identify. */
export function refuseOverlap(source: Bucket, destination: Bucket): void {
  const from = source.driver.copySource(PROBE);
  const to = destination.driver.copySource(PROBE);
  if (from.driver !== to.driver) return;
  const a = from.key.slice(0, -PROBE.length);
  const b = to.key.slice(0, -PROBE.length);
  if (a.startsWith(b) || b.startsWith(a))
    throw overlapError(a === b ? 'same' : a.length > b.length ? 'source-inside-destination' : 'destination-inside-source');
}

const PROBE = 'x';

export function overlapError(found: Overlap): StorageError {
  return new StorageError('InvalidArgument', OVERLAP_WORDS[found]);
}

const OVERLAP_WORDS: Readonly<Record<Overlap, string>> = {
  same: 'source and destination are one place; name two different ones',
  'source-inside-destination':
    'the source lies inside the destination, so that a mirror would delete or overwrite what it reads; choose a destination that does not hold the source',
  'destination-inside-source': 'the destination lies inside the source, so that a mirror would copy its own copies; choose a destination outside of the source',
};
