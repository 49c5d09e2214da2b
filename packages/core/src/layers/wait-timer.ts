import { setTimeout as sleep } from 'node:timers/promises';

/** Waits by a timer; an abort rejects with the signal's own reason. */
export async function waitTimer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    // The timer rejects with an error of its own.
    if (signal?.aborted === true) throw signal.reason;
    throw error;
  }
}
