import { type ErrorCode, StorageError } from '@stowage/core';
import { retryAfterMs } from './http-time.ts';

/** What a request was, for the words of its error. A store's own context has more. */
export interface RequestContext {
  /** The method that failed. */
  readonly operation: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  /** As messages name it. */
  readonly endpoint: string;
  /** The condition that the request carried. */
  readonly condition?: 'absent' | 'revision' | undefined;
  /** Whether the caller named the checksum that was compared: sending again cannot help then. */
  readonly ownChecksum?: boolean | undefined;
}

/** What any store's answer tells beside its own code and words. */
export interface RefusedAnswer {
  readonly status?: number | undefined;
  /** The `Retry-After` header: seconds or a date. */
  readonly retryAfter?: string | undefined;
  readonly requestId?: string | undefined;
}

/** The error of a request that was refused, or was not answered as it should be. `message` must hold no secret. */
export function refusal(provider: string, code: ErrorCode, message: string, answer: RefusedAnswer, context: RequestContext): StorageError {
  const { status, requestId } = answer;
  const { operation, bucket, key } = context;
  const wait = retryAfterMs(answer.retryAfter);
  return new StorageError(code, message, {
    operation,
    provider,
    bucket,
    ...(key === undefined ? {} : { key }),
    ...(status === undefined ? {} : { status }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    // What was damaged on its way arrives whole the next time; what the caller named wrongly never does.
    ...(code === 'ChecksumMismatch' ? { retryable: context.ownChecksum !== true } : {}),
  });
}

/** What a status says where the store's own code is missing or new. 400 says nothing: each store has its own reasons for it. */
export function codeOfStatus(status: number): ErrorCode {
  if (status === 404) return 'NotFound';
  if (status === 304) return 'NotModified';
  if (status === 412) return 'PreconditionFailed';
  if (status === 416) return 'InvalidRange';
  if (status === 401) return 'Unauthenticated';
  if (status === 403) return 'AccessDenied';
  if (status === 429) return 'RateLimited';
  if (status === 408 || status === 500 || status === 502 || status === 503 || status === 504) return 'Unavailable';
  if (status === 507) return 'OutOfSpace';
  if (status === 501 || status === 405) return 'Unsupported';
  if (status >= 300 && status < 400) return 'Config';
  return 'Unknown';
}
