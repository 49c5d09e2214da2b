import { randomUUID } from 'node:crypto';
import { type AccessReport, type Call, isStorageError, type Permission } from '@stowage/core';
import { encodedQuery, signalOf } from '@stowage/wire';
import { listPage } from './list-objects.ts';
import type { ServiceClient } from './service-client.ts';

/** https://cloud.google.com/storage/docs/access-control/iam-permissions#object_permissions */
export const ACTIONS: Readonly<Record<Permission, readonly string[]>> = {
  list: ['storage.objects.list'],
  read: ['storage.objects.get'],
  // Overwriting is deleting, too.
  write: ['storage.objects.create', 'storage.objects.delete'],
  delete: ['storage.objects.delete'],
  // Unfinished uploads are found by their markers, which are objects.
  'list-uploads': ['storage.objects.list', 'storage.objects.get'],
};

export interface Access {
  readonly report: AccessReport;
  /** The names that are missing; undefined where the service could not be asked for names. */
  readonly missing: readonly string[] | undefined;
}

/** Asks the service which permissions it sees, and where it has no such call, each by a request that changes nothing. */
export async function probeAccess(client: ServiceClient, o: Call): Promise<Access> {
  const granted = await testPermissions(client, o);
  if (granted === undefined) return { report: await probed(client, o), missing: undefined };
  const report = Object.fromEntries(
    Object.entries(ACTIONS).map(([permission, actions]) => [permission, actions.every((action) => granted.has(action)) ? 'granted' : 'denied']),
  ) as Record<Permission, 'granted' | 'denied'>;
  return { report, missing: [...new Set(Object.values(ACTIONS).flat())].filter((action) => !granted.has(action)) };
}

/** https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions */
async function testPermissions(client: ServiceClient, o: Call): Promise<ReadonlySet<string> | undefined> {
  const names = [...new Set(Object.values(ACTIONS).flat())].map((name) => encodedQuery({ permissions: name }).slice(1)).join('&');
  try {
    const { permissions = [] } = await client.json<{ permissions?: readonly string[] }>({
      method: 'GET',
      path: `${client.bucketPath()}/iam/testPermissions?${names}`,
      context: client.context('checkAccess'),
      ...signalOf(o),
    });
    return new Set(permissions);
  } catch (error) {
    // Emulators have no such call; who may not even ask is told by the probes.
    if (isStorageError(error, 'NotFound') || isStorageError(error, 'Unsupported') || isStorageError(error, 'AccessDenied')) return undefined;
    throw error;
  }
}

type Finding = AccessReport[Permission];

async function probed(client: ServiceClient, o: Call): Promise<AccessReport> {
  const key = `.stowage-probe-${randomUUID()}`;
  const call = signalOf(o);
  const list = await finding(() => listPage(client, { ...call, limit: 1 }), []);
  const read = await finding(() => client.done({ method: 'GET', path: client.objectPath(key), context: client.context('get', key), ...call }), ['NotFound']);
  // A condition that cannot hold is judged behind the permissions, and nothing is written.
  const boundary = 'stowage-probe';
  const body = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n{"name":${JSON.stringify(key)},"crc32c":"AAAAAQ=="}\r\n--${boundary}\r\n\r\nprobe\r\n--${boundary}--\r\n`,
  );
  const write = await finding(
    () =>
      client.done({
        method: 'POST',
        path: client.uploadPath(),
        query: { uploadType: 'multipart', ifGenerationMatch: '1' },
        headers: { 'content-type': `multipart/related; boundary=${boundary}` },
        body,
        context: client.context('put', key),
        ...call,
      }),
    ['PreconditionFailed', 'ChecksumMismatch', 'NotFound'],
  );
  const remove = await finding(
    () => client.done({ method: 'DELETE', path: client.objectPath(key), query: { ifGenerationMatch: '1' }, context: client.context('delete', key), ...call }),
    ['NotFound', 'PreconditionFailed'],
  );
  // Without the right to list, a missing object looks like a denied one.
  return { list, read: read === 'denied' && list !== 'granted' ? 'not-probed' : read, write, delete: remove, 'list-uploads': list };
}

async function finding(work: () => Promise<unknown>, harmless: readonly string[]): Promise<Finding> {
  try {
    await work();
    return 'granted';
  } catch (error) {
    if (isStorageError(error, 'AccessDenied')) return 'denied';
    if (isStorageError(error) && harmless.includes(error.code)) return 'granted';
    throw error;
  }
}
