import {
  assertRevision,
  assertWriteCondition,
  type Call,
  type CopyItem,
  type CurrentObject,
  isStorageError,
  type ObjectHeaders,
  type ObjectInfo,
  pickHeaders,
  type StorageError,
} from '@stowage/core';
import { etagOf, inParallel, percentEncoded } from '@stowage/wire';
import { startUpload, type UploadHost } from './minio-upload.ts';
import type { CopyFrom } from './object-calls.ts';
import { partToken } from './part-token.ts';
import { MAX_PARTS } from './store-limits.ts';

export interface CopyRules {
  /** Most bytes that one request copies; more goes in parts. */
  readonly maxSingle: number;
  /** Bytes a part of a copy. */
  readonly partSize: number;
  /** Parts at once. */
  readonly concurrency: number;
  /** Whether the store judges conditions on the destination itself. */
  readonly conditional: boolean;
}

/** A copy on the server's side. `source` is what lies there now, as its own bucket tells it. */
export async function copyObject(host: UploadHost, item: CopyItem, source: ObjectInfo, fromBucket: string, rules: CopyRules, o: Call): Promise<ObjectInfo> {
  const { to, from } = item;
  if (item.sourceIf !== undefined) assertRevision(from.key, source, item.sourceIf);
  if (item.if !== undefined && !rules.conditional) assertWriteCondition(to, await current(host, to, o), item.if);
  const itself = fromBucket === host.store.bucket && from.key === to && from.version === undefined;
  // S3 refuses a copy onto itself that changes nothing.
  if (itself && item.headers === undefined) {
    assertWriteCondition(to, source, item.if);
    return source;
  }
  // What is kept goes along word for word; the storage class too, which S3 would leave behind.
  const headers: ObjectHeaders = item.headers === undefined ? (source.headers ?? {}) : { ...pick(source.headers), ...pickHeaders(item.headers) };
  const sourceName = `${percentEncoded(fromBucket)}/${percentEncoded(from.key)}${from.version === undefined ? '' : `?versionId=${percentEncoded(from.version)}`}`;
  // Pinned: what is told of the copy was read from this revision.
  const sourced: CopyFrom = { source: sourceName, sourceEtag: etagOf(source.revision) };
  return source.size > rules.maxSingle
    ? await copyInParts(host, item, source, headers, sourced, rules, o)
    : await copyAtOnce(host, item, source, headers, sourced, rules, o);
}

function pick(headers: ObjectHeaders | undefined): Pick<ObjectHeaders, 'storageClass'> {
  return headers?.storageClass === undefined ? {} : { storageClass: headers.storageClass };
}

async function copyAtOnce(
  host: UploadHost,
  { to, if: condition, headers: given }: CopyItem,
  source: ObjectInfo,
  headers: ObjectHeaders,
  sourced: CopyFrom,
  rules: CopyRules,
  o: Call,
): Promise<ObjectInfo> {
  try {
    const { etag, lastModified } = await host.calls.copy(to, {
      ...o,
      ...sourced,
      directive: given === undefined ? 'keep' : 'replace',
      headers,
      ...(rules.conditional ? { if: condition } : {}),
    });
    return copied(to, source, headers, etag, lastModified);
  } catch (error) {
    if (isStorageError(error, 'PreconditionFailed')) throw await whichCondition(error, host, { to, condition }, rules, o);
    throw error;
  }
}

/** S3 says that a condition failed, not which: the source's revision, or what lies at the destination. */
async function whichCondition(
  error: StorageError,
  host: UploadHost,
  { to, condition }: { readonly to: string; readonly condition: CopyItem['if'] },
  rules: CopyRules,
  o: Call,
): Promise<unknown> {
  if (condition === undefined || !rules.conditional) return error;
  try {
    assertWriteCondition(to, await current(host, to, o), condition);
    return error;
  } catch (told) {
    return isStorageError(told, 'AlreadyExists') || isStorageError(told, 'PreconditionFailed') ? told : error;
  }
}

async function copyInParts(
  host: UploadHost,
  { to, if: condition }: CopyItem,
  source: ObjectInfo,
  headers: ObjectHeaders,
  sourced: CopyFrom,
  rules: CopyRules,
  o: Call,
): Promise<ObjectInfo> {
  const partSize = Math.max(rules.partSize, Math.ceil(source.size / (MAX_PARTS - 1000)));
  await using upload = await startUpload(host, to, headers, false, o);
  const starts = Array.from({ length: Math.ceil(source.size / partSize) }, (_, i) => i * partSize);
  const parts = await inParallel(starts, rules.concurrency, async (start, index) => {
    const end = Math.min(start + partSize, source.size);
    const etag = await host.calls.copyPart(to, { ...o, ...sourced, uploadId: upload.ref.id, number: index + 1, range: { start, end } });
    return { index, size: end - start, token: partToken(etag, undefined) };
  });
  return await upload.complete(parts, { ...o, ...(condition === undefined ? {} : { if: condition }) });
}

function copied(key: string, source: ObjectInfo, headers: ObjectHeaders, etag: string, lastModified: Date): ObjectInfo {
  return { key, size: source.size, lastModified, revision: { etag }, checksums: source.checksums, headers };
}

/** What lies at the key; undefined for nothing. */
export async function current(host: UploadHost, key: string, o: Call): Promise<CurrentObject | undefined> {
  try {
    return await host.head(key, o);
  } catch (error) {
    if (isStorageError(error, 'NotFound')) return undefined;
    throw error;
  }
}
