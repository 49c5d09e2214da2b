/** The latency of a far server in front of a near one, for measurements: a process of its own on core 0, see `latency-proxy.ts`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface LatencyProxy {
  /** `http://127.0.0.1:49152` */
  readonly endpoint: string;
  stop(): Promise<void>;
}

export async function startLatencyProxy(target: string, milliseconds: number): Promise<LatencyProxy> {
  const program = join(import.meta.dirname, 'latency-proxy.ts');
  const child = spawn('taskset', ['-c', '0', process.execPath, program, new URL(target).port, String(milliseconds)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    child.once('close', () => reject(new Error('the latency proxy ended before it began')));
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
