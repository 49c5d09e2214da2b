import { createRequire } from 'node:module';
import { writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { dirname, join } from 'node:path';
import type { LocalAuthority } from './local-authority.ts';
import { startServer } from './server-process.ts';

/** A storage account of the emulator. No secret: it listens on the loopback for the length of a test. */
export interface AzuriteAccount {
  readonly name: string;
  /** Base64. */
  readonly key: string;
}

/** Azurite's Blob service that runs for a test. Disposing stops it and removes its data. */
export interface AzuriteServer extends AsyncDisposable {
  /** Without an account: `http://127.0.0.1:49152`. */
  readonly origin: string;
  /** Of the first account, which stands in the path: `http://127.0.0.1:49152/stowagetest`. */
  readonly endpoint: string;
  readonly account: AzuriteAccount;
  /** Another account of the same server: to the first one it is a foreign store. */
  readonly secondAccount: AzuriteAccount;
  /** PEM of the authority that a client must trust; undefined where it speaks plain http. */
  readonly ca: string | undefined;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface AzuriteOptions {
  /** Speaks https with a certificate of this authority, and then takes bearer tokens too: it checks their times, issuer and audience, and no signature. Default: plain http. */
  readonly authority?: LocalAuthority;
  /** Keeps content in the temporary folder. Default: in memory. */
  readonly disk?: boolean;
}

const ACCOUNTS: readonly [AzuriteAccount, AzuriteAccount] = [
  { name: 'stowagetest', key: Buffer.from('a key of sixty-four bytes, for tests on the loopback alone: one!').toString('base64') },
  { name: 'stowageother', key: Buffer.from('a key of sixty-four bytes, for tests on the loopback alone: two!').toString('base64') },
];

/**
 * Azurite, from npm. What it lacks against the service: conditions on times of blocks, Put Blob From URL, a hierarchical namespace,
 * versions and soft delete; signatures of tokens are not checked, and a copy within an account does not ask for the right to its source.
 */
export async function startAzurite({ authority, disk = false }: AzuriteOptions = {}): Promise<AzuriteServer> {
  const program = join(dirname(createRequire(import.meta.url).resolve('azurite/package.json')), 'dist/src/blob/main.js');
  const scheme = authority === undefined ? 'http' : 'https';
  const running = await startServer('azurite', 1, async ([port], folder) => {
    const args = [program, '--blobHost', '127.0.0.1', '--blobPort', String(port), '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
    args.push(...(disk ? ['--location', folder] : ['--inMemoryPersistence']));
    if (authority !== undefined) {
      const issued = await authority.issue('127.0.0.1');
      const [certificate, key] = [join(folder, 'server.crt'), join(folder, 'server.key')];
      await writeFile(certificate, issued.certificate);
      await writeFile(key, issued.key, { mode: 0o600 });
      args.push('--cert', certificate, '--key', key, '--oauth', 'basic');
    }
    return {
      path: process.execPath,
      args,
      env: { AZURITE_ACCOUNTS: ACCOUNTS.map(({ name, key }) => `${name}:${key}`).join(';') },
      ready: () => answers(`${scheme}://127.0.0.1:${port}/`, authority?.ca),
    };
  });
  const { pid, ports } = running;
  const origin = `${scheme}://127.0.0.1:${ports[0]}`;
  const [account, secondAccount] = ACCOUNTS;
  const stop = (): Promise<void> => running.stop();
  return { origin, endpoint: `${origin}/${account.name}`, account, secondAccount, ca: authority?.ca, pid, stop, [Symbol.asyncDispose]: stop };
}

/** Whatever it says, it is there. */
async function answers(url: string, ca: string | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const read = (response: { resume(): unknown }): void => {
      response.resume();
      resolve(true);
    };
    (ca === undefined ? plainRequest(url, { agent: false }, read) : secureRequest(url, { ca, agent: false }, read)).once('error', reject).end();
  });
}
