import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerCommand {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it answers by now. */
  readonly ready: () => Promise<boolean>;
  /** The user to run as. Default: who runs the test. */
  readonly account?: ServerAccount;
  /** What ends it; one that has to clean up behind itself needs another. Default `SIGKILL`. */
  readonly stopSignal?: 'SIGKILL' | 'SIGQUIT';
}

/** A user of the machine, by numbers. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerProcess {
  readonly pid: number;
  stop(): Promise<void>;
}

const READY_LIMIT_MS = 30_000;
const TRIES = 3;

/**
 * Runs in a process between the test and the server. Its standard input ends when the test's process does, however that ends
 * (SIGKILL too): then the server is killed and its folder removed. Says the server's number on standard output first.
 */
const KEEPER = `
const { spawn } = require('node:child_process');
const { rmSync } = require('node:fs');
const [folder, options, path, ...args] = process.argv.slice(1);
const { account, stopSignal } = JSON.parse(options);
const server = spawn(path, args, { ...account, stdio: ['ignore', 'pipe', 'pipe'] });
let said = '';
const keep = (chunk) => { said = (said + chunk).slice(-4000); };
server.stdout.on('data', keep);
server.stderr.on('data', keep);
server.on('error', (error) => { console.error(error.message); process.exit(1); });
server.on('exit', (code) => { if (!ending) console.error(said); rmSync(folder, { recursive: true, force: true, maxRetries: 5 }); process.exit(ending ? 0 : code || 1); });
let ending = false;
process.stdin.on('end', () => { ending = true; server.kill(stopSignal); }).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { ending = true; server.kill(stopSignal); });
console.log(server.pid);
`;

/**
 * Starts a server on free loopback ports with a temporary folder, and waits until it answers. A port may be taken between its choice
 * and its use: then other ports are tried.
 */
export async function startServer(
  name: string,
  ports: number,
  command: (ports: readonly number[], folder: string) => Promise<ServerCommand>,
): Promise<ServerProcess & { readonly ports: readonly number[] }> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), `stowage-${name}-`));
    const chosen = await freePorts(ports);
    try {
      return { ...(await launch(name, folder, await command(chosen, folder))), ports: chosen };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (attempt >= TRIES) throw error;
    }
  }
}

async function launch(name: string, folder: string, { path, args, env, ready, account, stopSignal = 'SIGKILL' }: ServerCommand): Promise<ServerProcess> {
  const keeper = spawn(process.execPath, ['-e', KEEPER, folder, JSON.stringify({ account, stopSignal }), path, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Only what it needs: no credentials of the machine's user reach the server.
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  });
  const said: string[] = [];
  keeper.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const exited = new Promise<void>((resolve) => keeper.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    keeper.stdin.end();
    await exited;
  };
  try {
    const pid = await serverNumber(keeper);
    await untilReady(name, keeper, ready, said);
    return { pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverNumber(keeper: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    keeper.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())));
    keeper.once('error', reject);
    keeper.once('close', () => reject(new Error('the server ended before it began')));
  });
}

async function untilReady(name: string, keeper: ChildProcess, ready: () => Promise<boolean>, said: readonly string[]): Promise<void> {
  const limit = Date.now() + READY_LIMIT_MS;
  while (Date.now() < limit) {
    if (keeper.exitCode !== null) throw new Error(`${name} ended while it started: ${said.join('').trim().slice(-1000)}`);
    if (await ready().catch(() => false)) return;
    await sleep(25);
  }
  throw new Error(`${name} did not answer within ${READY_LIMIT_MS / 1000} s`);
}

/** Ports that nobody listens on at the moment, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
