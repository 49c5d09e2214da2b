import { setImmediate as turn } from 'node:timers/promises';
import { fail, told } from './expectations.ts';

/**
 * Runs the work and fails where a promise was rejected meanwhile that nobody looked at. Runners listen for these themselves, and
 * would blame the whole file: their listeners step aside until the work is done.
 */
export async function withoutUnhandledRejection(work: () => Promise<void>, what: string): Promise<void> {
  const others = process.listeners('unhandledRejection');
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listener);
  try {
    await work();
    // Rejections are told after the microtasks of a turn of the event loop; some timers of a store come a turn later.
    for (let i = 0; i < 5; i++) await turn();
  } finally {
    process.off('unhandledRejection', listener);
    for (const other of others) process.on('unhandledRejection', other);
  }
  if (unhandled.length > 0) fail(`${what}: expected no unhandled rejection; got ${unhandled.length}, the first: ${told(unhandled[0])}`, unhandled.length, 0);
}
