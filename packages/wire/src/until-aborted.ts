/** The work's end, or the signal's reason if that comes first: what serves others, too, goes on, and who aborts does not wait for it. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Runs the work for `ms` milliseconds at most, and throws what `late` makes where that is over, or the signal's reason. What ignores
 * the signal that it is given (a read of a file that never ends) is left behind.
 */
export async function withinDeadline<T>(signal: AbortSignal | undefined, ms: number, late: () => Error, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(late()), ms);
  const both = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    return await untilAborted(run(both), both);
  } catch (error) {
    // Whatever an aborted step throws, the caller learns why it was ended.
    both.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
