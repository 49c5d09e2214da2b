import { type DriverObject, type GetOptions, type HeadOptions, isStorageError, type ObjectInfo, resolveRange, StorageError } from '@stowage/core';
import { type AnswerHeaders, headerOf, rangeHeader, readConditionHeaders, signalOf } from '@stowage/wire';
import { notBlobStorage } from './azure-error.ts';
import { withTags } from './blob-tags.ts';
import { infoOf, rangeOf } from './convert-answer.ts';
import { pick } from './pick.ts';
import type { StoreConnection } from './wire/store-connection.ts';

export async function headBlob(store: StoreConnection, key: string, o: HeadOptions): Promise<ObjectInfo> {
  const context = store.context('head', key);
  const headers = await store.done({
    ...signalOf(o),
    method: 'HEAD',
    key,
    query: { ...pick('versionid', o.version) },
    headers: readConditionHeaders(o),
    right: 'read',
    context,
  });
  assertBlob(headers, store, 'head', key);
  return await withTags(store, infoOf(key, headers), headers, o);
}

export async function getBlob(store: StoreConnection, key: string, o: GetOptions): Promise<DriverObject> {
  if (o.range === undefined || !('suffix' in o.range)) return await getRange(store, key, o, o.range);
  // Azure knows no ranges from the end: the size is asked for first, and the read bound to that revision.
  const info = await headBlob(store, key, o);
  const range = resolveRange(o.range, info.size);
  try {
    return await getRange(store, key, { ...signalOf(o), ...pick('version', o.version), ifMatch: info.revision }, range);
  } catch (error) {
    if (o.ifMatch === undefined && isStorageError(error, 'PreconditionFailed'))
      throw new StorageError('Unavailable', `${JSON.stringify(key)} was written while its end was being read; read it again`, { key });
    throw error;
  }
}

async function getRange(
  store: StoreConnection,
  key: string,
  o: HeadOptions,
  range: { readonly start: number; readonly end?: number } | undefined,
): Promise<DriverObject> {
  const context = store.context('get', key);
  const headers = { ...readConditionHeaders(o), ...(range === undefined ? {} : { range: rangeHeader(range) }) };
  const {
    status,
    headers: answered,
    body,
  } = await store.send({ ...signalOf(o), method: 'GET', key, query: { ...pick('versionid', o.version) }, headers, right: 'read', context });
  try {
    assertBlob(answered, store, 'get', key, status);
    const held = rangeOf(answered);
    // A body without a length could end early unnoticed: Azure always says it.
    if (held === undefined)
      throw new StorageError(
        'Unavailable',
        `${context.endpoint} does not say how long the content is, so that nobody could know it whole; a proxy between may change answers`,
        { status },
      );
    const info = await withTags(store, infoOf(key, answered), answered, o);
    if (range !== undefined && range.start >= info.size)
      throw new StorageError('InvalidRange', `the range starts at byte ${range.start} of a blob of ${info.size} bytes`, { key, status: 416 });
    if (range !== undefined && status !== 206 && !(range.start === 0 && (range.end ?? info.size) >= info.size))
      throw new StorageError(
        'Unavailable',
        `the service answered a read of a range of ${JSON.stringify(key)} with all of it; a proxy between may drop the Range header`,
        { status },
      );
    const length = headerOf(answered, 'content-length');
    if (length !== undefined && Number(length) !== held.end - held.start)
      throw new StorageError('Unavailable', `the service announced ${held.end - held.start} bytes of ${JSON.stringify(key)} and sends ${length}`, { status });
    body.expected = held.end - held.start;
    body.explain = (error): unknown => store.failure(error, context, o.signal);
    return {
      info,
      range: held,
      body,
      async close(): Promise<void> {
        body.close();
      },
    };
  } catch (error) {
    body.close();
    throw error;
  }
}

/** An answer about a blob has an ETag; what answers without one is no Blob Storage. */
function assertBlob(headers: AnswerHeaders, store: StoreConnection, operation: string, key: string, status = 200): void {
  if (headers['etag'] === undefined) throw notBlobStorage(store.context(operation, key), status, headerOf(headers, 'content-type'));
}
