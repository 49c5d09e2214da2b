import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandContext } from './command-context.ts';

/** Where a command writes what it was asked for. */
export interface OutputFile {
  write(text: string): Promise<void>;
  /** Puts the file in its place; without it, nothing is left of it. */
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** A file that takes its name when it is whole; without a name, standard output. */
export async function outputFile(path: string | undefined, context: CommandContext): Promise<OutputFile> {
  if (path === undefined) return { write: async (text) => context.print(text), keep: () => Promise.resolve(), discard: () => Promise.resolve() };
  const whole = resolve(context.terminal.cwd, path);
  const partial = `${whole}.${randomUUID()}.partial`;
  const handle = await open(partial, 'wx');
  return {
    write: async (text) => {
      await handle.appendFile(text);
    },
    async keep() {
      await handle.sync();
      await handle.close();
      await rename(partial, whole);
    },
    async discard() {
      await handle.close();
      await rm(partial, { force: true });
    },
  };
}
