import {
  type AccessReport,
  type BucketDriver,
  type Call,
  type Capabilities,
  type CopyItem,
  type CopyOutcome,
  type CopySource,
  type DeleteItem,
  type DeleteOutcome,
  type DriverBody,
  type DriverObject,
  type GetOptions,
  type HeadOptions,
  isStorageError,
  type ListOptions,
  type ListPage,
  type ObjectHeaders,
  type ObjectInfo,
  pickHeaders,
  resolveRange,
  type PresignedRequest,
  type PresignOptions,
  type PutOptions,
  type Revision,
  StorageError,
  type Upload,
  type UploadRef,
} from '@stowage/core';
import { ChunkReader, inParallel, isBytes, partSizeFor, type Piece, piecesOf, piecesOfStream, sendPieces, type SendPlan, signalOf } from '@stowage/wire';
import { probeAccess } from './access-probe.ts';
import { infoOf, type ObjectAnswer, rangeOf, revisionOf } from './convert-answer.ts';
import { copyObject, type CopyRules } from './copy-object.ts';
import { wantsChecksums } from './conditions.ts';
import { crc32Of } from './crc32.ts';
import { crc32cDigest } from './crc32c.ts';
import { deleteObjects } from './delete-objects.ts';
import { HeldKeys } from './held-keys.ts';
import { differsOnMinio, listPages, listUploads } from './list-objects.ts';
import { asOperation } from './minio-error.ts';
import { type MinioOptions, type MinioSettings, minioSettings } from './minio-options.ts';
import { resumeUpload, startUpload, type UploadHost } from './minio-upload.ts';
import { type ObjectCalls, type WriteAnswer, writeChecksums } from './object-calls.ts';
import { NestedKeys } from './nested-keys.ts';
import { presignRequest } from './presign-request.ts';
import { SdkCalls } from './sdk/sdk-calls.ts';
import { SdkClient } from './sdk/sdk-client.ts';
import { StoreConnection } from './store-connection.ts';
import { MAX_SINGLE_COPY, type StoreLimits, storeLimits, withOptions } from './store-limits.ts';
import { LeanCalls } from './wire/lean-calls.ts';
import { md5OfEtag } from './xml/listing.ts';

const MIB = 1024 * 1024;
/** Copies of several objects at once, should more than one be given. */
const COPIES_AT_ONCE = 8;

/** One bucket of an S3-compatible server. No I/O. Throws `Config` where an option cannot work. */
export function minioDriver(options: MinioOptions, bucket: string): BucketDriver {
  return new MinioDriver(minioSettings(options), bucket);
}

export class MinioDriver implements BucketDriver, UploadHost {
  readonly provider = 'minio';
  readonly bucket: string;
  readonly capabilities: Capabilities;
  readonly store: StoreConnection;
  readonly calls: ObjectCalls;
  readonly sdk: SdkClient;
  readonly #limits: StoreLimits;
  readonly #settings: MinioSettings;
  readonly #copies: CopyRules;
  readonly #nested: NestedKeys;
  readonly #held: HeldKeys;
  /** Whether the bucket is known to be there: a 404 without words then means the object. */
  #bucketSeen = false;

  constructor(settings: MinioSettings, bucket: string, copies: Partial<CopyRules> = {}) {
    this.bucket = bucket;
    this.#settings = settings;
    const limits = storeLimits(settings.store);
    this.#limits = withOptions(limits, settings);
    this.capabilities = this.#limits.capabilities;
    this.store = new StoreConnection(settings, bucket);
    this.sdk = new SdkClient(this.store);
    this.calls = settings.transport === 'lean' ? new LeanCalls(this.store) : new SdkCalls(this.store, this.sdk);
    this.#nested = new NestedKeys(bucket, () => this.calls);
    this.#held = new HeldKeys(settings.store, this.store, () => this.calls);
    this.#copies = { maxSingle: MAX_SINGLE_COPY, partSize: 128 * MIB, concurrency: settings.concurrency, conditional: limits.conditionalCopy, ...copies };
  }

  /** Without a configured `store`, more is known after the first answer than before: every call sees to its keys itself, too. */
  checkKey(key: string): string | undefined {
    return this.#held.fault(key);
  }

  async head(key: string, o: HeadOptions): Promise<ObjectInfo> {
    await this.#held.assert(key, 'head', o);
    let answer: ObjectAnswer;
    try {
      answer = await this.calls.head(key, o);
    } catch (error) {
      throw await this.#explained(error, key, o);
    }
    this.#bucketSeen = true;
    return await this.#withTags(infoOf(key, answer, this.#settings.etagIsMd5), answer, o);
  }

  async get(key: string, o: GetOptions): Promise<DriverObject> {
    await this.#held.assert(key, 'get', o);
    const opened = await this.calls.get(key, o);
    const { answer, status, body } = opened;
    try {
      const info = await this.#withTags(infoOf(key, answer, this.#settings.etagIsMd5), answer, o);
      const range = rangeOf(answer);
      // MinIO answers a suffix of nothing with nothing.
      if (o.range !== undefined && info.size === 0)
        throw new StorageError('InvalidRange', `${JSON.stringify(key)} has no bytes, so no range of it can be read`, { status });
      if (o.range !== undefined && status !== 206 && !coversAll(o.range, info.size))
        throw new StorageError(
          'Unavailable',
          `the store answered a read of a range of ${JSON.stringify(key)} with all of it; a proxy between may drop the Range header`,
          { status },
        );
      if (answer.contentRange !== undefined && answer.length !== undefined && answer.length !== range.end - range.start)
        throw new StorageError('Unavailable', `the store announced ${range.end - range.start} bytes of ${JSON.stringify(key)} and sends ${answer.length}`, {
          status,
        });
      const asked = status === 206 ? resolveRange(o.range, info.size) : range;
      if (asked.start !== range.start || asked.end !== range.end)
        throw new StorageError(
          'Unavailable',
          `the store answered a read of bytes ${asked.start} to ${asked.end} of ${JSON.stringify(key)} with ${range.start} to ${range.end}; a proxy between may change ranges`,
          { status },
        );
      this.#bucketSeen = true;
      const digest = wantsChecksums(o) ? await crc32cDigest(info.checksums) : undefined;
      return { info, range, body, close: () => opened.close(), ...(digest === undefined ? {} : { digest }) };
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  async put(key: string, body: DriverBody, o: PutOptions): Promise<ObjectInfo> {
    await this.#held.assert(key, 'put', o);
    const size = o.size ?? (isBytes(body) ? body.byteLength : undefined);
    const { partSize: most, streamPartSize, concurrency, streamConcurrency } = this.#settings;
    // What a stream holds in memory is its parts.
    const partSize = partSizeFor(o.partSize ?? (isBytes(body) || (size ?? Infinity) <= most ? most : streamPartSize), size, this.capabilities.multipart);
    const plan = {
      concurrency: o.concurrency ?? (isBytes(body) ? concurrency : streamConcurrency),
      ...(o.signal === undefined ? {} : { signal: o.signal }),
      ...(o.onProgress === undefined ? {} : { onProgress: o.onProgress }),
    };
    if (isBytes(body))
      return body.byteLength <= partSize ? await this.#putAtOnce(key, body, o) : await this.#putInParts(key, piecesOf(body, partSize), plan, o);
    const reader = new ChunkReader(body);
    try {
      const first = await reader.next(partSize, o.size);
      if (first.last) return await this.#putAtOnce(key, first.bytes, o);
      return await this.#putInParts(key, piecesOfStream(reader, first.bytes, partSize, this.capabilities.multipart), plan, o);
    } finally {
      await reader.close();
    }
  }

  /** Sees to it that the key can lie there, where the store does not: {@link NestedKeys}. Call what comes back when the write has ended. */
  claimKey(key: string, operation: string, o: Call): Promise<() => void> | (() => void) {
    const { store } = this.#settings;
    const { server } = this.store;
    const hides = store === 'minio' || (store === 's3' && (server === undefined || server === 'minio'));
    return hides ? this.#nested.claim(key, operation, o) : nothingTaken;
  }

  async #putAtOnce(key: string, bytes: Uint8Array, o: PutOptions): Promise<ObjectInfo> {
    const headers = pickHeaders(o);
    const crc32 = this.#limits.crc32 ? crc32Of(bytes) : undefined;
    const release = await this.claimKey(key, 'put', o);
    let answer: WriteAnswer;
    try {
      answer = await this.calls.put(key, bytes, { ...signalOf(o), headers, if: o.if, ...writeChecksums(o.checksum, crc32) });
    } finally {
      release();
    }
    this.#bucketSeen = true;
    o.onProgress?.(bytes.byteLength);
    const kept = o.checksum?.sha256 === undefined ? (crc32 === undefined ? {} : { crc32 }) : { sha256: o.checksum.sha256 };
    return {
      key,
      size: bytes.byteLength,
      lastModified: answer.date,
      revision: revisionOf(answer),
      checksums: this.#settings.etagIsMd5 && !answer.sealed ? { ...md5OfEtag(answer.etag), ...kept } : kept,
      headers,
    };
  }

  async #putInParts(key: string, pieces: AsyncIterable<Piece>, plan: SendPlan, o: PutOptions): Promise<ObjectInfo> {
    const upload = await this.#claimed(key, 'put', o, () => startUpload(this, key, pickHeaders(o), this.#limits.crc32, signalOf(o)));
    try {
      const parts = await sendPieces(upload, pieces, plan);
      const { crc32 } = o.checksum ?? {};
      // The others were compared with the content on its way here, and each part's CRC32 on its way there.
      return await upload.complete(parts, {
        ...signalOf(o),
        ...(o.if === undefined ? {} : { if: o.if }),
        ...(crc32 === undefined || !this.#limits.crc32 ? {} : { checksum: { crc32 } }),
      });
    } catch (error) {
      await this.#abandon(upload);
      throw error;
    }
  }

  /** What failed is told; that its parts could not be removed either is not, and `listUploads` finds them. */
  async #abandon(upload: Upload): Promise<void> {
    try {
      await upload.abort();
    } catch (error) {
      if (!isStorageError(error)) throw error;
    }
  }

  async startUpload(key: string, o: ObjectHeaders & Call): Promise<Upload> {
    await this.#held.assert(key, 'startUpload', o);
    return await this.#claimed(key, 'startUpload', o, () => startUpload(this, key, pickHeaders(o), this.#limits.crc32, signalOf(o)));
  }

  async #claimed<T>(key: string, operation: string, o: Call, work: () => Promise<T>): Promise<T> {
    const release = await this.claimKey(key, operation, o);
    try {
      return await work();
    } finally {
      release();
    }
  }

  async resumeUpload(ref: UploadRef, o: Call): Promise<Upload> {
    await this.#held.assert(ref.key, 'resumeUpload', o);
    return await resumeUpload(this, ref, this.#limits.crc32, signalOf(o));
  }

  async *listUploads(o: { readonly prefix?: string } & Call): AsyncIterable<UploadRef> {
    if (o.prefix !== undefined && o.prefix !== '') await this.#held.serverSeen(undefined, 'listUploads', o);
    yield* listUploads(this, o.prefix ?? '', this.#held.limits.uploadsByPrefix, signalOf(o));
  }

  async deleteMany(items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
    const keys = items.map(({ key }) => key);
    await this.#held.recognized(keys, 'delete', o);
    const refusals = keys.map((key) => this.#held.refusal(key, 'delete'));
    const sent = items.filter((_, i) => refusals[i] === undefined);
    const outcomes = sent.length === 0 ? [] : await deleteObjects(this, sent, this.#limits.conditionalDelete, signalOf(o));
    let next = 0;
    return refusals.map((error, i) => (error === undefined ? (outcomes[next++] as DeleteOutcome) : { key: keys[i] as string, ok: false, error }));
  }

  async *list(o: ListOptions): AsyncIterable<ListPage> {
    if (differsOnMinio(o)) await this.#held.serverSeen(undefined, 'list', o);
    yield* listPages(this, o, () => this.#held.limits);
  }

  copyMany(items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]> {
    return inParallel(items, COPIES_AT_ONCE, async (item): Promise<CopyOutcome> => {
      try {
        return { key: item.to, ok: true, info: await this.#copy(item, signalOf(o)) };
      } catch (error) {
        if (isStorageError(error)) return { key: item.to, ok: false, error };
        throw error;
      }
    });
  }

  async #copy(item: CopyItem, o: Call): Promise<ObjectInfo> {
    const { driver, key, version } = item.from;
    await this.#held.assert(item.to, 'copy', o);
    const source = await driver.head(key, { ...o, ...(version === undefined ? {} : { version }) });
    return await this.#claimed(item.to, 'copy', o, () => copyObject(this, item, source, driver.bucket, this.#copies, o));
  }

  canCopyFrom(other: BucketDriver): boolean {
    return other instanceof MinioDriver && this.store.sharesAccount(other.store);
  }

  copySource(key: string): CopySource {
    return { driver: this, key };
  }

  async setHeaders(key: string, headers: ObjectHeaders, o: Call & { readonly if?: Revision }): Promise<ObjectInfo> {
    return await this.#copy({ from: this.copySource(key), to: key, headers, ...(o.if === undefined ? {} : { sourceIf: o.if }) }, signalOf(o));
  }

  async presign(key: string, o: PresignOptions): Promise<PresignedRequest> {
    await this.#held.assert(key, 'presign', o);
    return await presignRequest(this.store, key, o);
  }

  checkAccess(o: Call): Promise<AccessReport> {
    return probeAccess(this, this.#limits.conditionalDelete, o);
  }

  /** A promise of the `S3Client`, which is loaded when it is first needed. */
  native(): unknown {
    return this.sdk.load().then(({ client }) => client);
  }

  async close(): Promise<void> {
    await Promise.all([this.store.close(), this.sdk.close()]);
  }

  /** Tags are not told with an object, only their number. Where these credentials may not read them, they stay unknown. */
  async #withTags(info: ObjectInfo, { tagCount }: ObjectAnswer, o: HeadOptions): Promise<ObjectInfo> {
    if (tagCount === 0) return info;
    const context = this.store.context('readTags', info.key);
    const input = { Bucket: this.bucket, Key: info.key, ...(o.version === undefined ? {} : { VersionId: o.version }) };
    try {
      const { TagSet = [] } = await this.sdk.call(context, o, (client, sdk, send) => client.send(new sdk.GetObjectTaggingCommand(input), send));
      return { ...info, headers: { ...info.headers, tags: Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value])) } };
    } catch (error) {
      if (isStorageError(error, 'AccessDenied') || isStorageError(error, 'NotFound')) return info;
      throw error;
    }
  }

  /** An answer to HEAD has no body: what it means is asked again by a read of one byte, whose refusal has words. */
  async #explained(error: unknown, key: string, o: HeadOptions): Promise<unknown> {
    if (!isStorageError(error)) return error;
    const wordless = [301, 307, 400, 401, 403].includes(error.status ?? 0) || (error.code === 'NotFound' && !this.#bucketSeen);
    if (!wordless) return error;
    try {
      await (
        await this.calls.get(key, { ...signalOf(o), ...(o.version === undefined ? {} : { version: o.version }), range: { start: 0, end: 1 }, verify: false })
      ).close();
      return error;
    } catch (told) {
      if (!isStorageError(told)) return told;
      if (told.code === 'NotFound') this.#bucketSeen = true;
      return told.code === 'InvalidRange' || told.retryable ? error : asOperation(told, 'head', key);
    }
  }
}

function nothingTaken(): void {
  // The store itself keeps keys apart, or holds all.
}

function coversAll(range: NonNullable<GetOptions['range']>, size: number): boolean {
  return 'suffix' in range ? range.suffix >= size : range.start === 0 && (range.end ?? size) >= size;
}
