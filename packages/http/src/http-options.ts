import { StorageError } from '@stowage/core';
import { guardLimits } from './guarded-fetch/guard-options.ts';
import { GuardPolicy } from './guarded-fetch/guard-policy.ts';
import type { GuardOptions } from './guarded-fetch/index.ts';

/** How public links are read. What may be reached is the guard's to say: see {@link GuardOptions}. */
export interface HttpOptions extends GuardOptions {
  /**
   * From a server that ignores ranges, a range is cut out of the whole: at most so many bytes before its start are read for nothing.
   * More is `Unsupported`. Default 16 MiB.
   */
  readonly maxSkippedBytes?: number;
  /** Headers for every request, such as `user-agent`; told to the link's own origin alone. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
}

const DEFAULT_SKIPPED = 16 * 1024 * 1024;

/** Throws `Config` for options that no driver can be made with. */
export function assertUsable(options: HttpOptions): GuardPolicy {
  maxSkipped(options);
  guardLimits(options);
  return new GuardPolicy(options);
}

export function maxSkipped({ maxSkippedBytes = DEFAULT_SKIPPED }: HttpOptions): number {
  if (!Number.isSafeInteger(maxSkippedBytes) || maxSkippedBytes < 0)
    throw new StorageError('Config', `expected "maxSkippedBytes" to be a whole number, 0 or more; got ${maxSkippedBytes}`, { provider: 'http' });
  return maxSkippedBytes;
}
