import { type Call, isStorageError, type ObjectHeaders, type ObjectInfo, type Revision, StorageError } from '@stowage/core';
import { type AnswerHeaders, etagOf } from '@stowage/wire';
import { writeTags } from './blob-tags.ts';
import { modifiedOf, revisionOf } from './convert-answer.ts';
import { keptHeaders, metadataHeaders, propertyHeaders, requestHeaders } from './convert-headers.ts';
import { pick } from './pick.ts';
import type { StoreConnection } from './wire/store-connection.ts';

/**
 * Replaces everything that is kept beside a blob. Properties, metadata, tags and tier are requests of their own: each is bound to the
 * revision that the one before left, so that two changes at once never mix, and one that is interrupted leaves the rest as it was.
 */
export async function setHeaders(
  store: StoreConnection,
  current: ObjectInfo,
  headers: ObjectHeaders,
  condition: Revision | undefined,
  o: Call,
): Promise<ObjectInfo> {
  const { key } = current;
  // Refused before the first request, and not behind the second.
  requestHeaders(headers, key);
  let revision = condition ?? current.revision;
  const write = async (comp: string, sent: Record<string, string>): Promise<AnswerHeaders> => {
    const context = store.context('setHeaders', key, { condition: 'revision' });
    const answered = await store.done({
      ...o,
      method: 'PUT',
      key,
      query: { comp },
      headers: { ...sent, 'if-match': etagOf(revision) },
      right: 'write',
      context,
    });
    revision = revisionOf(answered);
    return answered;
  };
  let answered: AnswerHeaders;
  try {
    // Set Blob Properties drops the MD5 that it is not given.
    await write('properties', {
      ...propertyHeaders(headers, key),
      ...(current.checksums.md5 === undefined ? {} : { 'x-ms-blob-content-md5': current.checksums.md5 }),
    });
    answered = await write('metadata', metadataHeaders(headers, key));
  } catch (error) {
    if (condition === undefined && isStorageError(error, 'PreconditionFailed'))
      throw new StorageError('PreconditionFailed', `${JSON.stringify(key)} was written by another while its headers were being set; set them again`, { key });
    throw error;
  }
  const tags = headers.tags ?? {};
  if (Object.keys(tags).length > 0 || Object.keys(current.headers?.tags ?? {}).length > 0) await writeTags(store, key, tags, o);
  const tier = headers.storageClass;
  if (tier !== undefined && tier !== current.headers?.storageClass) {
    const context = store.context('setHeaders', key);
    await store.done({ ...o, method: 'PUT', key, query: { comp: 'tier' }, headers: { 'x-ms-access-tier': tier }, right: 'write', context });
  }
  // A tier that was chosen stays until another is: Azure has no way back to the account's own.
  const kept = keptHeaders({ ...pick('storageClass', current.headers?.storageClass), ...headers });
  return { key, size: current.size, lastModified: modifiedOf(answered), revision, checksums: current.checksums, headers: kept };
}
