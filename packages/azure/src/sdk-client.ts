import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import { encodedQuery, percentEncoded } from '@stowage/wire';
import type { StoreConnection } from './wire/store-connection.ts';
import { AccountKey } from './sign-in/shared-key.ts';
import { SharedAccessSignature } from './sign-in/shared-access-signature.ts';
import { TokenSignIn } from './sign-in/token-sign-in.ts';

/** The SDK's own client of the container, signed in as the driver is. Loaded when it is first asked for: that takes over 100 ms. */
export async function containerClient(store: StoreConnection, key: string | undefined): Promise<ContainerClient> {
  const { AnonymousCredential, ContainerClient: Client, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const { signIn, endpoint, ca, account } = store.settings;
  // What the type leaves out, the SDK hands on to its connections.
  const options: StoragePipelineOptions & { readonly tlsOptions?: { readonly ca: string } } = {
    retryOptions: { maxTries: 1 },
    ...(ca === undefined ? {} : { tlsOptions: { ca } }),
  };
  const url = `${endpoint.origin}${store.servicePath}${percentEncoded(store.bucket)}`;
  if (signIn instanceof AccountKey && key !== undefined) return new Client(url, new StorageSharedKeyCredential(account, key), options);
  if (signIn instanceof TokenSignIn) {
    const credential = {
      async getToken(_scopes: string | string[], o?: { readonly abortSignal?: unknown }): Promise<{ token: string; expiresOnTimestamp: number }> {
        const signal = o?.abortSignal instanceof AbortSignal ? o.abortSignal : undefined;
        const { token, expiresAt } = await signIn.token(signal);
        return { token, expiresOnTimestamp: expiresAt.getTime() };
      },
    };
    return new Client(url, credential, options);
  }
  const query: Record<string, string> = {};
  if (signIn instanceof SharedAccessSignature) signIn.sign({ method: 'GET', path: '', query, headers: {}, length: 0 });
  return new Client(url + encodedQuery(query), new AnonymousCredential(), options);
}
