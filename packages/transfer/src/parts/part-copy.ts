import { type Bucket, type Call, crc32OfParts, isStorageError, type ObjectInfo, StorageError, type Upload, type UploadedPart } from '@stowage/core';
import { crc32 } from 'node:zlib';
import { carriedHeaders } from '../carried-headers.ts';
import { isKnown, listedRevision, writeCondition } from '../copy-condition.ts';
import { asStorageError } from '../copy-failure.ts';
import type { KnownPart, UnfinishedUploads, UploadPlan } from '../journal/unfinished-uploads.ts';
import type { Side } from '../side.ts';
import type { Stop } from '../stop.ts';
import type { StreamCopied, StreamCopy } from '../stream-copy.ts';
import { partRange } from './part-plan.ts';

/** Parts of one object in flight: enough for a long way, few enough that small objects get their turn. */
const PARTS_AT_ONCE = 8;

export interface PartCopy extends StreamCopy {
  readonly partSize: number;
  /** Where uploads are kept for a later run; without it, one that fails is removed. */
  readonly uploads: UnfinishedUploads | undefined;
  readonly stop: Stop;
  /** Runs one part's work when its turn has come and there is memory for it. */
  readonly turn: <T>(bytes: number, work: () => Promise<T>) => Promise<T>;
}

export type PartCopied = StreamCopied | { readonly ok: false; readonly interrupted: true; readonly sent: number; readonly message: string };

/** A failure, and whose it is. */
class SideFailure extends Error {
  readonly side: Side;
  readonly error: unknown;

  constructor(side: Side, error: unknown) {
    super();
    this.side = side;
    this.error = error;
  }
}

/** Whether an object can be copied in parts: each read must name the revision, or two versions could mix. */
export function canGoInParts(size: number, partSize: number, { revision }: ObjectInfo, { capabilities }: Bucket): boolean {
  return size > partSize && isKnown(revision) && capabilities.multipart.maxParts > 1 && partSize <= capabilities.multipart.maxPart;
}

/**
 * Copies one object through this process in parts, several at once, each read from the listed revision. A part that is there is kept
 * for the next run, should this one not come to the end. Never throws.
 */
export async function copyInParts(o: PartCopy): Promise<PartCopied> {
  const copy = new PartedObject(o);
  try {
    return await copy.run();
  } catch (thrown) {
    const { side, error } = thrown instanceof SideFailure ? thrown : { side: 'destination' as const, error: asStorageError(thrown) };
    return { ok: false, error, side, sent: copy.sent };
  }
}

class PartedObject {
  sent = 0;
  readonly #o: PartCopy;
  readonly #call: Call;
  readonly #plan: UploadPlan;
  readonly #count: number;
  readonly #parts: (KnownPart | undefined)[];

  constructor(o: PartCopy) {
    const { revision, size, lastModified } = o.action.source;
    this.#o = o;
    this.#call = o.signal === undefined ? {} : { signal: o.signal };
    this.#plan = { revision, lastModified, size, partSize: o.partSize };
    this.#count = Math.ceil(size / o.partSize);
    this.#parts = Array.from({ length: this.#count });
  }

  async run(): Promise<PartCopied> {
    const { source, action, destination, uploads } = this.#o;
    const info = await on('source', () => source.head(action.key, { ...this.#call, ...listedRevision(action.source) }));
    const known = uploads?.find(action.key, this.#plan);
    const resumed = known === undefined ? undefined : await this.#resume(known);
    if (resumed !== undefined && 'revision' in resumed) return { ok: true, sent: 0, revision: resumed.revision };
    const upload = resumed ?? (await this.#begin(info));
    try {
      await this.#sendAll(upload);
    } catch (error) {
      await this.#leave(upload, error);
      throw error;
    }
    if (this.#parts.includes(undefined)) {
      await this.#leave(upload, undefined);
      const there = this.#parts.filter((part) => part !== undefined).length;
      const kept = uploads === undefined ? 'run again' : `${there} of ${this.#count} parts are there; run again to go on`;
      return { ok: false, interrupted: true, sent: this.sent, message: `interrupted while it was copied; ${kept}` };
    }
    const parts = this.#parts as KnownPart[];
    const whole = crc32OfParts(parts);
    if (info.checksums.crc32 !== undefined && info.checksums.crc32 !== whole) {
      const error = new StorageError('ChecksumMismatch', `the content that was read has crc32 ${whole}, the source keeps ${info.checksums.crc32}`, {
        key: action.key,
        retryable: false,
      });
      await this.#remove(upload);
      throw new SideFailure('source', error);
    }
    const written = await this.#complete(upload, parts, whole);
    uploads?.ended(upload.ref);
    if (written.size !== action.source.size || (written.checksums.crc32 ?? whole) !== whole)
      throw new StorageError(
        'ChecksumMismatch',
        `${destination.provider} tells ${written.size} bytes with crc32 ${written.checksums.crc32 ?? '(none)'} of what was sent: ${action.source.size} bytes with crc32 ${whole}; delete it there and run again`,
        { key: action.key, retryable: false },
      );
    return { ok: true, sent: this.sent, revision: written.revision };
  }

  async #begin({ headers = {} }: ObjectInfo): Promise<Upload> {
    const { destination, action, uploads, onDropped } = this.#o;
    const intent = uploads?.intend(action.key);
    const upload = await on('destination', () => destination.upload(action.key, { ...this.#call, ...carriedHeaders(headers, destination, onDropped) }));
    uploads?.began(upload.ref, this.#plan, intent);
    return upload;
  }

  /**
   * Takes up an upload of an earlier run: what both the store and the journal have of it is there. The object's revision, where that
   * run was ended between the completion and the note of it. Undefined where it is gone.
   */
  async #resume(known: NonNullable<ReturnType<UnfinishedUploads['find']>>): Promise<Upload | ObjectInfo | undefined> {
    const { destination, uploads } = this.#o;
    try {
      const upload = await destination.resumeUpload(known.ref, this.#call);
      const held = new Map((await upload.parts(this.#call)).map((part) => [part.index, part]));
      for (const part of known.parts) {
        const there = held.get(part.index);
        if (there?.token === part.token && there.size === part.size) this.#parts[part.index] = part;
      }
      return upload;
    } catch (error) {
      if (!isStorageError(error, 'NotFound')) throw new SideFailure('destination', error);
      const made = await this.#madeBefore(known.parts);
      uploads?.ended(known.ref);
      return made;
    }
  }

  /** Settled by looking: whether the object that is there is the one that these parts make. */
  async #madeBefore(parts: readonly KnownPart[]): Promise<ObjectInfo | undefined> {
    const { destination, action } = this.#o;
    if (parts.length !== this.#count) return undefined;
    try {
      const found = await destination.head(action.key, this.#call);
      return found.size === action.source.size && found.checksums.crc32 === crc32OfParts(parts) ? found : undefined;
    } catch (error) {
      if (isStorageError(error)) return undefined; // It cannot be told: it is sent again.
      throw error;
    }
  }

  /** Sends what lacks. Begins no part once the run is to stop, and throws the first failure when nothing is in flight any more. */
  async #sendAll(upload: Upload): Promise<void> {
    const inFlight = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    for (let index = 0; index < this.#count; index++) {
      if (this.#parts[index] !== undefined) continue;
      if (inFlight.size >= PARTS_AT_ONCE) await Promise.race(inFlight);
      if (failure !== undefined || this.#o.stop.cause !== undefined) break;
      const { start, end } = partRange(index, this.#plan.size, this.#plan.partSize);
      const work: Promise<void> = this.#o
        .turn(end - start, async () => {
          // Its turn may have come late.
          if (failure === undefined && this.#o.stop.cause === undefined) await this.#send(upload, index, start, end);
        })
        .then(
          () => void inFlight.delete(work),
          (error: unknown) => {
            failure ??= { error };
            inFlight.delete(work);
          },
        );
      inFlight.add(work);
    }
    await Promise.all(inFlight);
    if (failure !== undefined) throw failure.error;
  }

  async #send(upload: Upload, index: number, start: number, end: number): Promise<void> {
    const { action, buffers, onBytes, uploads } = this.#o;
    const buffer = buffers.take(end - start);
    const { bytes, sum } = await on('source', () => this.#read(buffer, start, end));
    const sent: UploadedPart = await on('destination', () => upload.part(index, bytes, { ...this.#call, crc32: sum }));
    buffers.giveBack(buffer);
    const part = { ...sent, crc32: sum };
    uploads?.sent(action.key, part);
    this.#parts[index] = part;
    this.sent += bytes.byteLength;
    onBytes(bytes.byteLength);
  }

  /** The content, and its CRC32. */
  async #read(buffer: Buffer, start: number, end: number): Promise<{ readonly bytes: Uint8Array; readonly sum: number }> {
    const { source, action } = this.#o;
    const object = await source.get(action.key, { ...this.#call, ...listedRevision(action.source), range: { start, end }, into: buffer });
    try {
      if (object.range.start !== start || object.range.end !== end)
        throw new StorageError('Unavailable', `the store was asked for bytes ${start} to ${end} and gives ${object.range.start} to ${object.range.end}`);
      let filled = 0;
      let sum = 0;
      for await (const chunk of object) {
        if (filled + chunk.byteLength > end - start)
          throw new StorageError('Unavailable', `the store gives more than the ${end - start} bytes that were asked for`);
        await this.#o.pass?.(chunk.byteLength);
        // The driver need not have put it there itself.
        if (chunk.buffer !== buffer.buffer || chunk.byteOffset !== buffer.byteOffset + filled) buffer.set(chunk, filled);
        // While it is in the processor's cache.
        sum = crc32(chunk, sum);
        filled += chunk.byteLength;
      }
      if (filled !== end - start) throw new StorageError('Unavailable', `the content broke off at byte ${start + filled} of ${end}`);
      return { bytes: buffer.subarray(0, filled), sum };
    } finally {
      await object[Symbol.asyncDispose]();
    }
  }

  async #complete(upload: Upload, parts: readonly KnownPart[], whole: string): Promise<ObjectInfo> {
    try {
      return await this.#completeChecked(upload, parts, whole);
    } catch (error) {
      await this.#leave(upload, error);
      throw new SideFailure('destination', error);
    }
  }

  async #completeChecked(upload: Upload, parts: readonly KnownPart[], whole: string): Promise<ObjectInfo> {
    const { destination, action } = this.#o;
    const { put, lastModified } = destination.capabilities;
    const options = {
      ...this.#call,
      ...(put.conditionalMultipart === false ? {} : writeCondition(action)),
      ...(lastModified.set === false ? {} : { lastModified: action.source.lastModified }),
    };
    const tokens = parts.map(({ index, size, token }) => ({ index, size, token }));
    try {
      return await upload.complete(tokens, { ...options, checksum: { crc32: whole } });
    } catch (error) {
      // Asked before anything is sent: this store compares no such checksum, or not of this upload. Its parts were compared one by one.
      if (!isStorageError(error, 'Unsupported')) throw error;
      return await upload.complete(tokens, options);
    }
  }

  /** Keeps the upload for the next run, unless nothing can come of it. */
  async #leave(upload: Upload, error: unknown): Promise<void> {
    const lost =
      error instanceof SideFailure && error.side === 'source' && isStorageError(error.error) && ['PreconditionFailed', 'NotFound'].includes(error.error.code);
    if (this.#o.uploads === undefined || lost) await this.#remove(upload);
    else upload.detach();
  }

  /** What cannot be removed now is removed by a later run: the journal has it. */
  async #remove(upload: Upload): Promise<void> {
    const { uploads, action, onDropped } = this.#o;
    try {
      await upload.abort();
      uploads?.ended(upload.ref);
    } catch (error) {
      if (!isStorageError(error)) throw error;
      if (uploads === undefined)
        onDropped(`upload of ${action.key}`, `an unfinished upload of ${JSON.stringify(action.key)} could not be removed: ${error.message}`);
      else uploads.abandoned(upload.ref);
    }
  }
}

async function on<T>(side: Side, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SideFailure ? error : new SideFailure(side, error);
  }
}
