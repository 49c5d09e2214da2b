import { type ErrorCode, StorageError, type StorageErrorDetails } from '@stowage/core';

/** A failed sign-in. The message must be free of secrets already; there is never a cause that came from a service or an SDK, for those carry them. */
export function signInError(code: ErrorCode, message: string, details: StorageErrorDetails = {}): StorageError {
  return new StorageError(code, message, { operation: 'signIn', provider: 'minio', ...details });
}

export function configError(message: string): StorageError {
  return signInError('Config', message);
}

/** The code of a failed call of the operating system (`ENOENT`), or the error's name. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : typeof error;
}
