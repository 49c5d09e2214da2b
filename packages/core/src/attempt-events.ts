import { channel, type Channel } from 'node:diagnostics_channel';
import type { BucketDriver } from './driver.ts';
import { type Around, aroundDriver } from './layers/around.ts';
import { isStorageError, type ErrorCode } from './storage-error.ts';
import { shownKey } from './wording/shown-key.ts';

/** Name of the `node:diagnostics_channel` on which every attempt at an operation of every bucket is told, when it has ended. */
export const ATTEMPT_CHANNEL = 'stowage:attempt';

/** One attempt: each retry is one of its own, and so is each page of a listing. Reading a body comes behind the attempt that opened it. */
export interface AttemptEvent {
  readonly provider: string;
  readonly bucket: string;
  readonly operation: string;
  /** Of a key that is an http URL only what is before the query. */
  readonly key: string | undefined;
  /** From 1. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly outcome: 'ok' | 'aborted' | ErrorCode;
  /** HTTP status of a failure, where there was one. */
  readonly status: number | undefined;
}

const attempts: Channel = channel(ATTEMPT_CHANNEL);

/** Tells each attempt on {@link ATTEMPT_CHANNEL}; costs next to nothing while nobody listens. `Bucket` applies it, next to the driver. */
export function withAttemptEvents(inner: BucketDriver): BucketDriver {
  const around: Around = async (call, o, run) => {
    if (!attempts.hasSubscribers) return run(o);
    const began = performance.now();
    const publish = (outcome: AttemptEvent['outcome'], status?: number): void => {
      const { provider, bucket } = inner;
      const { operation } = call;
      const key = call.key === undefined ? undefined : shownKey(call.key);
      const event: AttemptEvent = { provider, bucket, operation, key, attempt: o.attempt ?? 1, durationMs: performance.now() - began, outcome, status };
      attempts.publish(event);
    };
    try {
      const result = await run(o);
      publish('ok');
      return result;
    } catch (error) {
      if (isStorageError(error)) publish(error.code, error.status);
      else publish(o.signal?.aborted === true ? 'aborted' : 'Unknown');
      throw error;
    }
  };
  return aroundDriver(inner, { around });
}
