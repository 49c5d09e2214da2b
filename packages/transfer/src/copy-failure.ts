import { type Bucket, type ErrorCode, isStorageError, sameRevision, StorageError } from '@stowage/core';
import type { CompareAction, CopyAction } from './action.ts';
import type { Outcome } from './outcome.ts';
import type { Side } from './side.ts';
import type { StopCause } from './stop.ts';

/** What a failed copy means for its key, and for the run. */
export interface FailedCopy {
  readonly outcome: Outcome;
  readonly stop?: StopCause;
  /** A key that the destination cannot hold beside another may be free once deletions are made. */
  readonly retryAfterDeletions?: true;
}

/** Failures that every further key would share. */
const STORE_WIDE: ReadonlySet<ErrorCode> = new Set(['OutOfSpace', 'BucketNotFound', 'Unauthenticated']);

/**
 * Judges a failed copy. `side` is the store whose call failed, where that is known; a copy on the server's side does not tell,
 * and then the source is looked at.
 */
export async function judgeCopyFailure(
  action: CopyAction,
  thrown: unknown,
  side: Side | undefined,
  source: Bucket,
  signal: AbortSignal | undefined,
): Promise<FailedCopy> {
  const { key } = action;
  const { size } = action.source;
  if (signal?.aborted === true)
    return { outcome: { kind: 'skipped', key, size, reason: 'not-attempted', message: 'interrupted while it was copied; run again' } };
  const error = asStorageError(thrown);
  const { message } = error;
  switch (error.code) {
    case 'NotFound':
      if (side === 'destination') break;
      return { outcome: { kind: 'skipped', key, size, reason: 'vanished', message: 'gone from the source since it was listed' } };
    case 'KeyConflict':
      return { outcome: { kind: 'conflict', key, size, reason: 'key-conflict', message }, retryAfterDeletions: true };
    case 'InvalidKey':
      return { outcome: { kind: 'conflict', key, size, reason: 'invalid-key', message } };
    case 'AlreadyExists':
      return {
        outcome: {
          kind: 'conflict',
          key,
          size,
          reason: 'destination-changed',
          message: 'somebody created it at the destination since it was listed; run again',
        },
      };
    case 'PreconditionFailed':
      switch (side ?? (await whoChanged(action, source, signal))) {
        case 'source':
          return { outcome: { kind: 'failed', key, size, reason: 'source-changed', message: 'written at the source while it was copied; run again' } };
        case 'destination':
          return {
            outcome: {
              kind: 'conflict',
              key,
              size,
              reason: 'destination-changed',
              message: 'somebody wrote it at the destination since it was listed; run again',
            },
          };
      }
      break;
    default:
      break;
  }
  const outcome: Outcome = { kind: 'failed', key, size, reason: error.code, message };
  const stop = judgeStoreFailure(error, side ?? 'destination');
  return stop === undefined ? { outcome } : { outcome, stop };
}

/** Why the whole run must end, where the failure is one that every further key would share. */
export function judgeStoreFailure(error: StorageError, side: Side): StopCause | undefined {
  return STORE_WIDE.has(error.code) ? { by: 'store', side, error } : undefined;
}

/** As {@link judgeCopyFailure}, for content that could not be compared. */
export function judgeComparisonFailure({ key, source: { size } }: CompareAction, thrown: unknown, signal: AbortSignal | undefined): FailedCopy {
  if (signal?.aborted === true)
    return { outcome: { kind: 'skipped', key, size, reason: 'not-attempted', message: 'interrupted while it was compared; run again' } };
  const error = asStorageError(thrown);
  if (error.code === 'NotFound')
    return { outcome: { kind: 'skipped', key, size, reason: 'vanished', message: 'gone from one side since it was listed; run again' } };
  if (error.code === 'PreconditionFailed')
    return { outcome: { kind: 'failed', key, size, reason: 'source-changed', message: 'written on one side while it was compared; run again' } };
  const outcome: Outcome = { kind: 'failed', key, size, reason: error.code, message: error.message };
  const stop = judgeStoreFailure(error, 'destination');
  return stop === undefined ? { outcome } : { outcome, stop };
}

/** Settled by looking, not by guessing. */
async function whoChanged(action: CopyAction, source: Bucket, signal: AbortSignal | undefined): Promise<Side> {
  try {
    const now = await source.head(action.key, signal === undefined ? {} : { signal });
    return sameRevision(now.revision, action.source.revision) ? 'destination' : 'source';
  } catch {
    // Gone, or no longer readable: either way it is not what was listed.
    return 'source';
  }
}

/** Anything but a `StorageError` is a fault of a driver or of this program: told as such, for the one key. */
export function asStorageError(thrown: unknown): StorageError {
  if (isStorageError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new StorageError('Unknown', `unexpected failure: ${message}`, { cause: thrown });
}
