import type { ErrorCode } from '@stowage/core';
import { errno } from './file-system.ts';

/**
 * A failure in Stowage's words, thrown where `@stowage/core` cannot be loaded: worker threads run these files by themselves.
 * The driver makes a `StorageError` of it.
 */
export class FsFault extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  constructor(code: ErrorCode, message: string, retryable: boolean = code === 'Unavailable', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
  }
}

/** Which side of a file an operation is on: a missing folder is no object to a reader and a fault to a writer. */
export type Access = 'read' | 'write';

/** What an error of the file system means, in Stowage's words. Errors of other kinds come back as `Unknown`. */
export function faultOf(error: unknown, access: Access): FsFault {
  if (error instanceof FsFault) return error;
  const code = errno(error);
  const text = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'ENOENT':
      return new FsFault('NotFound', 'there is no file for it', false, error);
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENOTEMPTY':
      return access === 'read'
        ? new FsFault('NotFound', 'there is no file for it', false, error)
        : new FsFault('KeyConflict', 'a folder lies where its file would be, or a file where its folder would be; a disk holds one of them', false, error);
    case 'ENAMETOOLONG':
      return new FsFault('InvalidKey', 'the disk cannot hold a name or path of this length', false, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new FsFault('AccessDenied', `the disk refuses it (${text}); look at owner, permissions and mount options`, false, error);
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new FsFault('OutOfSpace', `the disk or the quota is full (${code}); make room and try again`, false, error);
    case 'EMFILE':
    case 'ENFILE':
      return new FsFault('Unavailable', `too many files are open (${code}); raise the limit (ulimit -n) or lower the concurrency`, true, error);
    case 'EAGAIN':
    case 'EBUSY':
    case 'ENOMEM':
    case 'EINTR':
    case 'ESTALE':
      return new FsFault('Unavailable', `the disk cannot do it now (${text})`, true, error);
    case 'EIO':
      return new FsFault('Unavailable', `the disk failed (${text}); look at its health`, false, error);
    case 'ELOOP':
      return new FsFault('AccessDenied', 'a symbolic link lies on its path; links are not followed there', false, error);
    default:
      return new FsFault('Unknown', text, false, error);
  }
}
