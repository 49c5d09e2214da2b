import {
  type Call,
  crc32Base64,
  crc32OfParts,
  type CompleteOptions,
  isStorageError,
  type ObjectHeaders,
  type ObjectInfo,
  type PartOptions,
  StorageError,
  type Upload,
  type UploadedPart,
  type UploadRef,
} from '@stowage/core';
import { orderedParts, UploadState } from '@stowage/wire';
import { expectedEtag, partToken, readToken } from './part-token.ts';
import { crc32Of, crc32Value } from './crc32.ts';
import type { ObjectCalls } from './object-calls.ts';
import type { SdkClient } from './sdk/sdk-client.ts';
import type { StoreConnection } from './store-connection.ts';
import { MAX_PARTS, MIN_PART } from './store-limits.ts';
import { quotedEtag } from './xml/listing.ts';

/** What an upload needs of the driver that opened it. */
export interface UploadHost {
  readonly store: StoreConnection;
  readonly calls: ObjectCalls;
  readonly sdk: SdkClient;
  /** Of the object that lies there now. */
  head(key: string, o: Call): Promise<ObjectInfo>;
  /** Before an object is made: see `NestedKeys.claim`. */
  claimKey(key: string, operation: string, o: Call): Promise<() => void> | (() => void);
}

/** Begins an upload whose object shall have these headers. `crc32`: parts carry a CRC32, and the store keeps that of the whole. */
export async function startUpload(host: UploadHost, key: string, headers: ObjectHeaders, crc32: boolean, o: Call): Promise<MinioUpload> {
  const id = await host.calls.beginUpload(key, { ...o, headers, crc32 });
  return new MinioUpload(host, { key, id, startedAt: new Date().toISOString() }, crc32, headers);
}

/** An upload of this or another process. Throws `NotFound` where the store knows it no longer. */
export async function resumeUpload(host: UploadHost, ref: UploadRef, crc32: boolean, o: Call): Promise<MinioUpload> {
  const probe = new MinioUpload(host, ref, crc32, undefined);
  const keepsCrc32 = await probe.keepsCrc32(o);
  return new MinioUpload(host, ref, keepsCrc32 ?? crc32, undefined);
}

export class MinioUpload implements Upload {
  readonly ref: UploadRef;
  readonly #host: UploadHost;
  readonly #crc32: boolean;
  readonly #headers: ObjectHeaders | undefined;
  readonly #state: UploadState;

  constructor(host: UploadHost, ref: UploadRef, crc32: boolean, headers: ObjectHeaders | undefined) {
    this.#host = host;
    this.ref = ref;
    this.#state = new UploadState(ref.key);
    this.#crc32 = crc32;
    this.#headers = headers;
  }

  async part(index: number, bytes: Uint8Array, { crc32: known, ...o }: PartOptions = {}): Promise<UploadedPart> {
    const { key, id } = this.ref;
    if (!Number.isInteger(index) || index < 0 || index >= MAX_PARTS)
      throw new StorageError('InvalidArgument', `expected a part's index from 0 to ${MAX_PARTS - 1}, got ${index}`, { key });
    this.#state.assertOpen();
    const crc32 = !this.#crc32 ? undefined : known === undefined ? crc32Of(bytes) : crc32Base64(known);
    const etag = await this.#host.calls.part(key, bytes, { ...o, uploadId: id, number: index + 1, crc32 });
    return { index, size: bytes.byteLength, token: partToken(etag, crc32) };
  }

  async parts(o: Call = {}): Promise<readonly UploadedPart[]> {
    this.#state.assertOpen();
    return (await this.#held(o)).parts;
  }

  /** Whether the parts carry CRC32; undefined where these credentials may not look. */
  async keepsCrc32(o: Call): Promise<boolean | undefined> {
    try {
      return (await this.#held(o)).crc32;
    } catch (error) {
      if (isStorageError(error, 'AccessDenied')) return undefined;
      throw error;
    }
  }

  async complete(parts: readonly UploadedPart[], o: CompleteOptions = {}): Promise<ObjectInfo> {
    this.#state.assertOpen();
    const { key, id } = this.ref;
    if (o.checksum !== undefined && (o.checksum.crc32 === undefined || !this.#crc32))
      throw new StorageError(
        'Unsupported',
        `of an upload's whole content S3 compares crc32 alone${this.#crc32 ? '' : ', and not of this upload'}; leave "checksum" out, or compare the object after`,
        { key },
      );
    const ordered = joinableParts(key, parts);
    // S3 has no upload of no parts, but an empty last part.
    const sent = ordered.length === 0 ? [await this.part(0, new Uint8Array(), o)] : ordered;
    const tokens = sent.map((part) => readToken(key, part));
    // MinIO finds no checksum of nothing to be right.
    const whole = o.checksum?.crc32 ?? (sent.length === 1 && sent[0]?.size === 0 ? undefined : wholeCrc32(sent, tokens));
    let etag: string | undefined;
    const release = await this.#host.claimKey(key, 'complete', o);
    try {
      etag = await this.#host.calls.completeUpload(key, {
        ...(o.signal === undefined ? {} : { signal: o.signal }),
        uploadId: id,
        parts: tokens,
        if: o.if,
        crc32: whole,
        ownChecksum: o.checksum !== undefined,
      });
    } catch (error) {
      etag = await this.#settled(error, expectedEtag(tokens), whole, sent, o);
    } finally {
      release();
    }
    this.#state.completed();
    return await this.#told(etag, sent, whole, o);
  }

  async abort(o: Call = {}): Promise<void> {
    const { key, id } = this.ref;
    const context = this.#host.store.context('abort', key);
    try {
      await this.#host.sdk.call(context, o, (client, sdk, send) =>
        client.send(new sdk.AbortMultipartUploadCommand({ Bucket: this.#host.store.bucket, Key: key, UploadId: id }), send),
      );
    } catch (error) {
      if (!isStorageError(error, 'NotFound')) throw error;
    }
    this.#state.aborted();
  }

  detach(): UploadRef {
    this.#state.detach();
    return this.ref;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.isOpen) await this.abort();
  }

  async #held(o: Call): Promise<{ readonly parts: UploadedPart[]; readonly crc32: boolean | undefined }> {
    const { key, id } = this.ref;
    const context = this.#host.store.context('parts', key);
    const parts: UploadedPart[] = [];
    let declared: boolean | undefined;
    let marker: string | undefined;
    do {
      const input = { Bucket: this.#host.store.bucket, Key: key, UploadId: id, ...(marker === undefined ? {} : { PartNumberMarker: marker }) };
      const page = await this.#host.sdk.call(context, o, (client, sdk, send) => client.send(new sdk.ListPartsCommand(input), send));
      if (page.ChecksumAlgorithm !== undefined) declared = page.ChecksumAlgorithm === 'CRC32' && page.ChecksumType !== 'COMPOSITE';
      for (const { PartNumber = 0, ETag = '', Size = 0, ChecksumCRC32 } of page.Parts ?? []) {
        parts.push({ index: PartNumber - 1, size: Size, token: partToken(quotedEtag(ETag), this.#crc32 ? ChecksumCRC32 : undefined) });
        declared ??= ChecksumCRC32 !== undefined;
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return { parts: parts.sort((a, b) => a.index - b.index), crc32: declared };
  }

  /**
   * A completion whose answer was lost, or was a 5xx, may have worked. The object that is there now decides: if it is this one, by
   * the ETag that its parts must give or by its checksum, the completion succeeded; else its failure stands.
   */
  async #settled(error: unknown, expected: string | undefined, crc32: string | undefined, parts: readonly UploadedPart[], o: CompleteOptions): Promise<string> {
    const lost = isStorageError(error) && (error.code === 'Unavailable' || error.code === 'Timeout' || (error.code === 'NotFound' && o.if === undefined));
    if (!lost || o.signal?.aborted === true) throw error;
    let found: ObjectInfo;
    try {
      found = await this.#host.head(this.ref.key, o.signal === undefined ? {} : { signal: o.signal });
    } catch (looking) {
      // What cannot be looked at stays as it was told.
      if (isStorageError(looking)) throw error;
      throw looking;
    }
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const same = found.size === size && (expected === undefined ? crc32 !== undefined && found.checksums.crc32 === crc32 : found.revision.etag === expected);
    if (!same || found.revision.etag === undefined) throw error;
    return found.revision.etag;
  }

  /** The new object: as the store tells it, or where these credentials may not read, as it was sent. */
  async #told(etag: string | undefined, parts: readonly UploadedPart[], crc32: string | undefined, o: Call): Promise<ObjectInfo> {
    try {
      return await this.#host.head(this.ref.key, o.signal === undefined ? {} : { signal: o.signal });
    } catch (error) {
      // Done is done: a failure to look is none of the completion.
      if (!isStorageError(error)) throw error;
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      return {
        key: this.ref.key,
        size,
        lastModified: new Date(),
        revision: etag === undefined ? {} : { etag },
        checksums: crc32 === undefined ? {} : { crc32 },
        headers: this.#headers ?? {},
      };
    }
  }
}

function joinableParts(key: string, parts: readonly UploadedPart[]): UploadedPart[] {
  const ordered = orderedParts(key, parts);
  for (const [position, part] of ordered.entries()) {
    if (position < ordered.length - 1 && part.size < MIN_PART)
      throw new StorageError(
        'InvalidArgument',
        `part ${position} of ${JSON.stringify(key)} has ${part.size} bytes; every part but the last must have ${MIN_PART} or more`,
        { key },
      );
  }
  return ordered;
}

function wholeCrc32(parts: readonly UploadedPart[], tokens: readonly { readonly crc32: string | undefined }[]): string | undefined {
  const values = tokens.map(({ crc32 }) => (crc32 === undefined ? undefined : crc32Value(crc32)));
  if (values.length === 0 || values.includes(undefined)) return undefined;
  return crc32OfParts(parts.map(({ size }, i) => ({ size, crc32: values[i] as number })));
}
