import { tmpdir } from 'node:os';
import type { Terminal } from './terminal.ts';

/** As shells have it for a process that a closed pipe ended: 128 + SIGPIPE. */
const PIPE_CLOSED = 141;
/** Of the work itself nothing is known: it may have failed. */
const OUTPUT_LOST = 1;

/** The process as a command sees it. `importPackage` is the app's own: packages are looked for beside the file that imports them. */
export function processTerminal(of: NodeJS.Process, importPackage: Terminal['importPackage']): Terminal {
  return {
    stdout: of.stdout,
    stderr: of.stderr,
    cwd: of.cwd(),
    env: of.env,
    scratchFolder: tmpdir(),
    now: () => performance.now(),
    today: () => new Date(),
    onSignal(listener) {
      of.on('SIGINT', listener);
      of.on('SIGTERM', listener);
      return () => {
        of.off('SIGINT', listener);
        of.off('SIGTERM', listener);
      };
    },
    importPackage,
    exitNow: (code) => of.exit(code),
  };
}

/**
 * Ends the process when its output cannot be written. Without a word where whoever read it has gone (`| head`): there is nobody to tell;
 * else, where it is a file on a full disk, with one line.
 */
export function endWithReader(of: NodeJS.Process, command: string): void {
  for (const stream of [of.stdout, of.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') of.exit(PIPE_CLOSED);
      if (stream === of.stdout) of.stderr.write(`${command}: standard output cannot be written (${code ?? message})\n`);
      of.exit(OUTPUT_LOST);
    });
  }
}
