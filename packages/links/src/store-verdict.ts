import { isStorageError } from '@stowage/core';

/** Why an object cannot be seen: gone, not allowed, or its storage does not answer or cannot be used. */
export type StoreVerdict = 'missing' | 'denied' | 'unreachable' | 'unknown-storage';

/** What a failure of a storage says of the one object that was asked for. Anything but a `StorageError` is thrown on. */
export function judgeStoreError(error: unknown): StoreVerdict {
  if (!isStorageError(error)) throw error;
  switch (error.code) {
    case 'NotFound':
    case 'BucketNotFound':
    // Such a key was never one of this store.
    case 'InvalidKey':
      return 'missing';
    case 'AccessDenied':
    case 'Unauthenticated':
      return 'denied';
    case 'Config':
      return 'unknown-storage';
    default:
      return 'unreachable';
  }
}
