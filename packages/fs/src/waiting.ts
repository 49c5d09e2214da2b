import { setTimeout as sleep } from 'node:timers/promises';
import { FsFault } from './fault.ts';

/** A lock is held for microseconds; who waits this long waits for a process that was stopped. */
const PATIENCE_MS = 30_000;

/** Tries until it is no longer `busy`; ends early when the signal does. */
export async function whileBusy<T>(attempt: () => T | 'busy', signal: AbortSignal | undefined): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (let tries = 0; ; tries++) {
    const outcome = attempt();
    if (outcome !== 'busy') return outcome;
    if (Date.now() > until) throw stuck();
    await sleep(pause(tries));
    signal?.throwIfAborted();
  }
}

/** As {@link whileBusy}, holding up the thread: for worker threads. */
export function whileBusySync<T>(attempt: () => T | 'busy'): T {
  const until = Date.now() + PATIENCE_MS;
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; ; tries++) {
    const outcome = attempt();
    if (outcome !== 'busy') return outcome;
    if (Date.now() > until) throw stuck();
    Atomics.wait(never, 0, 0, pause(tries));
  }
}

/** 1 to 16 ms, spread, so that those who wait do not meet again. */
function pause(tries: number): number {
  return Math.random() * Math.min(16, 2 ** (tries / 4)) + 0.5;
}

function stuck(): FsFault {
  return new FsFault('Unavailable', `another process holds its lock for ${PATIENCE_MS / 1000} s; see .stowage/locks in the bucket's folder`, true);
}
