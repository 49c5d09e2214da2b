import { isStorageError, parseLinkPrefix, prefixLayer } from '@stowage/core';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@stowage/terminal';
import type { Configuration } from './configuration.ts';
import { EXIT } from './exit-code.ts';
import { identityOfPath } from './local-path.ts';
import type { Place } from './open-places.ts';
import { identityOfBucket } from './store-identity.ts';

/** Finds the place of a link prefix such as `s3://cars/2020/` in the configuration. Throws `CommandError`. */
export async function findConfiguredPlace(text: string, side: 'source' | 'destination', configuration: () => Configuration): Promise<Place> {
  try {
    return await find(text, configuration);
  } catch (error) {
    if (isStorageError(error)) throw new CommandError(`the ${side} ${JSON.stringify(text)}: ${error.message}`, EXIT.usage, error);
    throw error;
  }
}

async function find(text: string, configuration: () => Configuration): Promise<Place> {
  const { provider, bucket: name, prefix } = parseLinkPrefix(text);
  configuration().refuseUncertain(provider, name);
  const storages = await configuration().storagesOf(provider);
  const bucket = storages.bucket(text.slice(0, text.length - prefix.length));
  // A prefix names a folder, as a path does: `s3://cars/2020` is not to take `2020-old/` along.
  const folderPrefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const open = (): ReturnType<Place['open']> => bucket.with(prefixLayer(folderPrefix));
  const endpoint = configuration().endpointOf(provider, name);
  if (endpoint !== undefined) return { label: text, identity: identityOfBucket(endpoint, name, folderPrefix), open };
  const root = rootOf(bucket.native());
  if (root === undefined) return { label: text, identity: { store: provider, path: [name, ...folderPrefix.split('/').slice(0, -1)] }, open };
  const folder = join(root, folderPrefix);
  return { label: text, identity: identityOfPath(folder), folder, open };
}

/** The folder of a bucket on a local disk, links resolved; undefined for every other store. */
function rootOf(native: unknown): string | undefined {
  if (typeof native !== 'object' || native === null || !('root' in native) || typeof native.root !== 'string') return undefined;
  return existsSync(native.root) ? realpathSync(native.root) : native.root;
}
