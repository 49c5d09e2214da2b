import { CommandError, type Terminal, write } from '@stowage/terminal';
import { eventLine } from './json-events.ts';

/** Does the work; with `--json`, what is refused is told as the last event, too. */
export async function withErrorEvent<T>({ json }: { readonly json: boolean }, { stdout, today }: Terminal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (json && error instanceof CommandError) {
      const { exitCode, message } = error;
      await write(stdout, eventLine({ event: 'error', time: today().toISOString(), exitCode, message }));
    }
    throw error;
  }
}
