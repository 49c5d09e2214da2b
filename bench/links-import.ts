/**
 * `stowage-links import`: time and memory of a million links without verification, and of the same again; and how many links a
 * second are seen to over 30 ms of latency, with the requests at once counted. Build first.
 *
 * node --conditions=@stowage/source bench/links-import.ts [plain|head]
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setInterval as every } from 'node:timers';
import { openBucket } from '@stowage/core';
import { minioDriver } from '@stowage/minio';
import { startCountingProxy, startMinio } from '@stowage/test-servers';

const MAIN = join(import.meta.dirname, '../apps/links-importer/dist/main.js');
const PLAIN_LINKS = 1_000_000;
const HEAD_LINKS = 20_000;
const LATENCY_MS = 30;
const REQUESTS = 64;
const MIB = 1024 * 1024;

const [, , only] = process.argv;
const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'stowage-links-bench-'));
try {
  if (only === undefined || only === 'plain') await plain();
  if (only === undefined || only === 'head') await head();
} finally {
  rmSync(folder, { recursive: true });
}

async function plain(): Promise<void> {
  writeConfig('http://127.0.0.1:9');
  writeLinks('plain.txt', PLAIN_LINKS);
  console.log(`${PLAIN_LINKS.toLocaleString('en')} links, --verify none, SQLite, node ${process.version}`);
  for (const what of ['first import', 'the same again']) {
    const { seconds, cpuSeconds, peakBytes, summary } = await run(['import', 'plain.txt', '--project', 'Plain', '--verify', 'none']);
    console.log(
      `${what.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${cpuSeconds.toFixed(1).padStart(6)} s of CPU  ${Math.round(peakBytes / MIB)} MiB  ${summary}`,
    );
  }
}

async function head(): Promise<void> {
  await using server = await startMinio({ buckets: ['cars'] });
  const { accessKeyId, secretAccessKey, region } = server;
  const driver = minioDriver({ endpoint: server.endpoint, region, credentials: { accessKeyId, secretAccessKey } }, 'cars');
  await using bucket = openBucket(driver);
  const keys = Array.from({ length: HEAD_LINKS }, (_, i) => keyOf(i));
  // Before the proxy: they are there to be asked for, not to be timed.
  for (let at = 0; at < keys.length; at += REQUESTS) await Promise.all(keys.slice(at, at + REQUESTS).map((key) => bucket.put(key, 'x')));
  await using proxy = await startCountingProxy(server.endpoint, { delayMs: LATENCY_MS });
  writeConfig(proxy.endpoint, { accessKeyId, secretAccessKey, region });
  writeLinks('head.txt', HEAD_LINKS);
  console.log(`${HEAD_LINKS.toLocaleString('en')} links, --verify head, MinIO behind ${LATENCY_MS} ms, ${REQUESTS} requests at once`);
  const before = { proxy: cpuSecondsOf(process.pid), store: cpuSecondsOf(server.pid) };
  const { seconds, cpuSeconds, peakBytes, summary } = await run(['import', 'head.txt', '--project', 'Head', '--requests', String(REQUESTS)]);
  const { mostAtOnce, requests } = proxy.counts();
  console.log(
    `${Math.round(HEAD_LINKS / seconds).toLocaleString('en')} links a second, ${requests.toLocaleString('en')} requests, at most ${mostAtOnce} at once, ${Math.round(peakBytes / MIB)} MiB  ${summary}`,
  );
  // Where all three share a machine, what the client itself takes tells how many it could see to elsewhere.
  const each = (all: number): string => ((all * 1000) / HEAD_LINKS).toFixed(2);
  const [proxyCpu, storeCpu] = [cpuSecondsOf(process.pid) - before.proxy, cpuSecondsOf(server.pid) - before.store];
  console.log(`seconds of CPU for 1,000 links: ${each(cpuSeconds)} the command, ${each(proxyCpu)} the proxy, ${each(storeCpu)} MinIO`);
  if (mostAtOnce > REQUESTS) throw new Error(`${mostAtOnce} requests were under way at once; ${REQUESTS} are allowed`);
}

function keyOf(i: number): string {
  return `images/original/${i % 97}/${i % 13}/photo-${i}.jpg`;
}

function writeLinks(name: string, count: number): void {
  const file = openSync(join(folder, name), 'w');
  for (let at = 0; at < count; at += 10_000)
    writeSync(file, Array.from({ length: Math.min(10_000, count - at) }, (_, i) => `s3://cars/${keyOf(at + i)}\n`).join(''));
  closeSync(file);
}

function writeConfig(endpoint: string, keys = { accessKeyId: 'nobody', secretAccessKey: 'nothing-1', region: 'us-east-1' }): void {
  const { accessKeyId, secretAccessKey, region } = keys;
  const lines = [
    'cars:',
    '  provider: minio',
    `  endpoint: ${endpoint}`,
    `  region: ${region}`,
    `  access_key: ${accessKeyId}`,
    `  secret_key: ${secretAccessKey}`,
    '  buckets: [cars]',
  ];
  writeFileSync(join(folder, 'remote_links.yml'), `${lines.join('\n')}\n`);
}

/** Throws where there is no such process. */
function cpuSecondsOf(pid: number): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? [];
  // Clock ticks of Linux are hundredths of a second.
  return (user + system) / 100;
}

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** The counts, in one line. */
  readonly summary: string;
}

async function run(args: readonly string[]): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args, '--no-progress'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true' },
  });
  let peakBytes = 0;
  let cpuSeconds = 0;
  const watch = every(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakBytes = Math.max(peakBytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
      if (child.pid !== undefined) cpuSeconds = cpuSecondsOf(child.pid);
    } catch {
      // It has just ended: what was read before stands.
    }
  }, 20);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`stowage-links ended with ${code}: ${output}`);
  const counts = output
    .split('\n')
    .slice(0, 4)
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .join(', ');
  return { seconds: (performance.now() - started) / 1000, cpuSeconds, peakBytes, summary: counts };
}
