import type { CommandContext } from './command-context.ts';
import { SIGNAL_EXIT } from './exit-code.ts';

export interface HeededSignals {
  /** The exit code of the signal that came; undefined where none did. */
  code(): number | undefined;
  end(): void;
}

/** The first signal lets what is under way finish, the second ends the process. */
export function heedSignals(context: CommandContext, stop: () => void): HeededSignals {
  let code: number | undefined;
  const end = context.terminal.onSignal((signal) => {
    if (code !== undefined) context.terminal.exitNow(SIGNAL_EXIT[signal]);
    code = SIGNAL_EXIT[signal];
    stop();
    context.tell(`stopping: what is under way will be finished; ${signal === 'SIGINT' ? 'Ctrl-C again' : 'another signal'} ends it at once`);
  });
  return { code: () => code, end };
}
