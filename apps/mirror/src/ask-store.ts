import { CommandError, type Terminal } from '@stowage/terminal';
import { EXIT } from './exit-code.ts';

/** A store that takes connections and answers nothing is given up. */
const PATIENCE_MS = 30_000;

/** Asks a store something, for as long as it has patience: the answer, or the exit code of the signal that ended it. Throws `CommandError` for silence. */
export async function askStore<T>(link: string, { onSignal }: Terminal, ask: (signal: AbortSignal) => Promise<T>): Promise<{ readonly answer: T } | number> {
  const interrupted = new AbortController();
  let code: number | undefined;
  const heedless = onSignal((signal) => {
    code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    interrupted.abort();
  });
  const late = AbortSignal.timeout(PATIENCE_MS);
  try {
    return { answer: await ask(AbortSignal.any([interrupted.signal, late])) };
  } catch (error) {
    if (code !== undefined) return code;
    if (late.aborted) throw new CommandError(`${JSON.stringify(link)}: the store did not answer within ${PATIENCE_MS / 1000} s`, EXIT.destination, error);
    throw error;
  } finally {
    heedless();
  }
}
