import { randomUUID } from 'node:crypto';
import { type Call, compareKeys, isStorageError, type ObjectHeaders, StorageError, type UploadRef } from '@stowage/core';
import { signalOf } from '@stowage/wire';
import { resourceFrom } from './convert-headers.ts';
import { wholeSecond } from './convert-object.ts';
import { listPage, MAX_PAGE } from './list-objects.ts';
import { OPEN } from './reserved-names.ts';
import type { ServiceClient } from './service-client.ts';
import { insertObject } from './write-object.ts';

const ID = /^[0-9a-f-]{36}$/;

/** An object that says that an upload is under way, and all that another process needs to go on with it. */
export interface Marker {
  readonly key: string;
  readonly headers: ObjectHeaders;
}

export async function writeMarker(client: ServiceClient, key: string, headers: ObjectHeaders, o: Call): Promise<UploadRef> {
  // What the object could not have is refused now, not when all parts are there.
  resourceFrom(headers, key);
  const id = randomUUID();
  const content = Buffer.from(JSON.stringify({ key, headers } satisfies Marker));
  // The key stands in the metadata as well, for listings.
  const options = { ...signalOf(o), headers: { contentType: 'application/json', metadata: { key: encodeURIComponent(key) } }, if: 'absent' as const };
  const { lastModified } = await insertObject(client, OPEN + id, content, options, 'startUpload');
  return { key, id, startedAt: lastModified.toISOString() };
}

/** Throws `NotFound` where the upload was completed or aborted, or is of another key. */
export async function readMarker(client: ServiceClient, { key, id }: UploadRef, o: Call, operation: string): Promise<Marker> {
  const gone = new StorageError('NotFound', `the upload of ${JSON.stringify(key)} was completed, aborted or never begun`, { key });
  if (!ID.test(id)) throw gone;
  try {
    const request = {
      method: 'GET' as const,
      path: client.objectPath(OPEN + id),
      query: { alt: 'media' },
      context: client.context(operation, key),
      ...signalOf(o),
    };
    const marker = await client.json<Marker>(request);
    if (marker.key !== key) throw gone;
    return marker;
  } catch (error) {
    throw isStorageError(error, 'NotFound') ? gone : error;
  }
}

/** Unfinished uploads of every program that writes through this package, by key. */
export async function* listUploads(client: ServiceClient, prefix: string, o: Call): AsyncIterable<UploadRef> {
  const found: UploadRef[] = [];
  const fields = 'items(name,timeCreated,metadata),nextPageToken';
  let pageToken: string | undefined;
  do {
    const page = await listPage(client, { ...signalOf(o), prefix: OPEN, limit: MAX_PAGE, fields, pageToken }, 'listUploads');
    for (const { name, timeCreated, metadata } of page.items ?? []) {
      const key = decodeURIComponent(metadata?.['key'] ?? '');
      if (key === '' || !key.startsWith(prefix)) continue;
      found.push({ key, id: name.slice(OPEN.length), ...(timeCreated === undefined ? {} : { startedAt: wholeSecond(timeCreated).toISOString() }) });
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  yield* found.sort((a, b) => compareKeys(a.key, b.key));
}
