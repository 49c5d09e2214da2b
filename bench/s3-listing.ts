/**
 * A listing of 1,000,000 keys: the library beside the tools that people run.
 *
 *   node bench/s3-listing.ts [keys]
 *
 * The server is `listing-server.mjs`, on core 0; each client is on core 1.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { paired, report } from './paired.ts';
import { findPeers } from './peers.ts';
import { libraryTool, s3Tools } from './s3-peers.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 5);
const keys = Number(process.argv[2] ?? 1_000_000);

const root = mkdtempSync(join(tmpdir(), 'stowage-bench-'));
const server = spawn('taskset', ['-c', '0', process.execPath, join(import.meta.dirname, 'listing-server.mjs'), String(keys)], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const port = await new Promise<number>((resolve, reject) => {
    server.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    server.once('close', () => reject(new Error('the listing server ended')));
  });
  const { found, missing } = await findPeers();
  const target = { endpoint: `http://127.0.0.1:${port}`, accessKeyId: 'bench', secretAccessKey: 'bench-secret', region: 'us-east-1' };
  console.log(`node ${process.version}; the server on core 0, clients on core 1; ${RUNS} runs each, in turn; ratios to the first line`);
  for (const { program, version } of found) console.log(`${program} ${version}`);
  for (const { program, reason } of missing) console.log(`${program} is left out: ${reason}`);
  const contestants = [libraryTool(target), ...s3Tools(target, root, found)].flatMap(({ name, list }) =>
    list === undefined ? [] : [{ name, command: (): string => list('keys') }],
  );
  report(`${keys} keys listed`, await paired(contestants, RUNS));
} finally {
  server.stdin.end();
  rmSync(root, { recursive: true, force: true });
}
