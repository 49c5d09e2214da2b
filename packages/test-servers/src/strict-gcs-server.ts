import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startServer } from './server-process.ts';

/** A service account that the server knows: its file, as Google's console gives it. */
export interface GcsAccount {
  readonly email: string;
  /** Text of the JSON file. */
  readonly credentials: string;
}

export interface StrictGcsServer extends AsyncDisposable {
  readonly name: string;
  /** `http://127.0.0.1:49152`. The token endpoint is `/token` there, and the metadata server lies there, too. */
  readonly endpoint: string;
  /** May do everything. */
  readonly owner: GcsAccount;
  /** Known, and may do nothing. */
  readonly nobody: GcsAccount;
  /** May list and read. */
  readonly reader: GcsAccount;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface StrictGcsOptions {
  /** True: no sign-in is asked for. Default false. */
  readonly open?: boolean;
  /** How far the server's clock is ahead of this machine's, in milliseconds. Default 0. */
  readonly clockOffsetMs?: number;
}

const OBJECTS = ['list', 'get', 'create', 'delete', 'update'].map((verb) => `storage.objects.${verb}`);

/**
 * Cloud Storage as its documentation has it, on the loopback and in memory: preconditions on every call, resumable sessions that can be
 * asked, compose and rewrite with their tokens, listings in UTF-8 byte order, CRC32C and MD5 compared, V4 signatures, tokens and
 * permissions verified. It exists because fake-gcs-server knows none of these; each rule names its page. Shares no code with the client.
 */
export async function startStrictGcs({ open = false, clockOffsetMs = 0 }: StrictGcsOptions = {}): Promise<StrictGcsServer> {
  const accounts = {
    owner: account('owner', [...OBJECTS, 'storage.buckets.get', 'storage.buckets.create']),
    nobody: account('nobody', []),
    reader: account('reader', ['storage.objects.list', 'storage.objects.get']),
  };
  const known = Object.values(accounts).map(({ email, publicKey, permissions }) => ({ email, publicKey, permissions }));
  const running = await startServer('strict-gcs', 1, async ([port]) => ({
    path: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('./gcs/main.ts', import.meta.url)), String(port)],
    env: { STOWAGE_GCS: JSON.stringify({ accounts: known, open, clockOffsetMs }) },
    ready: async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
  }));
  const { pid, ports } = running;
  const stop = (): Promise<void> => running.stop();
  return { name: 'strict-gcs', endpoint: `http://127.0.0.1:${ports[0]}`, ...accounts, pid, stop, [Symbol.asyncDispose]: stop };
}

interface MadeAccount extends GcsAccount {
  readonly publicKey: string;
  readonly permissions: readonly string[];
}

function account(name: string, permissions: readonly string[]): MadeAccount {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const email = `${name}@stowage-test.iam.gserviceaccount.com`;
  const credentials = JSON.stringify({
    type: 'service_account',
    project_id: 'stowage-test',
    private_key_id: `key-of-${name}`,
    private_key: privateKey,
    client_email: email,
    client_id: '100000000000000000001',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: 'https://oauth2.googleapis.com/token',
    universe_domain: 'googleapis.com',
  });
  return { email, credentials, publicKey, permissions };
}
