import { type Bucket, type Call, isStorageError, type ObjectInfo, type Revision, sameRevision, StorageError } from '@stowage/core';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CopyAction } from './action.ts';
import { sameContent } from './content-comparison.ts';
import type { PartCopied } from './parts/part-copy.ts';
import type { Stop } from './stop.ts';

/** Attempts at one copy, on top of those that layers make at single requests. */
export const DEFAULT_RETRIES = 3;
/** Where a store asks to slow down, that is no failure: it is asked again for about a quarter of an hour. */
const THROTTLED_RETRIES = 20;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 60_000;

/** Milliseconds until the next attempt; undefined where there is to be none. `attempt` counts from 1. */
export function waitBefore(error: unknown, attempt: number, retries: number, random: () => number = Math.random): number | undefined {
  if (!isStorageError(error) || !error.retryable) return undefined;
  const limit = error.code === 'RateLimited' ? Math.max(retries, retries === 0 ? 0 : THROTTLED_RETRIES) : retries;
  if (attempt > limit) return undefined;
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.max(error.retryAfterMs ?? 0, full / 2 + (full / 2) * random());
}

/** Waits; ends early where the run is to stop. */
export async function pause(ms: number, signal: AbortSignal | undefined, isStopping: () => boolean): Promise<void> {
  const until = performance.now() + ms;
  for (let left = ms; left > 0 && !isStopping(); left = until - performance.now()) {
    try {
      await sleep(Math.min(left, 200), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted === true) return;
      throw error;
    }
  }
}

/**
 * What a write whose answer was lost, or was an error that leaves it open, has come to: settled by looking.
 * - the object, where the destination has the source's content now
 * - `open` where it is as it was listed, or cannot be looked at: the copy may be tried again
 * - `changed` where it is something else: somebody else wrote it
 */
async function lookAtDestination(source: Bucket, destination: Bucket, action: CopyAction, call: Call): Promise<ObjectInfo | 'open' | 'changed'> {
  let found: ObjectInfo;
  try {
    found = await destination.head(action.key, call);
  } catch (error) {
    if (isStorageError(error)) return 'open';
    throw error;
  }
  if (action.kind === 'update' && sameRevision(found.revision, action.destination.revision)) return 'open';
  if (found.size !== action.source.size) return 'changed';
  try {
    const { equal } = await sameContent(source, destination, action.source, found, call);
    return equal ? found : 'changed';
  } catch (error) {
    if (isStorageError(error)) return 'open';
    throw error;
  }
}

/** As a store would say it where the condition on its object does not hold. */
function changedError(action: CopyAction): StorageError {
  return action.kind === 'copy'
    ? new StorageError('AlreadyExists', 'somebody created it since it was listed', { key: action.key })
    : new StorageError('PreconditionFailed', 'somebody wrote it since it was listed', { key: action.key });
}

/** Failures behind which a write may have taken effect. */
function leavesOpen(error: unknown): boolean {
  return isStorageError(error) && (error.code === 'Unavailable' || error.code === 'Timeout');
}

export interface RepeatedCopy {
  readonly source: Bucket;
  readonly destination: Bucket;
  readonly action: CopyAction;
  readonly retries: number;
  readonly signal: AbortSignal | undefined;
  readonly stop: Stop;
  /** Told before each further attempt of the bytes that the last one had sent. */
  readonly onAgain: (sent: number) => void;
}

/** Tries again what may pass. A write that may have taken effect is looked for first: its condition would meet its own effect. */
export async function repeatedCopy(o: RepeatedCopy, attempt: () => Promise<PartCopied>): Promise<PartCopied> {
  const { source, destination, action, retries, signal, stop } = o;
  for (let n = 1; ; n++) {
    const copied = await attempt();
    if (copied.ok || 'interrupted' in copied || signal?.aborted === true) return copied;
    const settled = copied.side === 'destination' ? await settledWrite(source, destination, action, copied.error, signal) : undefined;
    if (settled instanceof StorageError) return { ...copied, error: settled };
    if (settled !== undefined) return { ok: true, sent: copied.sent, revision: settled };
    const wait = waitBefore(copied.error, n, retries);
    if (wait === undefined || stop.cause !== undefined) return copied;
    await pause(wait, signal, () => stop.cause !== undefined);
    if (stop.cause !== undefined) return copied;
    o.onAgain(copied.sent);
  }
}

/** The revision that was written, though its write failed; the failure that it is to count as; undefined where the copy is still to be made. */
export async function settledWrite(
  source: Bucket,
  destination: Bucket,
  action: CopyAction,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<Revision | StorageError | undefined> {
  if (!leavesOpen(error)) return undefined;
  const found = await lookAtDestination(source, destination, action, signal === undefined ? {} : { signal });
  if (found === 'changed') return changedError(action);
  return found === 'open' ? undefined : found.revision;
}
