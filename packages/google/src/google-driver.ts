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
  type PresignedRequest,
  type PresignOptions,
  type PutOptions,
  type Revision,
  type Upload,
  type UploadRef,
} from '@stowage/core';
import { ChunkReader, inParallel, isBytes, signalOf } from '@stowage/wire';
import { probeAccess } from './access-probe.ts';
import { copyObject, replaceHeaders } from './copy-object.ts';
import { deleteObjects } from './delete-objects.ts';
import { CHUNK_UNIT, type GoogleOptions, type GoogleSettings, googleSettings } from './google-options.ts';
import { resumeUpload, startUpload } from './google-upload.ts';
import { listUploads } from './upload-marker.ts';
import { listPages } from './list-objects.ts';
import { presignRequest } from './presign-request.ts';
import { headObject, openObject } from './read-object.ts';
import { type Chunk, putResumable } from './resumable-put.ts';
import { sdkClient } from './sdk-client.ts';
import { ServiceClient } from './service-client.ts';
import { capabilitiesOf, keyProblem } from './store-limits.ts';
import { insertObject } from './write-object.ts';

/** Copies of several objects at once, should more than one be given. */
const COPIES_AT_ONCE = 8;

/** One bucket of Google Cloud Storage. No I/O. Throws `Config` where an option cannot work. */
export function googleDriver(options: GoogleOptions, bucket: string): BucketDriver {
  return new GoogleDriver(googleSettings(options), bucket);
}

class GoogleDriver implements BucketDriver {
  readonly provider = 'google';
  readonly bucket: string;
  readonly capabilities: Capabilities;
  readonly client: ServiceClient;
  readonly #settings: GoogleSettings;

  constructor(settings: GoogleSettings, bucket: string) {
    this.bucket = bucket;
    this.#settings = settings;
    this.capabilities = capabilitiesOf(settings.versioned);
    this.client = new ServiceClient(settings, bucket);
  }

  checkKey(key: string): string | undefined {
    return keyProblem(key);
  }

  head(key: string, o: HeadOptions): Promise<ObjectInfo> {
    return headObject(this.client, key, o);
  }

  get(key: string, o: GetOptions): Promise<DriverObject> {
    return openObject(this.client, key, o);
  }

  async put(key: string, body: DriverBody, o: PutOptions): Promise<ObjectInfo> {
    const chunkSize = this.#chunkSize(o.partSize);
    const options = { ...signalOf(o), headers: pickHeaders(o), if: o.if, checksum: o.checksum, size: o.size, onProgress: o.onProgress };
    const atOnce = async (bytes: Uint8Array): Promise<ObjectInfo> => {
      const info = await insertObject(this.client, key, bytes, options);
      o.onProgress?.(bytes.byteLength);
      return info;
    };
    if (isBytes(body)) {
      if (body.byteLength <= chunkSize) return await atOnce(body);
      return await putResumable(this.client, key, chunksOf(body, chunkSize), { ...options, size: body.byteLength });
    }
    const reader = new ChunkReader(body);
    try {
      const first = await reader.next(chunkSize, o.size);
      if (first.last) return await atOnce(first.bytes);
      return await putResumable(this.client, key, chunksOfStream(reader, first.bytes, chunkSize), options);
    } finally {
      await reader.close();
    }
  }

  /** The caller's parts become chunks, which have a unit. */
  #chunkSize(partSize: number | undefined): number {
    if (partSize === undefined) return this.#settings.chunkSize;
    return Math.max(CHUNK_UNIT, Math.ceil(partSize / CHUNK_UNIT) * CHUNK_UNIT);
  }

  startUpload(key: string, o: ObjectHeaders & Call): Promise<Upload> {
    return startUpload(this.client, key, pickHeaders(o), signalOf(o));
  }

  resumeUpload(ref: UploadRef, o: Call): Promise<Upload> {
    return resumeUpload(this.client, ref, signalOf(o));
  }

  listUploads(o: { readonly prefix?: string } & Call): AsyncIterable<UploadRef> {
    return listUploads(this.client, o.prefix ?? '', signalOf(o));
  }

  deleteMany(items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
    return deleteObjects(this.client, items, signalOf(o));
  }

  list(o: ListOptions): AsyncIterable<ListPage> {
    return listPages(this.client, o);
  }

  copyMany(items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]> {
    return inParallel(items, COPIES_AT_ONCE, async (item): Promise<CopyOutcome> => {
      try {
        const { driver } = item.from;
        const source = driver instanceof GoogleDriver ? driver.client : this.client;
        return { key: item.to, ok: true, info: await copyObject(this.client, source, item, signalOf(o)) };
      } catch (error) {
        if (isStorageError(error)) return { key: item.to, ok: false, error };
        throw error;
      }
    });
  }

  canCopyFrom(other: BucketDriver): boolean {
    if (!(other instanceof GoogleDriver)) return false;
    const [mine, theirs] = [this.client.settings, other.client.settings];
    return mine.endpoint.origin === theirs.endpoint.origin && mine.signIn.identity === theirs.signIn.identity;
  }

  copySource(key: string): CopySource {
    return { driver: this, key };
  }

  setHeaders(key: string, headers: ObjectHeaders, o: Call & { readonly if?: Revision }): Promise<ObjectInfo> {
    return replaceHeaders(this.client, key, headers, o.if, signalOf(o));
  }

  presign(key: string, o: PresignOptions): Promise<PresignedRequest> {
    return presignRequest(this.client, key, o);
  }

  async checkAccess(o: Call): Promise<AccessReport> {
    return (await probeAccess(this.client, o)).report;
  }

  /** A promise of the SDK's `Storage`, which is loaded when it is first needed. */
  native(): unknown {
    return sdkClient(this.#settings);
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

/** The chunks of content that lies in memory: views, no copies. */
async function* chunksOf(bytes: Uint8Array, size: number): AsyncIterable<Chunk> {
  for (let at = 0; at < bytes.byteLength; at += size) yield { bytes: bytes.subarray(at, at + size), last: at + size >= bytes.byteLength };
}

/** The next chunk is read while one is sent: two are held. */
async function* chunksOfStream(reader: ChunkReader, first: Buffer, size: number): AsyncIterable<Chunk> {
  let chunk: { readonly bytes: Buffer; readonly last: boolean } = { bytes: first, last: false };
  while (!chunk.last) {
    const { bytes } = chunk;
    const next = reader.next(size, size);
    // Its failure is thrown when its turn comes, or not at all where sending failed before.
    next.catch(() => undefined);
    yield { bytes, last: false, sent: () => reader.release(bytes) };
    chunk = await next;
  }
  yield chunk;
}
