import {
  type AccessReport,
  type Call,
  type Diagnosis,
  type DiagnosisFact,
  isStorageError,
  type MissingPermission,
  type Permission,
  type StorageError,
} from '@stowage/core';
import { headerOf } from '@stowage/wire';
import { AzureDriver } from './azure-driver.ts';
import type { AzureOptions } from './azure-options.ts';
import { pick } from './pick.ts';
import { SharedAccessSignature } from './sign-in/shared-access-signature.ts';
import type { StoreConnection } from './wire/store-connection.ts';

const CONTAINER = 'Microsoft.Storage/storageAccounts/blobServices/containers';

/** Letters of a SAS, and actions of roles: https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-azure-active-directory */
const PERMISSIONS: readonly {
  readonly permission: Permission;
  readonly letter: string;
  readonly sas: string;
  readonly action: string;
  readonly cost: string;
}[] = [
  { permission: 'list', letter: 'l', sas: 'l (list)', action: `${CONTAINER}/blobs/read`, cost: 'no listing, so no mirror' },
  { permission: 'read', letter: 'r', sas: 'r (read)', action: `${CONTAINER}/blobs/read`, cost: 'blobs cannot be read, nor copied on the server' },
  {
    permission: 'write',
    letter: 'w',
    sas: 'w (write)',
    action: `${CONTAINER}/blobs/write`,
    cost: 'nothing can be written; c (create) alone does for new blobs of one block',
  },
  { permission: 'delete', letter: 'd', sas: 'd (delete)', action: `${CONTAINER}/blobs/delete`, cost: 'nothing can be deleted or moved' },
  {
    permission: 'list-uploads',
    letter: 'l',
    sas: 'l (list)',
    action: `${CONTAINER}/blobs/read`,
    cost: 'uploads that others left unfinished are not found; they go after a week',
  },
];

/** Looks at a configured container with requests that change nothing. Rejects only for an abort, and for options that cannot work. */
export async function diagnose(options: AzureOptions, container: string, call: Call): Promise<Diagnosis> {
  const driver = new AzureDriver(options, container);
  try {
    return await examine(driver, call);
  } finally {
    await driver.close();
  }
}

async function examine(driver: AzureDriver, call: Call): Promise<Diagnosis> {
  const { store } = driver;
  const { endpoint, signIn } = store.settings;
  const clockSkewMs = await skew(store, call.signal);
  let access: AccessReport | undefined;
  let problem: StorageError | undefined;
  try {
    access = await driver.checkAccess(call);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    problem = error;
  }
  const bySas = signIn.kind === 'sas';
  const lacking = PERMISSIONS.filter(({ permission }) => access?.[permission] === 'denied');
  const missing: MissingPermission[] = lacking.map(({ permission, sas, action, cost }) => ({ permission, actions: [bySas ? sas : action], cost }));
  return {
    provider: 'azure',
    bucket: driver.bucket,
    endpoint: endpoint.origin,
    healthy: problem === undefined && missing.every(({ permission }) => permission === 'list-uploads'),
    ...pick('problem', problem),
    ...pick('access', access),
    missing,
    ...(missing.length === 0
      ? {}
      : {
          grant: grantFor(
            store,
            lacking.map(({ letter }) => letter),
          ),
        }),
    ...pick('clockSkewMs', clockSkewMs),
    facts: await factsOf(store, problem === undefined, call),
    advice: adviceFor(store, clockSkewMs),
  };
}

/** What to ask the owner for: a SAS with all letters that it then has, in the order that Azure wants, or a role. */
function grantFor(store: StoreConnection, letters: readonly string[]): string {
  const { signIn, account } = store.settings;
  if (signIn instanceof SharedAccessSignature) {
    const wanted = new Set([...Array.from(signIn.letters ?? ''), ...letters]);
    const ordered = Array.from('racwdxyltmeopi').filter((letter) => wanted.has(letter));
    return `a SAS of the container ${store.bucket} (or of the account, with ss=b and srt=co) with sp=${ordered.join('')}`;
  }
  if (signIn.kind === 'managed-identity') {
    const role = letters.some((letter) => letter === 'w' || letter === 'd') ? 'Storage Blob Data Contributor' : 'Storage Blob Data Reader';
    return `the role "${role}" for this identity, on the container ${store.bucket} of the account ${account}`;
  }
  return signIn.kind === 'anonymous'
    ? 'credentials: anonymous requests read at most what its owner opened to everyone'
    : 'an account key that is not restricted, and a firewall that lets this machine in';
}

/** Every server answers an unsigned look, if only with a refusal: its head has the clock. */
async function skew(store: StoreConnection, signal: AbortSignal | undefined): Promise<number | undefined> {
  try {
    const date = Date.parse(headerOf(await store.look(signal), 'date') ?? '');
    const ms = Date.now() - date;
    // The header has whole seconds: less than two is nothing.
    return Number.isNaN(ms) ? undefined : Math.abs(ms) < 2000 ? 0 : ms;
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    // The signed probes meet the same fault, and say it in words.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

async function factsOf(store: StoreConnection, reachable: boolean, { signal }: Call): Promise<DiagnosisFact[]> {
  const { account, signIn } = store.settings;
  const facts: DiagnosisFact[] = [
    { name: 'account', value: account },
    { name: 'sign-in', value: signIn.kind },
  ];
  if (signIn instanceof SharedAccessSignature) {
    facts.push({ name: 'SAS of', value: signIn.scope });
    facts.push({ name: 'SAS letters', value: signIn.letters ?? 'those of a stored access policy' });
    if (signIn.end !== undefined) facts.push({ name: 'SAS ends', value: signIn.end.toISOString() });
  }
  if (!reachable) return facts;
  try {
    const query = { restype: 'account', comp: 'properties' };
    const headers = await store.done({ ...pick('signal', signal), method: 'HEAD', query, right: 'none', context: store.context('checkAccess') });
    for (const [name, header] of [
      ['kind', 'x-ms-account-kind'],
      ['redundancy', 'x-ms-sku-name'],
    ] as const) {
      const value = headerOf(headers, header);
      if (value !== undefined) facts.push({ name, value });
    }
    const hierarchical = headerOf(headers, 'x-ms-is-hns-enabled');
    if (hierarchical !== undefined)
      facts.push({ name: 'namespace', value: hierarchical === 'true' ? 'hierarchical: its listings cannot be mirrored' : 'flat' });
  } catch (error) {
    // Not everyone may ask; the rest stands without it.
    if (!isStorageError(error)) throw error;
  }
  return facts;
}

const SOON_MS = 7 * 24 * 3_600_000;

function adviceFor(store: StoreConnection, skewMs: number | undefined): string[] {
  const { endpoint, signIn } = store.settings;
  const advice: string[] = [];
  const loopback = /^(?:127\.|localhost$|\[::1\])/.test(endpoint.hostname);
  if (endpoint.protocol === 'http:' && !loopback) advice.push('plain http: whoever sits between reads the content, and a SAS with it; use https');
  if (skewMs !== undefined && Math.abs(skewMs) > 60_000)
    advice.push(
      `this machine's clock is ${Math.round(Math.abs(skewMs) / 60_000)} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} the server's; from 15 minutes on signed requests are refused`,
    );
  if (signIn instanceof SharedAccessSignature && signIn.end !== undefined) {
    const left = signIn.end.getTime() - Date.now();
    if (left > 0 && left < SOON_MS) advice.push(`the SAS ends on ${signIn.end.toISOString()}: get a new one before`);
  }
  return advice;
}
