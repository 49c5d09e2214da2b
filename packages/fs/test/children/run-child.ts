import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Child {
  readonly pid: number;
  /** Resolves with what it printed, when it has ended well. */
  readonly ended: Promise<string>;
  /** Resolves when it has printed anything. */
  readonly started: Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Runs a script of this folder, from its source. */
export function runChild(name: string, ...args: string[]): Child {
  const child = spawn(process.execPath, ['--conditions=@stowage/source', join(import.meta.dirname, name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  const started = Promise.withResolvers<void>();
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    started.resolve();
  });
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const ended = exit.then(([code]) => {
    if (code !== 0) {
      const failure = new Error(`${name} ended with ${code}: ${errors}`);
      started.reject(failure);
      throw failure;
    }
    return output;
  });
  ended.catch(() => undefined); // Who kills it does not wait for a good end.
  started.promise.catch(() => undefined); // Nor need anybody wait for its start.
  return {
    pid: child.pid ?? 0,
    ended,
    started: started.promise,
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
