import { type AccessReport, type Call, type Diagnosis, isStorageError, type MissingPermission, type Permission, type StorageError } from '@stowage/core';
import { headerOf, signalOf } from '@stowage/wire';
import { type Access, ACTIONS, probeAccess } from './access-probe.ts';
import { type GoogleOptions, type GoogleSettings, googleSettings } from './google-options.ts';
import { ServiceClient } from './service-client.ts';

/** What cannot be done without it. */
const COSTS: Readonly<Record<Permission, string>> = {
  list: 'no listing, so no mirror; a missing object looks like a denied one',
  read: 'objects cannot be read, nor copied on the server',
  write: 'nothing can be written, or nothing overwritten',
  delete: 'nothing can be deleted, moved or overwritten, and parts of uploads stay behind',
  'list-uploads': 'uploads that others left unfinished are not found',
};

/** The smallest predefined roles: https://cloud.google.com/storage/docs/access-control/iam-roles */
function roleFor(missing: ReadonlySet<string>): string {
  const writes = [...missing].some((name) => name !== 'storage.objects.list' && name !== 'storage.objects.get');
  return writes ? 'roles/storage.objectUser' : 'roles/storage.objectViewer';
}

/** Looks at a configured bucket with requests that change nothing. Rejects only for an abort, and for options that cannot work. */
export async function diagnose(options: GoogleOptions, bucket: string, call: Call): Promise<Diagnosis> {
  const settings = googleSettings(options);
  const client = new ServiceClient(settings, bucket);
  try {
    return await examined(client, settings, signalOf(call));
  } finally {
    await client.close();
  }
}

async function examined(client: ServiceClient, settings: GoogleSettings, call: Call): Promise<Diagnosis> {
  const skew = await clockSkew(client, call);
  let access: Access | undefined;
  let problem: StorageError | undefined;
  try {
    access = await probeAccess(client, call);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    problem = error;
  }
  const missing = access === undefined ? [] : missingOf(access);
  const names = new Set(access?.missing ?? missing.flatMap(({ actions }) => actions));
  const { endpoint, signIn } = settings;
  return {
    provider: 'google',
    bucket: client.bucket,
    endpoint: endpoint.origin,
    healthy: problem === undefined && missing.every(({ permission }) => permission === 'list-uploads'),
    ...(problem === undefined ? {} : { problem }),
    ...(access === undefined ? {} : { access: access.report }),
    missing,
    ...(missing.length === 0 ? {} : { grant: grantFor(client.bucket, names, signIn.name) }),
    ...(skew === undefined ? {} : { clockSkewMs: skew }),
    facts: [
      { name: 'sign-in', value: signIn.name },
      { name: 'addressing', value: 'path' },
      { name: 'tls', value: endpoint.protocol === 'https:' ? 'yes' : 'no' },
    ],
    advice: adviceFor(settings, skew, access?.report),
  };
}

function missingOf({ report, missing }: Access): MissingPermission[] {
  return (Object.keys(ACTIONS) as Permission[])
    .filter((permission) => report[permission] === 'denied')
    .map((permission) => ({ permission, actions: ACTIONS[permission].filter((action) => missing?.includes(action) ?? true), cost: COSTS[permission] }));
}

function grantFor(bucket: string, names: ReadonlySet<string>, who: string): string {
  const role = roleFor(names);
  const member = /service account (\S+@\S+)$/.exec(who)?.[1] ?? 'EMAIL';
  return `grant ${role} on the bucket (it has ${[...names].sort().join(', ')}): gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=serviceAccount:${member} --role=${role}`;
}

/** Every answer tells the time, a refusal too. */
async function clockSkew(client: ServiceClient, { signal }: Call): Promise<number | undefined> {
  try {
    const { headers, body } = await client.pool.send({ method: 'GET', path: client.bucketPath(), headers: {}, signal });
    body.close();
    const date = Date.parse(headerOf(headers, 'date') ?? '');
    const ms = Date.now() - date;
    // The header has whole seconds: less than two is nothing.
    return Number.isNaN(date) ? undefined : Math.abs(ms) < 2000 ? 0 : ms;
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    // The probes meet the same fault, and say it in words.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function adviceFor({ endpoint }: GoogleSettings, skew: number | undefined, access: AccessReport | undefined): string[] {
  const advice: string[] = [];
  if (endpoint.protocol === 'http:' && !/^(?:127\.|localhost$|\[::1\])/.test(endpoint.hostname))
    advice.push('plain http: whoever sits between reads the content and the token; use https');
  if (skew !== undefined && Math.abs(skew) > 60_000)
    advice.push(
      `this machine's clock is ${Math.round(Math.abs(skew) / 60_000)} minutes ${skew > 0 ? 'ahead of' : 'behind'} the server's; a wrong clock keeps a service account from signing in`,
    );
  if (access?.read === 'not-probed')
    advice.push('whether reading is allowed cannot be told without the right to list: a missing object looks like a denied one');
  return advice;
}
