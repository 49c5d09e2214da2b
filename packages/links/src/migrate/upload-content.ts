import { createHash } from 'node:crypto';
import {
  type Bucket,
  type Call,
  createDigest,
  type ErrorCode,
  isStorageError,
  type ObjectInfo,
  StorageError,
  type Upload,
  type UploadedPart,
  type WriteCondition,
} from '@stowage/core';
import { Slots } from '../slots.ts';
import { HASH_METADATA, hashOf } from './content-digest.ts';
import { SMALL_BYTES } from './migrate-options.ts';
import type { UploadLedger } from './upload-ledger.ts';

export interface UploadSource {
  readonly bucket: Bucket;
  readonly info: ObjectInfo;
  /** Base64 of the SHA-256 that the content must have. */
  readonly hash: string;
  /** The hash was made from the content at hand, not taken from the catalog. */
  readonly hashIsRead: boolean;
  readonly mime: string | undefined;
}

export interface UploaderOptions {
  readonly target: Bucket;
  readonly ledger: UploadLedger;
  readonly partSize: number | undefined;
  readonly call: Call;
  /** Told of bytes that the target has taken. */
  readonly onBytes: (bytes: number) => void;
}

/** Parts are of no use behind these: the content is another, or something lies at the target that must stay. */
const SPOILT: ReadonlySet<ErrorCode> = new Set(['ChecksumMismatch', 'PreconditionFailed', 'AlreadyExists']);

const DEFAULT_PART = 8 * 1024 * 1024;
/** Parts in memory at once, over all uploads. */
const PARTS_AT_ONCE = 6;

/**
 * Sends content to its target, under the condition that nothing else lies there, and verified on its way: what does not have the
 * SHA-256 that is expected of it never becomes an object. Throws what the stores throw.
 */
export class Uploader {
  readonly #o: UploaderOptions;
  readonly #parts = new Slots(PARTS_AT_ONCE);

  constructor(o: UploaderOptions) {
    this.#o = o;
  }

  async send(source: UploadSource, key: string, condition: WriteCondition): Promise<ObjectInfo> {
    const { target } = this.#o;
    if (target.canCopyFrom(source.bucket)) return this.#copy(source, key, condition);
    return source.info.size <= SMALL_BYTES ? this.#sendAtOnce(source, key, condition) : this.#sendInParts(source, key, condition);
  }

  /** On the server's side, where the target can reach the main storage. */
  async #copy(source: UploadSource, key: string, condition: WriteCondition): Promise<ObjectInfo> {
    const { target, call } = this.#o;
    const { copyIf } = target.capabilities;
    const from = { bucket: source.bucket, key: source.info.key };
    // The bytes do not pass through here: that they are the right ones is seen before, and the copy is of that revision alone.
    if (!source.hashIsRead) assertHash(await hashOf(source.bucket, source.info, call), source);
    const conditions = copyIf === false ? {} : { if: condition, sourceIf: source.info.revision };
    const copied = await target.copy(from, key, { ...call, ...conditions, headers: this.#headers(source) });
    if (copied.size === source.info.size) return copied;
    throw new StorageError('ChecksumMismatch', `the copy has ${copied.size} bytes; its source has ${source.info.size}`, { key });
  }

  async #sendAtOnce(source: UploadSource, key: string, condition: WriteCondition): Promise<ObjectInfo> {
    const { target, call } = this.#o;
    const { size, revision } = source.info;
    // In memory, so that the storage's retry layer can send it again.
    const bytes = await (await source.bucket.get(source.info.key, { ...call, ifMatch: revision })).bytes();
    const info = await target.put(key, bytes, { ...call, ...this.#headers(source), ...this.#put(condition), size, checksum: { sha256: source.hash } });
    this.#o.onBytes(size);
    return info;
  }

  async #sendInParts(source: UploadSource, key: string, condition: WriteCondition): Promise<ObjectInfo> {
    const { target, call, ledger } = this.#o;
    const resumed = await this.#resume(source, key);
    const partSize = resumed?.partSize ?? this.#partSize(source.info.size);
    const upload = resumed?.upload ?? (await target.upload(key, { ...call, ...this.#headers(source) }));
    if (resumed === undefined) await ledger.begun(key, { ref: upload.ref, hash: source.hash, partSize });
    try {
      const { parts, crc32 } = await this.#sendParts(upload, source, partSize, resumed?.held ?? []);
      const compares = target.capabilities.checksums.verifies.includes('crc32');
      const conditional = target.capabilities.put.conditionalMultipart !== false;
      const info = await upload.complete(parts, { ...call, ...(conditional ? { if: condition } : {}), ...(compares ? { checksum: { crc32 } } : {}) });
      await ledger.ended(key);
      return info;
    } catch (error) {
      // Parts that arrived are kept for the next run, unless they are what is wrong.
      if (isStorageError(error) && SPOILT.has(error.code)) {
        await upload.abort();
        await ledger.ended(key);
      } else upload.detach();
      throw error;
    }
  }

  /** Reads the content from its beginning: its checksums are those of all of it, whatever parts have arrived before. */
  async #sendParts(
    upload: Upload,
    source: UploadSource,
    partSize: number,
    held: readonly UploadedPart[],
  ): Promise<{ readonly parts: readonly UploadedPart[]; readonly crc32: string }> {
    const { call } = this.#o;
    const sha256 = createHash('sha256');
    const crc32 = createDigest('crc32');
    const known = new Map(held.map((part) => [part.index, part]));
    const sending: Promise<UploadedPart>[] = [];
    let failed = false;
    const object = await source.bucket.get(source.info.key, { ...call, ifMatch: source.info.revision });
    try {
      for await (const { index, bytes } of piecesOf(object, partSize)) {
        sha256.update(bytes);
        crc32?.update(bytes);
        const there = known.get(index);
        if (there?.size === bytes.byteLength) {
          sending.push(Promise.resolve(there));
          continue;
        }
        await this.#parts.take();
        if (failed) {
          this.#parts.leave();
          break;
        }
        const part = this.#sendPart(upload, index, bytes);
        part.catch(() => (failed = true));
        sending.push(part);
      }
    } finally {
      // What is on its way ends before anything else is done with the upload.
      await Promise.allSettled(sending);
    }
    const parts = await Promise.all(sending);
    assertHash(sha256.digest('base64'), source);
    return { parts, crc32: crc32?.value() ?? '' };
  }

  /** Its place among the parts in memory was taken by the caller. */
  async #sendPart(upload: Upload, index: number, bytes: Uint8Array): Promise<UploadedPart> {
    try {
      const part = await upload.part(index, bytes, this.#o.call);
      this.#o.onBytes(bytes.byteLength);
      return part;
    } finally {
      this.#parts.leave();
    }
  }

  async #resume(
    source: UploadSource,
    key: string,
  ): Promise<{ readonly upload: Upload; readonly held: readonly UploadedPart[]; readonly partSize: number } | undefined> {
    const { target, call, ledger } = this.#o;
    const begun = ledger.find(key);
    if (begun === undefined) return undefined;
    try {
      const upload = await target.resumeUpload(begun.ref, call);
      if (begun.hash === source.hash) return { upload, held: await upload.parts(call), partSize: begun.partSize };
      // The entity has other content by now. Nobody else knows of these parts: they would stay, and be charged for.
      await upload.abort(call);
      return undefined;
    } catch (error) {
      if (isStorageError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #partSize(size: number): number {
    const { minPart, maxParts } = this.#o.target.capabilities.multipart;
    return Math.max(this.#o.partSize ?? DEFAULT_PART, minPart, Math.ceil(size / maxParts));
  }

  #headers({ mime, hash }: UploadSource): { readonly contentType?: string; readonly metadata?: Readonly<Record<string, string>> } {
    const keepsMetadata = this.#o.target.capabilities.metadata !== false;
    return { ...(mime === undefined ? {} : { contentType: mime }), ...(keepsMetadata ? { metadata: { [HASH_METADATA]: hash } } : {}) };
  }

  #put(condition: WriteCondition): { readonly if?: WriteCondition } {
    const { put } = this.#o.target.capabilities;
    return (condition === 'absent' ? put.absent : put.match) === false ? {} : { if: condition };
  }
}

function assertHash(got: string, { hash, info }: UploadSource): void {
  if (got === hash) return;
  throw new StorageError('ChecksumMismatch', `the content of ${JSON.stringify(info.key)} has sha256 ${got}, expected ${hash}`, { key: info.key });
}

/** Content in pieces of one size, but for the last. */
async function* piecesOf(
  content: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ readonly index: number; readonly bytes: Uint8Array }, void, undefined> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let index = 0;
  for await (const whole of content) {
    let chunk = whole;
    while (held + chunk.byteLength >= size) {
      chunks.push(chunk.subarray(0, size - held));
      yield { index: index++, bytes: Buffer.concat(chunks) };
      chunk = chunk.subarray(size - held);
      chunks = [];
      held = 0;
    }
    if (chunk.byteLength > 0) chunks.push(chunk);
    held += chunk.byteLength;
  }
  if (held > 0) yield { index, bytes: Buffer.concat(chunks) };
}
