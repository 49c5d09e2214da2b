import type { Bucket } from './bucket.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { AccessReport, Call, Permission } from './driver.ts';
import { isStorageError, type StorageError } from './storage-error.ts';

/** What cannot be done without each right, whichever the store. */
const COSTS: Readonly<Record<Permission, string>> = {
  list: 'no listing, so no mirror',
  read: 'objects cannot be read',
  write: 'nothing can be written',
  delete: 'nothing can be deleted or moved',
  'list-uploads': 'uploads that others left unfinished are not found',
};
/** In the order of what people miss first. */
const PERMISSIONS = Object.keys(COSTS) as readonly Permission[];

/** A diagnosis by `checkAccess` alone, for providers that have no more to say. */
export async function accessDiagnosis(bucket: Bucket, call: Call): Promise<Diagnosis> {
  const { provider, name } = bucket;
  let access: AccessReport | undefined;
  let problem: StorageError | undefined;
  try {
    access = await bucket.checkAccess(call);
  } catch (error) {
    if (call.signal?.aborted === true || !isStorageError(error)) throw error;
    problem = error;
  }
  const missing = PERMISSIONS.filter((permission) => access?.[permission] === 'denied').map((permission) => ({
    permission,
    actions: [],
    cost: COSTS[permission],
  }));
  return {
    provider,
    bucket: name,
    healthy: problem === undefined && missing.every(({ permission }) => permission === 'list-uploads'),
    ...(problem === undefined ? {} : { problem }),
    ...(access === undefined ? {} : { access }),
    missing,
    facts: [],
    advice: [],
  };
}
