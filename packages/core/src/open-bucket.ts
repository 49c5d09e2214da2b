import { withAttemptEvents } from './attempt-events.ts';
import type { Body } from './body.ts';
import type { Bucket, CopyOptions, GetRangesOptions, ObjectPlace, StoredObject } from './bucket.ts';
import { assertRange, type ByteRange } from './byte-range.ts';
import type { Capabilities } from './capabilities.ts';
import { checkedUpload } from './checked-upload.ts';
import { toDriverBody } from './content.ts';
import { createDigest } from './digest.ts';
import type {
  AccessReport,
  BucketDriver,
  Call,
  CopyItem,
  CopyOutcome,
  DeleteItem,
  DeleteOutcome,
  GetOptions,
  HeadOptions,
  Layer,
  ListOptions,
  ListPage,
  PresignedRequest,
  PresignOptions,
  PutOptions,
  Upload,
  UploadRef,
  WriteCondition,
} from './driver.ts';
import { pickHeaders } from './headers.ts';
import { assertKey, keyFault } from './keys.ts';
import { timeoutLayer } from './layers/timeout.ts';
import type { ObjectHeaders, ObjectInfo } from './object-info.ts';
import { pick } from './pick.ts';
import { coalesce } from './ranges.ts';
import { isStorageError, StorageError } from './storage-error.ts';
import { storedObject } from './stored-object.ts';
import { shownKey } from './wording/shown-key.ts';

export interface OpenOptions {
  /** From the driver outwards. Default: none; a store over a network wants at least `retryLayer()`. */
  readonly layers?: readonly Layer[];
}

/** A driver as its users hold it. Every attempt is told on the `stowage:attempt` channel, and `timeoutMs` is kept. */
export function openBucket(driver: BucketDriver, { layers = [] }: OpenOptions = {}): Bucket {
  return new DriverBucket(layers.reduce((inner, layer) => layer(inner), withAttemptEvents(driver)));
}

class DriverBucket implements Bucket {
  readonly name: string;
  readonly provider: string;
  readonly capabilities: Capabilities;
  readonly driver: BucketDriver;
  /** The driver with the caller's own time limits kept. */
  readonly #timed: BucketDriver;

  constructor(driver: BucketDriver) {
    this.name = driver.bucket;
    this.provider = driver.provider;
    this.capabilities = driver.capabilities;
    this.driver = driver;
    this.#timed = timeoutLayer()(driver);
  }

  with(...layers: Layer[]): Bucket {
    return new DriverBucket(layers.reduce((inner, layer) => layer(inner), this.driver));
  }

  checkKey(key: string): string | undefined {
    return keyFault(key) ?? this.driver.checkKey(key);
  }

  head(key: string, o: HeadOptions = {}): Promise<ObjectInfo> {
    return this.#run('head', key, o, () => {
      this.#support('version', o.version, this.capabilities.versions);
      return this.#timed.head(key, o);
    });
  }

  async exists(key: string, o: Call = {}): Promise<boolean> {
    try {
      await this.head(key, o);
      return true;
    } catch (error) {
      if (isStorageError(error, 'NotFound')) return false;
      throw error;
    }
  }

  get(key: string, o: GetOptions = {}): Promise<StoredObject> {
    return this.#run('get', key, o, async () => {
      this.#support('version', o.version, this.capabilities.versions);
      if (o.range !== undefined) assertRange(o.range);
      return storedObject(await this.#timed.get(key, o), o.verify ?? true, o.into);
    });
  }

  getRanges(key: string, ranges: readonly ByteRange[], { coalesceGap = 64 * 1024, ...o }: GetRangesOptions = {}): Promise<Uint8Array[]> {
    return this.#run('get', key, o, async () => {
      for (const range of ranges) assertRange(range);
      if (ranges.length === 0) return [];
      const info = await this.head(key, o);
      const { requests, places } = coalesce(ranges, info.size, coalesceGap);
      // Conditions were judged by head; from here on it is that revision or none.
      const call = { ...(o.signal === undefined ? {} : { signal: o.signal }), ...(o.timeoutMs === undefined ? {} : { timeoutMs: o.timeoutMs }) };
      const read = await Promise.all(
        requests.map(async (range) =>
          (await this.get(key, { ...call, range, ifMatch: info.revision, ...(o.version === undefined ? {} : { version: o.version }) })).bytes(),
        ),
      );
      return places.map(({ request, start, end }) => (read[request] as Uint8Array).slice(start, end));
    });
  }

  put(key: string, body: Body, o: PutOptions = {}): Promise<ObjectInfo> {
    return this.#run('put', key, o, () => {
      this.#writable('put');
      this.#assertHeaders(o);
      this.#assertCondition(o.if);
      this.#support('lastModified', o.lastModified, this.capabilities.lastModified.set);
      this.#assertChecksums(o);
      return this.#timed.put(key, toDriverBody(body, { key, ...pick('signal', o.signal), ...pick('size', o.size), ...pick('checksum', o.checksum) }), o);
    });
  }

  upload(key: string, o: ObjectHeaders & Call = {}): Promise<Upload> {
    return this.#run('startUpload', key, o, async () => {
      this.#writable('upload');
      this.#assertHeaders(o);
      return this.#checked(await this.#timed.startUpload(key, o));
    });
  }

  resumeUpload(ref: UploadRef, o: Call = {}): Promise<Upload> {
    return this.#run('resumeUpload', ref.key, o, async () => {
      this.#writable('resumeUpload');
      return this.#checked(await this.#timed.resumeUpload(ref, o));
    });
  }

  #checked(upload: Upload): Upload {
    return checkedUpload(upload, {
      capabilities: this.capabilities,
      run: (operation, o, work) => this.#call(operation, upload.ref.key, o, work),
      assertCompletion: (o) => {
        this.#support('if', o.if, this.capabilities.put.conditionalMultipart);
        this.#assertCondition(o.if);
        this.#support('lastModified', o.lastModified, this.capabilities.lastModified.set);
      },
    });
  }

  listUploads(o: { readonly prefix?: string } & Call = {}): AsyncIterable<UploadRef> {
    return this.#each('listUploads', o, () => this.#timed.listUploads(o));
  }

  async delete(key: string, o: Parameters<Bucket['delete']>[1] = {}): Promise<void> {
    const { if: condition, version, ...call } = o;
    const item = { key, ...pick('if', condition), ...pick('version', version) };
    const [outcome] = await this.#deleteBatch([item], call);
    if (outcome?.ok === false) throw outcome.error;
  }

  async *deleteMany(items: Parameters<Bucket['deleteMany']>[0], o: Call = {}): AsyncIterable<DeleteOutcome> {
    let batch: DeleteItem[] = [];
    for await (const item of items) {
      batch.push(typeof item === 'string' ? { key: item } : item);
      if (batch.length < this.capabilities.deleteBatch) continue;
      yield* await this.#deleteBatch(batch, o);
      batch = [];
    }
    if (batch.length > 0) yield* await this.#deleteBatch(batch, o);
  }

  /** An item that is refused here has its outcome among the others, at its place. */
  async #deleteBatch(items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
    const refused = items.map((item) =>
      this.#refusal('delete', item.key, () => {
        this.#writable('delete');
        this.#support('if', item.if, this.capabilities.deleteIf);
        this.#support('version', item.version, this.capabilities.versions);
      }),
    );
    const sent = items.filter((_, i) => refused[i] === undefined);
    const outcomes = sent.length === 0 ? [] : await this.#call('delete', undefined, o, () => this.#timed.deleteMany(sent, o));
    let next = 0;
    return items.map((item, i) => {
      const error = refused[i];
      return error === undefined ? this.#told('delete', outcomes[next++] as DeleteOutcome) : { key: item.key, ok: false, error };
    });
  }

  async *list(o: Parameters<Bucket['list']>[0] = {}): AsyncIterable<ObjectInfo> {
    for await (const page of this.listPages(o)) {
      const hidden = page.issues.find(({ kind }) => kind === 'unreadable' || kind === 'invalid-name');
      if (hidden !== undefined) throw this.#located('list', hidden.key, new StorageError('AccessDenied', hidden.message));
      yield* page.objects;
    }
  }

  listPages(o: ListOptions = {}): AsyncIterable<ListPage> {
    return this.#each('list', o, () => {
      const { limit, delimiter } = o;
      if (this.capabilities.list.unsupported === true)
        throw new StorageError('Unsupported', `${this.provider} has no listings: name the objects by their keys`);
      if (limit !== undefined && (!Number.isInteger(limit) || limit < 1))
        throw new StorageError('InvalidArgument', `expected "limit" to be a whole number, 1 or more; got ${limit}`);
      if (delimiter === '') throw new StorageError('InvalidArgument', 'expected "delimiter" to be at least one character; leave it out to list all keys');
      if (delimiter !== undefined && delimiter !== '/' && this.capabilities.list.delimiter !== 'any')
        throw new StorageError('Unsupported', `this store groups keys by "/" only; got the delimiter ${JSON.stringify(delimiter)}`);
      this.#support('startAfter', o.startAfter, this.capabilities.list.startAfter);
      this.#support('until', o.until, this.capabilities.list.until);
      return this.#timed.list(o);
    });
  }

  async listPage(o: ListOptions = {}): Promise<ListPage> {
    for await (const page of this.listPages(o)) return page;
    return { objects: [], prefixes: [], issues: [] };
  }

  async copy(from: string | ObjectPlace, to: string, { version, headers, if: condition, sourceIf, lastModified, ...o }: CopyOptions = {}): Promise<ObjectInfo> {
    const place = typeof from === 'string' ? { bucket: this, key: from } : from;
    assertHeldKey(place.bucket, 'copy', place.key);
    const item: CopyItem = {
      from: { ...place.bucket.driver.copySource(place.key), ...pick('version', version) },
      to,
      ...pick('if', condition),
      ...pick('sourceIf', sourceIf),
      ...pick('headers', headers),
      ...pick('lastModified', lastModified),
    };
    const [outcome] = await this.copyMany([item], o);
    if (outcome?.ok === true) return outcome.info;
    throw outcome?.error ?? new StorageError('Unknown', 'the driver gave no outcome');
  }

  async copyMany(items: readonly CopyItem[], o: Call = {}): Promise<readonly CopyOutcome[]> {
    const refused = items.map((item) =>
      this.#refusal('copy', item.to, () => {
        this.#writable('copy');
        if (item.headers !== undefined) this.#assertHeaders(item.headers);
        this.#assertCondition(item.if);
        this.#support('sourceIf', item.sourceIf, this.capabilities.copyIf);
        this.#support('version', item.from.version, item.from.driver.capabilities.versions);
        this.#support('lastModified', item.lastModified, this.capabilities.lastModified.set);
        if (!this.driver.canCopyFrom(item.from.driver))
          throw new StorageError(
            'Unsupported',
            `this store cannot copy from ${item.from.driver.provider} ${JSON.stringify(item.from.driver.bucket)} by itself; read there and write here`,
          );
      }),
    );
    const sent = items.filter((_, i) => refused[i] === undefined);
    const outcomes = await this.#copyBatches(sent, o);
    let next = 0;
    return items.map((item, i) => {
      const error = refused[i];
      return error === undefined ? this.#told('copy', outcomes[next++] as CopyOutcome) : { key: item.to, ok: false, error };
    });
  }

  /** Several batches at once. One of which nothing is known is told for its items, unless nothing is known of any. */
  async #copyBatches(items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]> {
    const { copyBatch } = this.capabilities;
    const batches = Array.from({ length: Math.ceil(items.length / copyBatch) }, (_, i) => items.slice(i * copyBatch, (i + 1) * copyBatch));
    const outcomes: CopyOutcome[] = [];
    let failure: StorageError | undefined;
    let known = false;
    for (let at = 0; at < batches.length; at += COPY_BATCHES_AT_ONCE) {
      const begun = batches.slice(at, at + COPY_BATCHES_AT_ONCE);
      const ended = await Promise.allSettled(begun.map(async (batch) => this.#call('copy', undefined, o, () => this.#timed.copyMany(batch, o))));
      for (const [i, end] of ended.entries()) {
        if (end.status === 'fulfilled') {
          known = true;
          outcomes.push(...end.value);
          continue;
        }
        // An abort, or a fault of this program: nothing more is begun.
        if (o.signal?.aborted === true || !isStorageError(end.reason)) throw end.reason;
        const error = (failure = end.reason);
        outcomes.push(...(begun[i] ?? []).map(({ to }): CopyOutcome => ({ key: to, ok: false, error })));
      }
    }
    if (failure !== undefined && !known) throw failure;
    return outcomes;
  }

  canCopyFrom(other: Bucket): boolean {
    return this.driver.canCopyFrom(other.driver.copySource('x').driver);
  }

  async move(from: string, to: string, o: CopyOptions = {}): Promise<ObjectInfo> {
    const { revision } = await this.head(from, { ...pick('signal', o.signal), ...pick('timeoutMs', o.timeoutMs) });
    const sourceIf = o.sourceIf ?? (this.capabilities.copyIf === false ? undefined : revision);
    const info = await this.copy(from, to, { ...o, ...pick('sourceIf', sourceIf) });
    if (from !== to) await this.delete(from, { ...pick('signal', o.signal), ...(this.capabilities.deleteIf === false ? {} : { if: revision }) });
    return info;
  }

  setHeaders(key: string, headers: ObjectHeaders, o: Parameters<Bucket['setHeaders']>[2] = {}): Promise<ObjectInfo> {
    return this.#run('setHeaders', key, o, () => {
      this.#writable('setHeaders');
      this.#support('setHeaders', headers, this.capabilities.setHeaders);
      this.#assertHeaders(headers);
      if (o.if !== undefined) this.#assertCondition(o.if);
      return this.#timed.setHeaders(key, pickHeaders(headers), o);
    });
  }

  presign(key: string, o: PresignOptions): Promise<PresignedRequest> {
    return this.#run('presign', key, o, () => {
      if (!this.capabilities.presign.includes(o.method))
        throw new StorageError('Unsupported', `this store presigns ${this.capabilities.presign.join(', ') || 'nothing'}; got ${o.method}`);
      if (!Number.isInteger(o.expiresInSeconds) || o.expiresInSeconds < 1)
        throw new StorageError('InvalidArgument', `expected "expiresInSeconds" to be a whole number, 1 or more; got ${o.expiresInSeconds}`);
      return this.#timed.presign(key, o);
    });
  }

  checkAccess(o: Call = {}): Promise<AccessReport> {
    return this.#call('checkAccess', undefined, o, () => this.#timed.checkAccess(o));
  }

  native(): unknown {
    return this.driver.native();
  }

  close(): Promise<void> {
    return this.driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A call on one key, which is checked first. */
  #run<T>(operation: string, key: string, o: Call, work: () => Promise<T>): Promise<T> {
    return this.#call(operation, key, o, () => {
      assertHeldKey(this, operation, key);
      return work();
    });
  }

  async #call<T>(operation: string, key: string | undefined, o: Call, work: () => Promise<T>): Promise<T> {
    o.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      throw this.#wrapped(operation, key, o, error);
    }
  }

  async *#each<T>(operation: string, o: Call, work: () => AsyncIterable<T>): AsyncIterable<T> {
    o.signal?.throwIfAborted();
    try {
      // Not `yield*`: an error that the reader throws into the loop is not the driver's.
      for await (const item of work()) yield item;
    } catch (error) {
      throw this.#wrapped(operation, undefined, o, error);
    }
  }

  #wrapped(operation: string, key: string | undefined, o: Call, error: unknown): unknown {
    if (o.signal?.aborted === true && error === o.signal.reason) return error;
    if (isStorageError(error)) return this.#located(operation, key, error);
    // What a caller's own content stream throws is theirs, and comes back as the cause.
    const message = error instanceof Error ? error.message : String(error);
    return this.#located(operation, key, new StorageError('Unknown', message, { cause: error }));
  }

  #located(operation: string, key: string | undefined, error: StorageError): StorageError {
    return error.with({ operation, provider: this.provider, bucket: this.name, ...pick('key', key) });
  }

  #told<R extends CopyOutcome | DeleteOutcome>(operation: string, outcome: R): R {
    return outcome.ok ? outcome : { ...outcome, error: this.#located(operation, outcome.key, outcome.error) };
  }

  #refusal(operation: string, key: string, check: () => void): StorageError | undefined {
    try {
      assertHeldKey(this, operation, key);
      check();
      return undefined;
    } catch (error) {
      if (isStorageError(error)) return this.#located(operation, key, error);
      throw error;
    }
  }

  #writable(what: string): void {
    if (this.capabilities.readOnly) throw new StorageError('Unsupported', `${what}: this bucket is read-only`);
  }

  #support(option: string, value: unknown, support: Capabilities['tags']): void {
    if (value !== undefined && support === false) throw new StorageError('Unsupported', `"${option}" is not supported by ${this.provider}`);
  }

  #assertCondition(condition: WriteCondition | undefined): void {
    if (condition === undefined) return;
    this.#support('if', condition, condition === 'absent' ? this.capabilities.put.absent : this.capabilities.put.match);
    if (condition !== 'absent' && condition.etag === undefined && condition.version === undefined)
      throw new StorageError('InvalidArgument', 'expected "if" to be "absent" or a revision that the store gave; got an empty revision');
  }

  #assertHeaders({ metadata, tags }: ObjectHeaders): void {
    this.#support('metadata', metadata, this.capabilities.metadata);
    this.#support('tags', tags, this.capabilities.tags);
    const seen = new Set<string>();
    for (const name of Object.keys(metadata ?? {})) {
      if (!METADATA_NAME.test(name))
        throw new StorageError(
          'InvalidArgument',
          `expected metadata names of letters, digits, "-" and "_" (they travel as HTTP headers); got ${JSON.stringify(name)}`,
        );
      if (seen.has(name.toLowerCase())) throw new StorageError('InvalidArgument', `two metadata names differ by case only: ${JSON.stringify(name)}`);
      seen.add(name.toLowerCase());
    }
  }

  #assertChecksums({ checksum }: PutOptions): void {
    for (const name of Object.keys(checksum ?? {}) as (keyof NonNullable<PutOptions['checksum']>)[])
      if (!this.capabilities.checksums.verifies.includes(name) && createDigest(name) === undefined)
        throw new StorageError(
          'Unsupported',
          `the checksum ${name} is compared by neither ${this.provider} nor this program; give one of ${this.capabilities.checksums.verifies.join(', ') || 'crc32, md5, sha256'}`,
        );
  }
}

function assertHeldKey(bucket: Bucket, operation: string, key: string): void {
  const where = { operation, provider: bucket.provider, bucket: bucket.name, key };
  assertKey(key, where);
  const fault = bucket.driver.checkKey(key);
  if (fault !== undefined) throw new StorageError('InvalidKey', `this store cannot hold the key ${JSON.stringify(shownKey(key))}: ${fault}`, where);
}

/** As many requests as a store answers well at once, where each copy is one. */
const COPY_BATCHES_AT_ONCE = 16;

const METADATA_NAME = /^[A-Za-z0-9_-]+$/;
