import { StorageError } from '@stowage/core';
import type { GoogleSettings } from './google-options.ts';

/** The SDK's client with the same endpoint and sign-in, without retries of its own. */
export async function sdkClient({ endpoint, signIn, userProject }: GoogleSettings): Promise<unknown> {
  const { Storage } = await import('@google-cloud/storage');
  type AuthClient = NonNullable<ConstructorParameters<typeof Storage>[0]>['authClient'];
  const authClient = (await signIn.authClient()) as NonNullable<AuthClient> | undefined;
  const { PassThroughClient } = await import('google-auth-library');
  const storage = new Storage({
    apiEndpoint: endpoint.origin,
    // Another endpoint than Google's would be asked without a sign-in else.
    useAuthWithCustomEndpoint: true,
    // Nobody is signed in by a client that adds nothing; without one the SDK would look for the machine's own credentials.
    authClient: authClient ?? new PassThroughClient(),
    retryOptions: { autoRetry: false },
    ...(userProject === undefined ? {} : { userProject }),
  });
  if (new URL(storage.apiEndpoint).origin !== endpoint.origin)
    throw new StorageError('Config', 'STORAGE_EMULATOR_HOST is set: it would send the SDK elsewhere, without a sign-in; unset it', { provider: 'google' });
  return storage;
}
