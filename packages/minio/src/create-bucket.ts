import { type BucketCreation, type BucketExposure, type Call, isStorageError, quoted, StorageError } from '@stowage/core';
import { MinioDriver } from './minio-driver.ts';
import { type MinioOptions, type MinioSettings, minioSettings } from './minio-options.ts';

/** Where requests go that name no region: the only one that a new bucket is not told by name. */
const FIRST_REGION = 'us-east-1';
/** Everyone, and everyone who has any account of AWS. */
const GROUPS: ReadonlySet<string> = new Set(['AllUsers', 'AuthenticatedUsers'].map((name) => `http://acs.amazonaws.com/groups/global/${name}`));
const BLOCKED = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true } as const;

/**
 * Makes a bucket in the configured region, with its public access blocked where the server can do that. What is there is looked for
 * first: in us-east-1 the request for a new bucket also succeeds on one's own old one, and resets its access control list
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
 */
export async function createBucket(options: MinioOptions, bucket: string, call: Call): Promise<BucketCreation> {
  const settings = minioSettings(options);
  if (await isThere(settings, bucket, call)) return { outcome: 'existed' };
  const driver = new MinioDriver({ ...settings, region: settings.region ?? FIRST_REGION }, bucket);
  try {
    if (!(await create(driver, call))) return { outcome: 'existed' };
    const notes: string[] = [];
    const exposure = (await blockAccess(driver, call, notes)) ? 'private' : await exposureOf(driver, call, notes);
    return { outcome: 'created', exposure, notes };
  } finally {
    await driver.close();
  }
}

async function isThere(settings: MinioSettings, bucket: string, call: Call): Promise<boolean> {
  const driver = new MinioDriver(settings, bucket);
  try {
    await driver.calls.list({ ...call, limit: 1 });
    return true;
  } catch (error) {
    if (isStorageError(error, 'BucketNotFound')) return false;
    if (isStorageError(error, 'AccessDenied'))
      throw explained(
        error,
        `whether there is a bucket ${quoted(bucket)} already cannot be seen: its name is somebody else's (all accounts share them on AWS), or s3:ListBucket on arn:aws:s3:::${bucket} is missing`,
      );
    throw error;
  } finally {
    await driver.close();
  }
}

/** Whether it was made; false where somebody with the same account was faster. */
async function create({ store, sdk }: MinioDriver, call: Call): Promise<boolean> {
  const { bucket } = store;
  const { region } = await store.place(call.signal);
  const input = { Bucket: bucket, ...(region === FIRST_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }) };
  try {
    await sdk.call(store.context('createBucket'), call, (client, { CreateBucketCommand }, send) => client.send(new CreateBucketCommand(input), send));
    return true;
  } catch (error) {
    if (isStorageError(error, 'AlreadyExists')) {
      // The two reasons have one code here; only one of them lets its owner look.
      if (await isThere(store.settings, bucket, call)) return false;
      throw explained(error, `the name ${quoted(bucket)} is somebody else's; take another`);
    }
    if (isStorageError(error, 'AccessDenied')) throw explained(error, `${error.message}; grant s3:CreateBucket on arn:aws:s3:::${bucket}`);
    if (isStorageError(error, 'OutOfSpace')) throw explained(error, `the account may have no more buckets (${error.message}); ask for a higher quota`);
    throw error;
  }
}

/** Whether the store now keeps the public out, whatever policies and lists say. */
async function blockAccess({ store, sdk }: MinioDriver, call: Call, notes: string[]): Promise<boolean> {
  const { bucket } = store;
  const context = store.context('createBucket');
  try {
    // Asked first: a server that does not know the setting may take a request that sets it for one that makes a bucket (MinIO does).
    await absent(() => sdk.call(context, call, (client, s3, send) => client.send(new s3.GetPublicAccessBlockCommand({ Bucket: bucket }), send)));
    const input = { Bucket: bucket, PublicAccessBlockConfiguration: BLOCKED };
    await sdk.call(context, call, (client, s3, send) => client.send(new s3.PutPublicAccessBlockCommand(input), send));
    return true;
  } catch (error) {
    if (isStorageError(error, 'AccessDenied'))
      notes.push(
        `its public access could not be blocked: s3:GetBucketPublicAccessBlock and s3:PutBucketPublicAccessBlock on arn:aws:s3:::${bucket} are missing`,
      );
    else if (!isStorageError(error, 'Unsupported')) throw error;
    return false;
  }
}

/** By its policy, of which a new bucket has none, and its access control list. The store's own word on a policy is not taken: MinIO calls one that lets everybody read objects not public. */
async function exposureOf({ store, sdk }: MinioDriver, call: Call, notes: string[]): Promise<BucketExposure> {
  const { bucket } = store;
  const context = store.context('createBucket');
  try {
    const policy = await absent(() => sdk.call(context, call, (client, s3, send) => client.send(new s3.GetBucketPolicyCommand({ Bucket: bucket }), send)));
    const { Grants = [] } = await sdk.call(context, call, (client, s3, send) => client.send(new s3.GetBucketAclCommand({ Bucket: bucket }), send));
    if (Grants.some(({ Grantee }) => GROUPS.has(Grantee?.URI ?? ''))) {
      notes.push('its access control list opens it to everyone: the store gives such a list to new buckets');
      return 'public';
    }
    if (policy === undefined) return 'private';
    notes.push('the store has given it a policy; see that it opens nothing to everyone');
  } catch (error) {
    if (!isStorageError(error, 'AccessDenied') && !isStorageError(error, 'Unsupported')) throw error;
    notes.push(
      `whether it is open to everyone could not be seen: ${error.code === 'Unsupported' ? 'the server does not tell' : `s3:GetBucketPolicy and s3:GetBucketAcl on arn:aws:s3:::${bucket} are missing`}`,
    );
  }
  return 'unknown';
}

/** The answer; undefined where there is no such setting of the bucket. */
async function absent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function explained(error: StorageError, message: string): StorageError {
  return new StorageError(error.code, message, { operation: 'createBucket', retryable: error.retryable }).with(error);
}
