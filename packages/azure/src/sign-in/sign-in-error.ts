import { type ErrorCode, StorageError, type StorageErrorDetails } from '@stowage/core';

/** A failed sign-in. The message must be free of secrets already; there is never a cause that came from a service, for those carry them. */
export function signInError(code: ErrorCode, message: string, details: StorageErrorDetails = {}): StorageError {
  return new StorageError(code, message, { operation: 'signIn', provider: 'azure', ...details });
}

export function configError(message: string): StorageError {
  return new StorageError('Config', message, { provider: 'azure' });
}
