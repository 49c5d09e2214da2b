import type { Terminal } from '@stowage/terminal';
import { Writable } from 'node:stream';
import { tmpdir } from 'node:os';
import { assertBalanced } from './command.ts';

/** Keeps what is written to it. */
export class Sink extends Writable {
  text = '';
  constructor() {
    super({ decodeStrings: false });
  }
  override _write(chunk: string, _encoding: string, done: () => void): void {
    assertBalanced(chunk);
    this.text += chunk;
    done();
  }
}

/** A process that a command is told it runs in: without an environment, and with the packages that a test says are installed. */
export function fakeTerminal(
  cwd: string,
  importPackage: Terminal['importPackage'],
  env: Terminal['env'] = {},
): Terminal & { readonly stdout: Sink; readonly stderr: Sink } {
  return {
    stdout: new Sink(),
    stderr: new Sink(),
    cwd,
    env,
    scratchFolder: tmpdir(),
    now: () => performance.now(),
    today: () => new Date(),
    onSignal: () => () => undefined,
    importPackage,
    exitNow: (code) => {
      throw new Error(`the command ended the process with ${code}`);
    },
  };
}
