import type { DriverBody } from '../body.ts';
import { resolveRange } from '../byte-range.ts';
import type { Capabilities } from '../capabilities.ts';
import { assertReadConditions, assertRevision, assertWriteCondition } from '../conditions.ts';
import { assertDigests, createDigest, type Digest } from '../digest.ts';
import type {
  AccessReport,
  BucketDriver,
  CompleteOptions,
  CopyItem,
  CopyOutcome,
  CopySource,
  DeleteItem,
  DeleteOutcome,
  DriverObject,
  GetOptions,
  HeadOptions,
  ListOptions,
  ListPage,
  PutOptions,
  Upload,
  UploadRef,
} from '../driver.ts';
import { pickHeaders } from '../headers.ts';
import { MAX_KEY_BYTES } from '../keys.ts';
import type { ObjectHeaders, ObjectInfo } from '../object-info.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { memoryPage } from './memory-list.ts';
import { fullInfo, type MemoryObject, MemoryObjects } from './memory-store.ts';
import { memoryUpload, type MemoryUpload, type UploadHost } from './memory-upload.ts';

export interface MemoryOptions {
  /** Name of the bucket. Default `memory`. */
  readonly bucket?: string;
  /** The time that objects get. Default: the clock. */
  readonly now?: () => Date;
}

const CHUNK_BYTES = 64 * 1024;

const CAPABILITIES: Capabilities = {
  put: { absent: 'native', match: 'native', conditionalMultipart: 'native' },
  deleteIf: 'native',
  copyIf: 'native',
  setHeaders: 'native',
  copy: 'account',
  rename: 'copy-delete',
  copyBatch: 1000,
  deleteBatch: 1000,
  list: { order: 'utf8', startAfter: 'native', until: 'native', delimiter: 'any', maxPage: 1000 },
  multipart: { minPart: 0, maxPart: 2 ** 31, maxParts: 10_000, equalParts: false, abort: 'explicit' },
  checksums: { verifies: ['crc32', 'md5', 'sha256'], lists: ['crc32'] },
  presign: [],
  tags: 'native',
  metadata: 'native',
  versions: false,
  keys: { maxBytes: MAX_KEY_BYTES, nested: true, caseSensitive: true },
  lastModified: { set: 'native', precisionMs: 0 },
  readOnly: false,
};

/** A bucket in this process's memory, empty at first: for tests, examples and as the plainest reading of the contract. */
export function memoryDriver(options: MemoryOptions = {}): BucketDriver {
  return new MemoryDriver(options);
}

class MemoryDriver implements BucketDriver, UploadHost {
  readonly provider = 'memory';
  readonly bucket: string;
  readonly capabilities = CAPABILITIES;
  readonly uploads: Map<string, MemoryUpload> = new Map();
  readonly #objects = new MemoryObjects();
  readonly #now: () => Date;
  #tokens = 0;

  constructor({ bucket = 'memory', now = (): Date => new Date() }: MemoryOptions) {
    this.bucket = bucket;
    this.#now = now;
  }

  checkKey(key: string): string | undefined {
    const bytes = Buffer.byteLength(key);
    return bytes > MAX_KEY_BYTES ? `it has ${bytes} bytes, at most ${MAX_KEY_BYTES} are allowed` : undefined;
  }

  async head(key: string, o: HeadOptions): Promise<ObjectInfo> {
    const info = fullInfo(this.#held(key));
    assertReadConditions(key, info, o);
    return info;
  }

  async get(key: string, o: GetOptions): Promise<DriverObject> {
    const held = this.#held(key);
    const info = fullInfo(held);
    assertReadConditions(key, info, o);
    const range = resolveRange(o.range, info.size);
    return { info, range, body: chunks(held.bytes.subarray(range.start, range.end), o.signal), close: () => Promise.resolve() };
  }

  async put(key: string, body: DriverBody, o: PutOptions): Promise<ObjectInfo> {
    // The condition is looked at twice: before a long stream is read in vain, and when it counts.
    assertWriteCondition(key, this.#current(key), o.if);
    const bytes = body instanceof Uint8Array ? new Uint8Array(body) : await collect(body, o);
    o.signal?.throwIfAborted();
    assertWriteCondition(key, this.#current(key), o.if);
    const info = this.#store(key, bytes, pickHeaders(o), o.lastModified);
    o.onProgress?.(bytes.byteLength);
    return info;
  }

  async startUpload(key: string, o: ObjectHeaders): Promise<Upload> {
    const ref = { key, id: `upload-${this.nextToken()}`, startedAt: this.#now().toISOString() };
    const upload: MemoryUpload = { ref, headers: pickHeaders(o), parts: new Map() };
    this.uploads.set(ref.id, upload);
    return memoryUpload(this, upload);
  }

  async resumeUpload(ref: UploadRef): Promise<Upload> {
    const upload = this.uploads.get(ref.id);
    if (upload === undefined || upload.ref.key !== ref.key)
      throw this.#fault('NotFound', ref.key, `there is no upload ${JSON.stringify(ref.id)} of ${JSON.stringify(ref.key)}`);
    return memoryUpload(this, upload);
  }

  async *listUploads(o: { readonly prefix?: string }): AsyncIterable<UploadRef> {
    for (const { ref } of this.uploads.values()) if (ref.key.startsWith(o.prefix ?? '')) yield ref;
  }

  async deleteMany(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    return items.map(({ key, if: condition }) => {
      try {
        const current = this.#current(key);
        if (condition !== undefined) assertRevision(key, current, condition);
        this.#objects.delete(key);
        return { key, ok: true };
      } catch (error) {
        return { key, ok: false, error: this.#known(error) };
      }
    });
  }

  async *list(o: ListOptions): AsyncIterable<ListPage> {
    let cursor = o.cursor;
    do {
      o.signal?.throwIfAborted();
      const page = memoryPage(this.#objects, { ...o, ...(cursor === undefined ? {} : { cursor }) }, this.capabilities.list.maxPage);
      yield page;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async copyMany(items: readonly CopyItem[]): Promise<readonly CopyOutcome[]> {
    return items.map((item) => {
      try {
        return { key: item.to, ok: true, info: this.#copy(item) };
      } catch (error) {
        return { key: item.to, ok: false, error: this.#known(error) };
      }
    });
  }

  canCopyFrom(other: BucketDriver): boolean {
    return other instanceof MemoryDriver;
  }

  copySource(key: string): CopySource {
    return { driver: this, key };
  }

  async setHeaders(key: string, headers: ObjectHeaders, o: { readonly if?: WriteRevision }): Promise<ObjectInfo> {
    const held = this.#held(key);
    if (o.if !== undefined) assertRevision(key, this.#current(key), o.if);
    return this.#store(key, held.bytes, pickHeaders(headers), held.lastModified);
  }

  presign(key: string): Promise<never> {
    return Promise.reject(this.#fault('Unsupported', key, 'objects in memory have no URL'));
  }

  async checkAccess(): Promise<AccessReport> {
    return { list: 'granted', read: 'granted', write: 'granted', delete: 'granted', 'list-uploads': 'granted' };
  }

  native(): unknown {
    return this.#objects;
  }

  async close(): Promise<void> {
    // Nothing is held but memory, which goes with the last reference.
  }

  nextToken(): string {
    this.#tokens++;
    return String(this.#tokens);
  }

  commit({ ref, headers }: MemoryUpload, bytes: Uint8Array, o: CompleteOptions): ObjectInfo {
    assertWriteCondition(ref.key, this.#current(ref.key), o.if);
    const digests = Object.keys(o.checksum ?? {}).flatMap((name) => createDigest(name as Digest['algorithm']) ?? []);
    for (const digest of digests) digest.update(bytes);
    assertDigests(digests, o.checksum ?? {}, ref.key);
    return this.#store(ref.key, bytes, headers, o.lastModified);
  }

  #copy({ from, to, if: condition, sourceIf, headers, lastModified }: CopyItem): ObjectInfo {
    const source = (from.driver as MemoryDriver).#held(from.key);
    if (sourceIf !== undefined) assertRevision(from.key, fullInfo(source), sourceIf);
    assertWriteCondition(to, this.#current(to), condition);
    return this.#store(to, source.bytes, headers === undefined ? source.headers : pickHeaders(headers), lastModified);
  }

  #store(key: string, bytes: Uint8Array, headers: ObjectHeaders, lastModified: Date | undefined): ObjectInfo {
    const crc32 = createDigest('crc32');
    crc32?.update(bytes);
    const object: MemoryObject = { key, bytes, headers, lastModified: lastModified ?? this.#now(), etag: `"${this.nextToken()}"`, crc32: crc32?.value() ?? '' };
    this.#objects.set(object);
    return fullInfo(object);
  }

  #current(key: string): ObjectInfo | undefined {
    const held = this.#objects.get(key);
    return held && fullInfo(held);
  }

  #held(key: string): MemoryObject {
    const held = this.#objects.get(key);
    if (held === undefined) throw this.#fault('NotFound', key, `there is no object ${JSON.stringify(key)} in ${JSON.stringify(this.bucket)}`);
    return held;
  }

  #fault(code: 'NotFound' | 'Unsupported', key: string, message: string): StorageError {
    return new StorageError(code, message, { provider: this.provider, bucket: this.bucket, key });
  }

  #known(error: unknown): StorageError {
    if (isStorageError(error)) return error;
    throw error;
  }
}

type WriteRevision = NonNullable<DeleteItem['if']>;

async function collect(body: AsyncIterable<Uint8Array>, o: PutOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    o.signal?.throwIfAborted();
    parts.push(new Uint8Array(chunk));
    size += chunk.byteLength;
    o.onProgress?.(size);
  }
  return Buffer.concat(parts, size);
}

async function* chunks(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) {
    signal?.throwIfAborted();
    yield bytes.slice(at, at + CHUNK_BYTES);
  }
}
