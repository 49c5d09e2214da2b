import { type BucketCreation, type Call, isStorageError, StorageError } from '@stowage/core';
import { headerOf } from '@stowage/wire';
import { type AzureOptions, azureSettings } from './azure-options.ts';
import { pick } from './pick.ts';
import { StoreConnection } from './wire/store-connection.ts';

const CONTAINER = { restype: 'container' } as const;

/** Makes a container that nobody reads without signing in. One that is there is not touched by the request, whoever made it. */
export async function createContainer(options: AzureOptions, container: string, { signal }: Call): Promise<BucketCreation> {
  const store = new StoreConnection(azureSettings(options), container);
  const call: Call = pick('signal', signal);
  const context = store.context('createBucket');
  try {
    // Without the header x-ms-blob-public-access the container is private.
    await store.done({ ...call, method: 'PUT', query: CONTAINER, right: 'create-container', context });
    return { outcome: 'created', ...(await exposureOf(store, call)) };
  } catch (error) {
    // Names are of the account: nobody else has containers in it.
    if (isStorageError(error, 'AlreadyExists')) return { outcome: 'existed' };
    if (isStorageError(error, 'AccessDenied')) throw new StorageError(error.code, `${error.message}; ${wanted(store)}`).with(error);
    throw error;
  } finally {
    await store.close();
  }
}

/** https://learn.microsoft.com/en-us/rest/api/storageservices/get-container-properties */
async function exposureOf(store: StoreConnection, call: Call): Promise<Pick<BucketCreation & { outcome: 'created' }, 'exposure' | 'notes'>> {
  try {
    const headers = await store.done({ ...call, method: 'HEAD', query: CONTAINER, right: 'none', context: store.context('createBucket') });
    const access = headerOf(headers, 'x-ms-blob-public-access');
    if (access === undefined) return { exposure: 'private', notes: [] };
    return {
      exposure: 'public',
      notes: [`the service has opened it (public access: ${access === 'container' ? 'container' : 'blob'}); set its access level to private`],
    };
  } catch (error) {
    if (!isStorageError(error, 'AccessDenied') && !isStorageError(error, 'NotFound')) throw error;
    return { exposure: 'unknown', notes: ['whether it is open to everyone could not be seen: these credentials may not look at its properties'] };
  }
}

/** What to ask the owner of the account for. */
function wanted({ settings: { signIn, account } }: StoreConnection): string {
  if (signIn.kind === 'sas') return 'to make containers, use a SAS of the account with ss=b, srt=co and sp=rwdlc, or its key';
  if (signIn.kind === 'managed-identity') return `grant this identity the role "Storage Blob Data Contributor" on the account ${account}`;
  return signIn.kind === 'anonymous' ? 'sign in' : 'use a key that is not restricted';
}
