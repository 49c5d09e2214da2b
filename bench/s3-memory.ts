/**
 * Peak memory of a client process over large objects: what the built packages hold, with Node itself.
 *
 *   node bench/s3-memory.ts [up|down …]
 *
 * `up`: 5 GiB through standard input, whose length the client does not know. `down`: 1 GiB. MinIO runs on core 0, the client on core 1.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { startMinio } from '@stowage/test-servers';
import { pinned } from './pinned.ts';

const GIB = 1024 ** 3;
const RUNS = 3;
/** What the work may take at most, in bytes of resident memory. */
const LIMIT = 200_000_000;

const chosen = process.argv.slice(2);
await using server = await startMinio({ buckets: ['bench'] });
pinned(server.pid, 0);
for (const [name, bytes] of [
  ['up', 5 * GIB],
  ['down', GIB],
] as const) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  if (name === 'down') await client('stream', bytes);
  for (let run = 1; run <= RUNS; run++) {
    const { done, peakMiB } = await client(name === 'up' ? 'stream' : 'read', bytes);
    const peak = peakMiB * 1024 ** 2;
    console.log(
      `${name}: ${(done / GIB).toFixed(1)} GiB, peak ${peakMiB} MiB (${Math.round(peak / 1e6)} MB, ${peak < LIMIT ? 'under' : 'ABOVE'} ${LIMIT / 1e6} MB)`,
    );
    if (done !== bytes) throw new Error(`expected ${bytes} bytes, got ${done}`);
    if (peak >= LIMIT) process.exitCode = 1;
  }
}

/** The client's own account of one piece of work. */
async function client(work: 'stream' | 'read', bytes: number): Promise<{ done: number; peakMiB: number }> {
  const program = [process.execPath, join(import.meta.dirname, 's3-client.mjs'), server.endpoint, 'bench', work];
  const source = work === 'stream' ? `yes stowage | head -c ${bytes} | ` : '';
  const child = spawn('bash', ['-c', `${source}taskset -c 1 ${program.join(' ')}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the client ended with ${String(code)}`);
  return JSON.parse(said) as { done: number; peakMiB: number };
}
