import { createHash, type Hash } from 'node:crypto';
import { conditionNotMet, invalid, noSuchBucket, noSuchObject } from './api-error.ts';
import { castagnoli, castagnoliText } from './castagnoli.ts';

/** What a writer may set of an object. https://cloud.google.com/storage/docs/json_api/v1/objects */
export interface Writable {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  storageClass?: string;
  customTime?: string;
  metadata?: Record<string, string>;
}

export const WRITABLE_TEXTS = [
  'contentType',
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'storageClass',
  'customTime',
] as const;

/** Bytes as they came, with their checksums. */
export class Content {
  readonly chunks: Buffer[] = [];
  size = 0;
  readonly #md5: Hash = createHash('md5');
  #crc32c = 0;

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.byteLength;
    this.#md5.update(chunk);
    this.#crc32c = castagnoli(chunk, this.#crc32c);
  }

  get md5(): string {
    return this.#md5.copy().digest('base64');
  }

  get crc32c(): string {
    return castagnoliText(this.#crc32c);
  }

  /** The bytes from `start` to `end` (exclusive), without copying them. */
  *slices(start: number, end: number): Iterable<Buffer> {
    let at = 0;
    for (const chunk of this.chunks) {
      const from = Math.max(start - at, 0);
      const to = Math.min(end - at, chunk.byteLength);
      if (from < to) yield chunk.subarray(from, to);
      at += chunk.byteLength;
      if (at >= end) return;
    }
  }
}

export interface HeldObject {
  readonly bucket: string;
  readonly name: string;
  readonly generation: string;
  metageneration: number;
  readonly content: Content;
  readonly md5Hash: string | undefined;
  readonly crc32c: string;
  readonly timeCreated: Date;
  updated: Date;
  timeDeleted?: Date;
  readonly componentCount?: number;
  properties: Writable;
}

interface Bucket {
  readonly versioned: boolean;
  /** Sorted by UTF-8 bytes. */
  readonly names: string[];
  readonly live: Map<string, HeldObject>;
  readonly noncurrent: Map<string, HeldObject[]>;
}

/** Conditions as a request names them; `0` is "there is no live version". https://cloud.google.com/storage/docs/request-preconditions */
export interface Conditions {
  readonly generationMatch?: string | undefined;
  readonly generationNotMatch?: string | undefined;
  readonly metagenerationMatch?: string | undefined;
  readonly metagenerationNotMatch?: string | undefined;
}

/** Buckets in memory: every change is whole, for the server has one thread. */
export class ObjectStore {
  readonly #buckets = new Map<string, Bucket>();
  #lastGeneration = 0;

  create(name: string, versioned: boolean): boolean {
    if (this.#buckets.has(name)) return false;
    this.#buckets.set(name, { versioned, names: [], live: new Map(), noncurrent: new Map() });
    return true;
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw noSuchBucket();
    return bucket;
  }

  /** The live version, or the named one. */
  find(bucketName: string, name: string, generation?: string): HeldObject | undefined {
    const bucket = this.bucket(bucketName);
    const live = bucket.live.get(name);
    if (generation === undefined || live?.generation === generation) return live;
    return bucket.noncurrent.get(name)?.find((each) => each.generation === generation);
  }

  get(bucketName: string, name: string, generation?: string): HeldObject {
    const found = this.find(bucketName, name, generation);
    if (found === undefined) throw noSuchObject(bucketName, name);
    return found;
  }

  put(bucketName: string, name: string, content: Content, properties: Writable, conditions: Conditions, componentCount?: number): HeldObject {
    assertName(name);
    assertProperties(properties);
    const bucket = this.bucket(bucketName);
    const old = bucket.live.get(name);
    assertConditions(old, conditions);
    const now = new Date();
    // Microseconds, like Google's, and never the same twice.
    this.#lastGeneration = Math.max(this.#lastGeneration + 1, now.getTime() * 1000);
    const held: HeldObject = {
      bucket: bucketName,
      name,
      generation: String(this.#lastGeneration),
      metageneration: 1,
      content,
      // https://cloud.google.com/storage/docs/composite-objects: composites have no MD5.
      md5Hash: componentCount === undefined ? content.md5 : undefined,
      crc32c: content.crc32c,
      timeCreated: now,
      updated: now,
      ...(componentCount === undefined ? {} : { componentCount }),
      properties: { storageClass: 'STANDARD', ...properties },
    };
    this.#retire(bucket, old);
    if (old === undefined) bucket.names.splice(position(bucket.names, name), 0, name);
    bucket.live.set(name, held);
    return held;
  }

  delete(bucketName: string, name: string, generation: string | undefined, conditions: Conditions): void {
    const bucket = this.bucket(bucketName);
    const held = this.find(bucketName, name, generation);
    if (held === undefined) throw noSuchObject(bucketName, name);
    assertConditions(held, conditions);
    if (bucket.live.get(name) === held) {
      bucket.live.delete(name);
      bucket.names.splice(position(bucket.names, name), 1);
      // Named by its generation, a version goes for good: https://cloud.google.com/storage/docs/object-versioning
      if (generation === undefined) this.#retire(bucket, held);
      return;
    }
    bucket.noncurrent.set(
      name,
      (bucket.noncurrent.get(name) ?? []).filter((each) => each !== held),
    );
  }

  #retire(bucket: Bucket, old: HeldObject | undefined): void {
    if (old === undefined || !bucket.versioned) return;
    old.timeDeleted = new Date();
    bucket.noncurrent.set(old.name, [...(bucket.noncurrent.get(old.name) ?? []), old]);
  }
}

/** Where the name stands, or would stand, in UTF-8 byte order. */
export function position(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  const wanted = Buffer.from(name);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(Buffer.from(names[middle] as string), wanted) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function assertConditions(current: HeldObject | undefined, c: Conditions): void {
  const generation = current?.generation ?? '0';
  const metageneration = String(current?.metageneration ?? 0);
  if (c.generationMatch !== undefined && c.generationMatch !== generation) throw conditionNotMet();
  if (c.generationNotMatch !== undefined && c.generationNotMatch === generation) throw conditionNotMet();
  if (c.metagenerationMatch !== undefined && c.metagenerationMatch !== metageneration) throw conditionNotMet();
  if (c.metagenerationNotMatch !== undefined && c.metagenerationNotMatch === metageneration) throw conditionNotMet();
}

/** https://cloud.google.com/storage/docs/objects#naming */
function assertName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > 1024) throw invalid(`The specified object name is not valid: ${bytes} bytes.`);
  if (/[\r\n]/.test(name) || name === '.' || name === '..' || name.startsWith('.well-known/acme-challenge/'))
    throw invalid('Disallowed unicode characters present in object name, or the name is reserved.');
}

/** Custom metadata: 8 KiB, https://cloud.google.com/storage/quotas#objects */
export function assertProperties({ metadata = {}, storageClass, contentType }: Writable): void {
  const size = Object.entries(metadata).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (size > 8192) throw invalid('Custom metadata exceeds 8192 bytes.');
  if (storageClass !== undefined && !/^(?:STANDARD|NEARLINE|COLDLINE|ARCHIVE)$/.test(storageClass)) throw invalid(`Invalid storage class ${storageClass}.`);
  if (contentType !== undefined && /[\r\n]/.test(contentType)) throw invalid('Invalid content type.');
}
