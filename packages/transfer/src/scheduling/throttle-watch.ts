import { ATTEMPT_CHANNEL, type AttemptEvent, type Bucket } from '@stowage/core';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Hears each time that one of these stores asks to slow down, also where a layer beneath tries again by itself. */
export function watchThrottles(buckets: readonly Bucket[], heard: () => void): () => void {
  const listener = (message: unknown): void => {
    const { provider, bucket, outcome, status } = message as AttemptEvent;
    const slowDown = outcome === 'RateLimited' || status === 429 || status === 503;
    if (slowDown && buckets.some((one) => one.provider === provider && one.name === bucket)) heard();
  };
  subscribe(ATTEMPT_CHANNEL, listener);
  return () => void unsubscribe(ATTEMPT_CHANNEL, listener);
}
