import { isStorageError, StorageError, type StorageErrorDetails } from '@stowage/core';
import { type Access, faultOf } from './fault.ts';

/** Where a failure happened. */
export interface FailurePlace {
  readonly operation: string;
  readonly bucket: string;
  readonly key?: string;
}

/** Operations to which a folder where a file is asked for is a conflict, not an absence. */
const WRITES: ReadonlySet<string> = new Set(['put', 'copy', 'upload', 'complete', 'part']);

/** A failure of the file system, or of this package's rules, as a `StorageError`. An abort's reason is none and comes back as it is. */
export function toStorageError(error: unknown, place: FailurePlace, signal?: AbortSignal): unknown {
  if (signal?.aborted === true && error === signal.reason) return error;
  const details: StorageErrorDetails = { ...place, provider: 'fs' };
  if (isStorageError(error)) return error instanceof StorageError ? error.with(details) : error;
  const access: Access = WRITES.has(place.operation) ? 'write' : 'read';
  const fault = faultOf(error, access);
  const what = place.key === undefined ? `bucket ${JSON.stringify(place.bucket)}` : JSON.stringify(place.key);
  return new StorageError(fault.code, `${what}: ${fault.message}`, {
    ...details,
    retryable: fault.retryable,
    ...(fault.cause === undefined ? {} : { cause: fault.cause }),
  });
}
