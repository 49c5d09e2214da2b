import { type BucketCreation, type Call, isStorageError, quoted, StorageError } from '@stowage/core';
import { signalOf } from '@stowage/wire';
import { type GoogleOptions, googleSettings } from './google-options.ts';
import { listPage } from './list-objects.ts';
import { ServiceClient } from './service-client.ts';

/** One set of permissions for the whole bucket, and nobody can open it: https://cloud.google.com/storage/docs/public-access-prevention */
const CLOSED = { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' } as const;

interface BucketResource {
  readonly iamConfiguration?: { readonly publicAccessPrevention?: string };
}

/** Makes a bucket that cannot be opened to the public, in the configured project, where the service puts it by default. */
export async function createBucket(options: GoogleOptions, bucket: string, call: Call): Promise<BucketCreation> {
  const client = new ServiceClient(googleSettings(options), bucket);
  try {
    return (await isThere(client, call)) ? { outcome: 'existed' } : await create(client, call);
  } finally {
    await client.close();
  }
}

async function isThere(client: ServiceClient, call: Call): Promise<boolean> {
  try {
    await listPage(client, { ...signalOf(call), limit: 1 });
    return true;
  } catch (error) {
    if (isStorageError(error, 'BucketNotFound')) return false;
    if (isStorageError(error, 'AccessDenied'))
      throw explained(
        error,
        `whether there is a bucket ${quoted(client.bucket)} already cannot be seen: its name is somebody else's (all of Google shares them), or ${client.settings.signIn.name} lacks storage.objects.list, which is in roles/storage.objectUser`,
      );
    throw error;
  }
}

async function create(client: ServiceClient, call: Call): Promise<BucketCreation> {
  const { bucket, settings } = client;
  const project = settings.project ?? (await settings.signIn.project?.());
  if (project === undefined)
    throw new StorageError('Config', `a new bucket belongs to a project, and ${settings.signIn.name} names none; set project to the id of yours`, {
      operation: 'createBucket',
      provider: 'google',
      bucket,
    });
  const body = Buffer.from(JSON.stringify({ name: bucket, iamConfiguration: CLOSED }));
  try {
    const made = await client.json<BucketResource>({
      method: 'POST',
      path: '/storage/v1/b',
      query: { project },
      headers: { 'content-type': 'application/json' },
      body,
      context: client.context('createBucket'),
      ...signalOf(call),
    });
    if (made.iamConfiguration?.publicAccessPrevention === CLOSED.publicAccessPrevention) return { outcome: 'created', exposure: 'private', notes: [] };
    return { outcome: 'created', exposure: 'unknown', notes: ['the service does not say that its public access is prevented; see that nothing opens it'] };
  } catch (error) {
    if (isStorageError(error, 'AlreadyExists')) {
      if (await isThere(client, call)) return { outcome: 'existed' };
      throw explained(error, `the name ${quoted(bucket)} is taken, perhaps by a bucket that was deleted just now; take another`);
    }
    if (isStorageError(error, 'AccessDenied'))
      throw explained(error, `${error.message}; grant storage.buckets.create on the project ${quoted(project)}, which is in roles/storage.admin`);
    throw error;
  }
}

function explained(error: StorageError, message: string): StorageError {
  return new StorageError(error.code, message, { operation: 'createBucket', retryable: error.retryable }).with(error);
}
