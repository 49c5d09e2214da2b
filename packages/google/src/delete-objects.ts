import { type Call, type DeleteItem, type DeleteOutcome, isStorageError } from '@stowage/core';
import { inParallel, signalOf } from '@stowage/wire';
import { generationOf } from './conditions.ts';
import type { ServiceClient } from './service-client.ts';

/** Google has no request for many; its batches are single requests in one envelope, and count as such. */
const AT_ONCE = 32;

/** One outcome per item, in order. */
export async function deleteObjects(client: ServiceClient, items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
  return await inParallel(items, AT_ONCE, async (item): Promise<DeleteOutcome> => {
    try {
      await deleteObject(client, item, o);
      return { key: item.key, ok: true };
    } catch (error) {
      if (!isStorageError(error)) throw error;
      // Nothing is known of any where the bucket is not there, or nobody listens.
      if (items.length === 1) throw error;
      return { key: item.key, ok: false, error };
    }
  });
}

async function deleteObject(client: ServiceClient, { key, if: revision, version }: DeleteItem, o: Call): Promise<void> {
  const context = client.context('delete', key, revision === undefined ? {} : { condition: 'revision' });
  try {
    await client.done({
      method: 'DELETE',
      path: client.objectPath(key),
      query: { generation: version, ifGenerationMatch: revision === undefined ? undefined : generationOf(revision) },
      context,
      ...signalOf(o),
    });
  } catch (error) {
    // A missing key, or version, is deleted.
    if (!isStorageError(error, 'NotFound')) throw error;
  }
}
