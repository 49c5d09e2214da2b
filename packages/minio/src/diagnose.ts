import { type AccessReport, type Call, type Diagnosis, type DiagnosisFact, isStorageError, type MissingPermission, type StorageError } from '@stowage/core';
import { headerOf } from '@stowage/wire';
import { isAwsHost } from './credentials/aws-domain.ts';
import { MinioDriver } from './minio-driver.ts';
import { type MinioOptions, minioSettings } from './minio-options.ts';
import type { StoreKind } from './store-limits.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const PERMISSIONS: readonly (MissingPermission & { readonly of: 'bucket' | 'object' })[] = [
  { permission: 'list', actions: ['s3:ListBucket'], of: 'bucket', cost: 'no listing, so no mirror; a missing object looks like a denied one' },
  { permission: 'read', actions: ['s3:GetObject'], of: 'object', cost: 'objects cannot be read, nor copied on the server' },
  { permission: 'write', actions: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], of: 'object', cost: 'nothing can be written' },
  { permission: 'delete', actions: ['s3:DeleteObject'], of: 'object', cost: 'nothing can be deleted or moved' },
  {
    permission: 'list-uploads',
    actions: ['s3:ListBucketMultipartUploads'],
    of: 'bucket',
    cost: 'uploads that others left unfinished are not found; they cost storage until a lifecycle rule ends them',
  },
];

/** Looks at a bucket with requests that change nothing. Rejects only for an abort, and for options that cannot work. */
export async function diagnose(options: MinioOptions, bucket: string, call: Call): Promise<Diagnosis> {
  const driver = new MinioDriver(minioSettings(options), bucket);
  try {
    return await examine(driver, call);
  } finally {
    await driver.close();
  }
}

async function examine(driver: MinioDriver, call: Call): Promise<Diagnosis> {
  const { store, bucket } = driver;
  const { endpoint } = store.settings;
  const clues: Clues = { told: undefined, skewMs: undefined, kind: undefined };
  let access: AccessReport | undefined;
  let problem: StorageError | undefined;
  let used: string | undefined;
  let inPath = store.settings.pathStyle ?? !isAwsHost(endpoint.hostname);
  try {
    const { region, address } = await store.place(call.signal);
    used = region;
    inPath = address.base !== '/';
    Object.assign(clues, await look(driver, call));
    access = await driver.checkAccess(call);
  } catch (error) {
    if (call.signal?.aborted === true || !isStorageError(error)) throw error;
    problem = error;
  }
  const missing = PERMISSIONS.filter(({ permission }) => access?.[permission] === 'denied');
  const tls = endpoint.protocol === 'https:';
  return {
    provider: 'minio',
    bucket,
    endpoint: endpoint.origin,
    healthy: problem === undefined && missing.every(({ permission }) => permission === 'list-uploads'),
    ...(problem === undefined ? {} : { problem }),
    ...(access === undefined ? {} : { access }),
    missing: missing.map(({ permission, actions, cost }) => ({ permission, actions, cost })),
    ...(missing.length === 0 ? {} : { grant: policyFor(bucket, missing) }),
    ...(clues.skewMs === undefined ? {} : { clockSkewMs: clues.skewMs }),
    facts: facts({ used, told: clues.told, inPath, tls }),
    advice: adviceFor({ tls, clues, used, access, store: store.settings.store, loopback: /^(?:127\.|localhost$|\[::1\])/.test(endpoint.hostname) }),
  };
}

function facts({ used, told, inPath, tls }: { used: string | undefined; told: string | undefined; inPath: boolean; tls: boolean }): DiagnosisFact[] {
  const region = used ?? told;
  return [
    ...(region === undefined ? [] : [{ name: 'region', value: told !== undefined && told !== region ? `${region} (the bucket's own: ${told})` : region }]),
    { name: 'addressing', value: inPath ? 'path' : 'virtual-host' },
    { name: 'tls', value: tls ? 'yes' : 'no' },
  ];
}

interface Clues {
  /** The region that the store says the bucket is in. */
  told: string | undefined;
  skewMs: number | undefined;
  /** What the server says it is, where that is one that is known. */
  kind: StoreKind | undefined;
}

/** How servers call themselves, in the header of that name. */
const SERVERS: Readonly<Record<string, StoreKind>> = { minio: 'minio', versitygw: 'versitygw' };

/** What an unsigned look at the bucket tells: every S3 server answers it, if only with a refusal. */
async function look(driver: MinioDriver, { signal }: Call): Promise<Clues> {
  const { pool, address } = await driver.store.place(signal);
  try {
    const { headers, body } = await pool.send({ method: 'HEAD', path: address.base === '/' ? '/' : address.base.slice(0, -1), headers: {}, signal });
    body.close();
    const date = Date.parse(headerOf(headers, 'date') ?? '');
    return {
      told: headerOf(headers, 'x-amz-bucket-region'),
      skewMs: Number.isNaN(date) ? undefined : skew(Date.now() - date),
      kind: SERVERS[(headerOf(headers, 'server') ?? '').toLowerCase()],
    };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    // The signed probes meet the same fault, and say it in words.
    if (error instanceof Error) return { told: undefined, skewMs: undefined, kind: undefined };
    throw error;
  }
}

/** The header has whole seconds: less than two is nothing. */
function skew(ms: number): number {
  return Math.abs(ms) < 2000 ? 0 : ms;
}

function policyFor(bucket: string, missing: readonly (typeof PERMISSIONS)[number][]): string {
  const statement = (of: 'bucket' | 'object', resource: string): unknown[] => {
    const actions = missing.filter((each) => each.of === of).flatMap(({ actions: names }) => names);
    return actions.length === 0 ? [] : [{ Effect: 'Allow', Action: actions, Resource: resource }];
  };
  return JSON.stringify(
    { Version: '2012-10-17', Statement: [...statement('bucket', `arn:aws:s3:::${bucket}`), ...statement('object', `arn:aws:s3:::${bucket}/*`)] },
    null,
    2,
  );
}

function adviceFor({
  tls,
  clues,
  used,
  access,
  loopback,
  store,
}: {
  tls: boolean;
  clues: Clues;
  used: string | undefined;
  access: AccessReport | undefined;
  loopback: boolean;
  store: StoreKind;
}): string[] {
  const advice: string[] = [];
  if (clues.kind !== undefined && clues.kind !== store)
    advice.push(`the server says that it is ${clues.kind}, and it is taken for ${store}; set store: ${clues.kind}, so that keys it would change are refused`);
  if (!tls && !loopback) advice.push('plain http: whoever sits between reads the content; use https where the server has it');
  if (clues.skewMs !== undefined && Math.abs(clues.skewMs) > 60_000)
    advice.push(
      `this machine's clock is ${Math.round(Math.abs(clues.skewMs) / 60_000)} minutes ${clues.skewMs > 0 ? 'ahead of' : 'behind'} the server's; from 15 minutes on requests are refused`,
    );
  if (clues.told !== undefined && used !== undefined && clues.told !== used)
    advice.push(`the bucket lies in the region ${clues.told}, requests are signed for ${used}; set region: ${clues.told}`);
  if (access?.read === 'not-probed')
    advice.push('whether reading is allowed cannot be told without the right to list: a missing object looks like a denied one');
  if (access?.delete === 'not-probed')
    advice.push('whether deleting is allowed was not asked: the bucket keeps versions, or does not tell, and the question could leave a mark');
  return advice;
}
