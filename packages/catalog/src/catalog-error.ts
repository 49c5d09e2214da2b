/**
 * What went wrong, closed:
 * - `NotFound` no such project, dataset, entity or run, or no catalog where one was to be opened
 * - `AlreadyExists` the name is taken
 * - `InvalidArgument` the call can never succeed as it stands
 * - `Locked` another process kept the catalog longer than the time limit; `retryable`
 * - `NewerSchema` the catalog was made by a newer version of Stowage
 * - `NotACatalog` the file or the database's schema is something else
 * - `AccessDenied` known, but not allowed; `Unauthenticated` user or password are wrong
 * - `Unavailable` the database cannot be reached or went away: the transaction under way was not kept; `retryable`
 * - `OutOfSpace` the disk is full; nothing of the transaction was kept
 * - `Damaged` the file is not readable as a database any more
 * - `Closed` the catalog was closed
 * - `Unknown` none of these: see `cause`
 */
export type CatalogErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'InvalidArgument'
  | 'Locked'
  | 'NewerSchema'
  | 'NotACatalog'
  | 'AccessDenied'
  | 'Unauthenticated'
  | 'Unavailable'
  | 'OutOfSpace'
  | 'Damaged'
  | 'Closed'
  | 'Unknown';

const RETRYABLE: ReadonlySet<CatalogErrorCode> = new Set(['Locked', 'Unavailable']);

/** Every failure of a catalog but an abort, which rethrows the signal's reason. The message is one line that says what to do and holds no password. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  readonly code: CatalogErrorCode;
  /** Whether the same call may succeed later: nothing of it was kept. */
  readonly retryable: boolean;

  constructor(code: CatalogErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}

/** Whether the value is a {@link CatalogError}, also one made by another copy of this package, and of that code if one is named. */
export function isCatalogError(value: unknown, code?: CatalogErrorCode): value is CatalogError {
  return value instanceof Error && value.name === 'CatalogError' && 'code' in value && (code === undefined || value.code === code);
}
