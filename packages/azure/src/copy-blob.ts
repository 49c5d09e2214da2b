import {
  assertRevision,
  type BucketDriver,
  type Call,
  type CopyItem,
  type ObjectHeaders,
  type ObjectInfo,
  pickHeaders,
  type PresignedRequest,
  StorageError,
} from '@stowage/core';
import { conditionKind, encodedQuery, etagOf, inParallel, writeConditionHeaders } from '@stowage/wire';
import { newUpload } from './block-upload.ts';
import { MAX_BLOCKS, MAX_SINGLE_COPY } from './blob-limits.ts';
import { modifiedOf, revisionOf } from './convert-answer.ts';
import { keptHeaders } from './convert-headers.ts';
import { pick } from './pick.ts';
import type { BlobPresigner } from './presign-blob.ts';
import { SharedAccessSignature } from './sign-in/shared-access-signature.ts';
import { TokenSignIn } from './sign-in/token-sign-in.ts';
import type { StoreConnection } from './wire/store-connection.ts';

export interface CopyRules {
  /** Most bytes that one request copies; more goes block by block. */
  readonly maxSingle: number;
  /** Bytes a block of a copy. */
  readonly partSize: number;
  /** Blocks at once. */
  readonly concurrency: number;
}

export const COPY_RULES: CopyRules = { maxSingle: MAX_SINGLE_COPY, partSize: 100 * 1024 * 1024, concurrency: 4 };

/** How long the service may read the source. */
const SOURCE_SECONDS = 6 * 3600;

/** A blob of this account as the source: what it is, and headers that let the service read it. */
export interface AccountSource {
  readonly store: StoreConnection;
  readonly presigner: BlobPresigner;
  readonly key: string;
  readonly version: string | undefined;
}

/** A copy within the account. `source` is what lies there now. */
export async function copyInAccount(
  store: StoreConnection,
  item: CopyItem,
  from: AccountSource,
  source: ObjectInfo,
  rules: CopyRules,
  o: Call,
): Promise<ObjectInfo> {
  if (item.sourceIf !== undefined) assertRevision(from.key, source, item.sourceIf);
  const sourced = { ...(await sourceHeaders(from, o.signal)), 'x-ms-source-if-match': etagOf(source.revision) };
  // One request takes properties along as they are; only block by block can they be replaced in one step.
  return item.headers === undefined && source.size <= rules.maxSingle
    ? await copyAtOnce(store, item, source, sourced, o)
    : await copyInBlocks(store, item, source, item.headers === undefined ? (source.headers ?? {}) : replaced(item.headers, source), () => sourced, rules, o);
}

/** A tier is kept unless another is named: the account's own would move the bytes. */
function replaced(headers: ObjectHeaders, source: ObjectInfo): ObjectHeaders {
  return { ...pick('storageClass', source.headers?.storageClass), ...pickHeaders(headers) };
}

/** The service checks the right to read the source apart from that to write the copy, also within one account. */
async function sourceHeaders({ store, presigner, key, version }: AccountSource, signal: AbortSignal | undefined): Promise<Record<string, string>> {
  const { signIn } = store.settings;
  const named = pick('versionid', version);
  if (signIn instanceof TokenSignIn)
    return { 'x-ms-copy-source': store.url(key) + encodedQuery(named), 'x-ms-copy-source-authorization': `Bearer ${(await signIn.token(signal)).token}` };
  if (signIn.kind === 'account-key') {
    const url = await presigner.readUrl(key, SOURCE_SECONDS, signal);
    return { 'x-ms-copy-source': version === undefined ? url : `${url}&versionid=${encodeURIComponent(version)}` };
  }
  const query: Record<string, string> = { ...named };
  if (signIn instanceof SharedAccessSignature) {
    signIn.check('read');
    signIn.sign({ method: 'GET', path: '', query, headers: {}, length: 0 });
  }
  return { 'x-ms-copy-source': store.url(key) + encodedQuery(query) };
}

async function copyAtOnce(
  store: StoreConnection,
  { to, if: condition }: CopyItem,
  source: ObjectInfo,
  sourced: Record<string, string>,
  o: Call,
): Promise<ObjectInfo> {
  const tags = source.headers?.tags;
  const headers = {
    ...sourced,
    'x-ms-requires-sync': 'true',
    ...(tags === undefined ? {} : { 'x-ms-copy-source-tag-option': 'COPY' }),
    ...(source.headers?.storageClass === undefined ? {} : { 'x-ms-access-tier': source.headers.storageClass }),
    ...writeConditionHeaders(condition),
  };
  const context = store.context('copy', to, { condition: conditionKind(condition) });
  const answered = await store.done({ ...o, method: 'PUT', key: to, headers, right: 'create', context });
  return {
    key: to,
    size: source.size,
    lastModified: modifiedOf(answered),
    revision: revisionOf(answered),
    checksums: source.checksums,
    headers: keptHeaders(source.headers ?? {}),
  };
}

/** `sourced`: the headers that name the source of a block. */
async function copyInBlocks(
  store: StoreConnection,
  { to, if: condition }: CopyItem,
  source: ObjectInfo,
  headers: ObjectHeaders,
  sourced: () => Readonly<Record<string, string>>,
  rules: CopyRules,
  o: Call,
  beforeCommit: () => Promise<void> = async () => undefined,
): Promise<ObjectInfo> {
  const partSize = Math.max(rules.partSize, Math.ceil(source.size / (MAX_BLOCKS - 1000)));
  const upload = newUpload(store, to, headers);
  const starts = Array.from({ length: Math.ceil(source.size / partSize) }, (_, i) => i * partSize);
  const parts = await inParallel(starts, rules.concurrency, (start, index) => {
    const end = Math.min(start + partSize, source.size);
    return upload.partFrom(index, end - start, { ...sourced(), 'x-ms-source-range': `bytes=${start}-${end - 1}` }, o);
  });
  await beforeCommit();
  return await upload.commit(parts, { ...o, ...pick('if', condition) }, source.checksums.md5);
}

/**
 * A copy from another store, which the service reads by a presigned URL. Other stores need not know the service's conditions: that the
 * source stayed the same is looked up behind the last block, and before anything is visible.
 */
export async function copyFromOther(store: StoreConnection, item: CopyItem, rules: CopyRules, o: Call): Promise<ObjectInfo> {
  const { driver, key, version } = item.from;
  const read = async (): Promise<ObjectInfo> => await driver.head(key, { ...o, ...pick('version', version) });
  const source = await read();
  if (item.sourceIf !== undefined) assertRevision(key, source, item.sourceIf);
  const url = await sourceUrl(driver, key, version, o);
  const { storageClass: _, ...kept } = source.headers ?? {};
  const unchanged = async (): Promise<void> => assertRevision(key, await read(), source.revision);
  return await copyInBlocks(
    store,
    item,
    source,
    item.headers === undefined ? kept : pickHeaders(item.headers),
    () => ({ 'x-ms-copy-source': url }),
    rules,
    o,
    unchanged,
  );
}

async function sourceUrl(driver: BucketDriver, key: string, version: string | undefined, o: Call): Promise<string> {
  if (version !== undefined) throw new StorageError('Unsupported', 'a copy from another store takes its current version; leave "version" out', { key });
  const request: PresignedRequest = await driver.presign(key, { ...o, method: 'GET', expiresInSeconds: SOURCE_SECONDS });
  if (Object.keys(request.headers).length > 0)
    throw new StorageError('Unsupported', `${driver.provider} wants headers with its presigned requests, which Azure would not send`, { key });
  return request.url;
}
