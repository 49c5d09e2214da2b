import { pick } from './pick.ts';
import { shownKey } from './wording/shown-key.ts';

/**
 * The kinds of failure, closed: a caller can switch over them. They name what went wrong, never which operation it was.
 *
 * - `NotFound` no object at the key; `BucketNotFound` no such bucket, container or folder
 * - `AlreadyExists` `if: 'absent'` met an object; `PreconditionFailed` another condition did not hold; `NotModified` a read condition says the caller's copy is current
 * - `KeyConflict` the store cannot hold this key beside one that it holds (`a` beside `a/b` on a disk, `A` beside `a` on a disk that folds case)
 * - `InvalidKey` `InvalidRange` `InvalidArgument` `InvalidLink` the request can never succeed as it stands
 * - `AccessDenied` known, but not allowed; `Unauthenticated` not known: wrong or expired credentials
 * - `RateLimited` the store asks to slow down; `Unavailable` it failed or cannot be reached; `Timeout` it did not answer in time
 * - `OutOfSpace` the disk or the quota is full
 * - `ChecksumMismatch` the bytes are not those that were expected
 * - `Unsupported` this provider or driver has no such feature
 * - `Config` configuration that cannot be used
 * - `Unknown` none of these: see `cause`
 */
export type ErrorCode =
  | 'NotFound'
  | 'BucketNotFound'
  | 'AlreadyExists'
  | 'PreconditionFailed'
  | 'NotModified'
  | 'KeyConflict'
  | 'InvalidKey'
  | 'InvalidRange'
  | 'InvalidArgument'
  | 'InvalidLink'
  | 'AccessDenied'
  | 'Unauthenticated'
  | 'RateLimited'
  | 'Unavailable'
  | 'Timeout'
  | 'OutOfSpace'
  | 'ChecksumMismatch'
  | 'Unsupported'
  | 'Config'
  | 'Unknown';

/** Codes that a repetition may cure, unless the thrower knows better. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['RateLimited', 'Unavailable', 'Timeout']);

/** What is known of a failure beside its code. */
export interface StorageErrorDetails {
  /** The method that failed: `head`, `get`, `put`, `list`, `copy`, `delete`, … */
  readonly operation?: string;
  /** The provider's name, as in configuration: `minio`, `azure`, `google`, `fs`, `memory`. */
  readonly provider?: string;
  readonly bucket?: string;
  /** Of a key that is an http URL, the error keeps what is before the query: signatures stand behind it. */
  readonly key?: string;
  /** Whether the same call may succeed later. Default: true for `RateLimited`, `Unavailable` and `Timeout`. */
  readonly retryable?: boolean;
  /** How many attempts were made in all. Default 1. */
  readonly attempts?: number;
  /** The HTTP status, where there was one. */
  readonly status?: number;
  /** The store's own id of the request, for its support desk. */
  readonly requestId?: string;
  /** How long the store asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The error underneath. It must hold no secret: drivers redact before they wrap. */
  readonly cause?: unknown;
}

/**
 * Every failure of a storage operation. An abort is none: it rethrows `signal.reason` untouched.
 *
 * `message` says what, where, expected, got and what to do, in one line that holds no secret.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: ErrorCode;
  readonly operation: string;
  readonly provider: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly retryable: boolean;
  readonly attempts: number;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: StorageErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.operation = details.operation ?? '';
    this.provider = details.provider ?? '';
    this.bucket = details.bucket;
    this.key = details.key === undefined ? undefined : shownKey(details.key);
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    this.attempts = details.attempts ?? 1;
    this.status = details.status;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The same failure with more known of it; what is known already stays, but for `attempts`. */
  with(details: StorageErrorDetails | StorageError): StorageError {
    const more = new StorageError(this.code, this.message, {
      operation: this.operation || details.operation || '',
      provider: this.provider || details.provider || '',
      ...pick('bucket', this.bucket ?? details.bucket),
      ...pick('key', this.key ?? details.key),
      retryable: this.retryable,
      attempts: details.attempts ?? this.attempts,
      ...pick('status', this.status ?? details.status),
      ...pick('requestId', this.requestId ?? details.requestId),
      ...pick('retryAfterMs', this.retryAfterMs ?? details.retryAfterMs),
      ...pick('cause', this.cause ?? details.cause),
    });
    if (this.stack !== undefined) more.stack = this.stack;
    return more;
  }

  /** The same failure, told of another key: a layer that translates keys gives its user's own. */
  withKey(key: string): StorageError {
    const { operation, provider, retryable, attempts } = this;
    const moved = new StorageError(this.code, this.message, { operation, provider, retryable, attempts, key });
    return moved.with(this);
  }

  /** Plain data for logs: everything but stack and cause. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, operation, provider, bucket, key, retryable, attempts, status, requestId, retryAfterMs } = this;
    return { name, code, message, operation, provider, bucket, key, retryable, attempts, status, requestId, retryAfterMs };
  }
}

/** Whether the value is a {@link StorageError}, also one made by another copy of this package, and of that code if one is named. */
export function isStorageError(value: unknown, code?: ErrorCode): value is StorageError {
  return value instanceof Error && value.name === 'StorageError' && 'code' in value && (code === undefined || value.code === code);
}
