import type { CopyOutcome, DeleteOutcome, Layer } from '../driver.ts';
import { isStorageError } from '../storage-error.ts';
import { type Around, aroundDriver } from './around.ts';
import { waitTimer } from './wait-timer.ts';

/** How long calls are kept back. */
export interface ThrottleOptions {
  /** Most milliseconds of one pause, also where the store asks for more. Default 30,000. */
  readonly maxPauseMs?: number;
  /** Waits. Default: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Milliseconds of a clock that only goes forward. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * When a store refuses a call and asks to wait (Retry-After), no further call begins before that time is over; those under way go on.
 * Nothing is repeated here: that is what `retryLayer` does, which belongs outside of this one.
 *
 * One layer is one pause: share it between the buckets of an endpoint, for a store counts the requests of all of them. A call that is
 * aborted while it waits rejects with the signal's reason, and sends nothing.
 */
export function throttleLayer({ maxPauseMs = 30_000, wait = waitTimer, now = (): number => performance.now() }: ThrottleOptions = {}): Layer {
  let until = 0;
  const heed = (error: unknown): void => {
    if (isStorageError(error) && error.retryAfterMs !== undefined) until = Math.max(until, now() + Math.min(error.retryAfterMs, maxPauseMs));
  };
  const around: Around = async (call, o, run) => {
    // Others may be refused meanwhile, which makes it longer.
    for (let left = until - now(); left > 0; left = until - now()) await wait(left, o.signal);
    try {
      const result = await run(o);
      if (BATCHES.has(call.operation)) for (const outcome of result as readonly (CopyOutcome | DeleteOutcome)[]) if (!outcome.ok) heed(outcome.error);
      return result;
    } catch (error) {
      heed(error);
      throw error;
    }
  };
  return (inner) => aroundDriver(inner, { around });
}

/** Their failures are told as results, one for each item. */
const BATCHES: ReadonlySet<string> = new Set(['copy', 'delete']);
