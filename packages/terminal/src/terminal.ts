import type { Writable } from 'node:stream';

/** A stream that may be a terminal. */
export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a command has of the process; `main.ts` fills it in. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where large runs may put a temporary file. */
  readonly scratchFolder: string;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** The time of day. */
  readonly today: () => Date;
  /** Calls back at each signal that asks the command to end; gives the function that ends that. */
  readonly onSignal: (listener: (signal: 'SIGINT' | 'SIGTERM') => void) => () => void;
  /** Imports a package of its name, as `import()` does. */
  readonly importPackage: (name: string) => Promise<unknown>;
  /** Asks the person at the terminal for a line; absent where there is nobody to ask. */
  readonly ask?: (question: string) => Promise<string>;
  /** Ends the process here and now. */
  readonly exitNow: (code: number) => void;
}

/** Writes, and resolves when the stream wants more. */
export function write(stream: Output, text: string): void | Promise<void> {
  if (stream.write(text) || stream.destroyed) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      stream.off('error', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
    stream.on('error', done);
  });
}
