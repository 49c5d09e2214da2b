import { type Bucket, isStorageError, type UploadRef } from '@stowage/core';
import type { UnfinishedUploads, UploadIntent } from '../journal/unfinished-uploads.ts';

/**
 * How far the store's clock may be from this one's for an upload whose name was never heard to be known by its time. What is further
 * away stays.
 */
const CLOCKS_APART_MS = 60_000;

/**
 * Removes the unfinished uploads of this pair that no run will go on with: those that the journal names, and those that it asked for
 * and heard no answer of, which are known by key and time. Those of others stay. What cannot be removed stays for the next run.
 *
 * @param all whether every upload that is open now is one of these: the run has copied all there was to copy
 */
export async function sweepUploads(destination: Bucket, uploads: UnfinishedUploads, all: boolean, notice: (text: string) => void): Promise<void> {
  try {
    for (const ref of uploads.orphans(all)) {
      await remove(destination, ref);
      uploads.ended(ref);
    }
    for (const intent of uploads.intents()) {
      await removeUnheard(destination, uploads, intent);
      uploads.forgetIntent(intent);
    }
  } catch (error) {
    if (!isStorageError(error)) throw error;
    notice(`an unfinished upload of an earlier run could not be removed (${error.message}); the next run tries again`);
  }
}

/** False where the store knew no more of it. */
async function remove(destination: Bucket, ref: UploadRef): Promise<boolean> {
  try {
    const upload = await destination.resumeUpload(ref);
    await upload.abort();
    return true;
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return false;
    throw error;
  }
}

async function removeUnheard(destination: Bucket, uploads: UnfinishedUploads, { key, at }: UploadIntent): Promise<void> {
  const candidates: UploadRef[] = [];
  for await (const ref of destination.listUploads({ prefix: key })) {
    const apart = ref.startedAt === undefined ? Number.POSITIVE_INFINITY : Math.abs(Date.parse(ref.startedAt) - at);
    if (ref.key === key && apart <= CLOCKS_APART_MS && !uploads.knows(ref)) candidates.push(ref);
  }
  // One was asked for: of several, the nearest in time that there is. The others are other runs' own to answer for, or somebody else's.
  // (MinIO goes on listing an upload whose completion nobody heard of, and knows no more of it.)
  candidates.sort((a, b) => distance(a, at) - distance(b, at));
  for (const candidate of candidates) if (await remove(destination, candidate)) return;
}

function distance({ startedAt = '' }: UploadRef, at: number): number {
  return Math.abs(Date.parse(startedAt) - at);
}
