import { type Bucket, type ChecksumAlgorithm, type Checksums, type Revision, StorageError, type StoredObject } from '@stowage/core';
import type { CopyAction } from './action.ts';
import { carriedHeaders, type TellDropped } from './carried-headers.ts';
import type { ContentBuffers } from './content-buffers.ts';
import { listedRevision, writeCondition } from './copy-condition.ts';
import { asStorageError } from './copy-failure.ts';
import type { Side } from './side.ts';

export interface StreamCopy {
  readonly source: Bucket;
  readonly destination: Bucket;
  readonly action: CopyAction;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
  /** Told when the destination has all of the content: what is left is to make it durable and to name it. */
  readonly onAccepted?: () => void;
  /** Resolves when so many bytes may pass. */
  readonly pass: ((bytes: number) => Promise<void>) | undefined;
  readonly onDropped: TellDropped;
  readonly buffers: ContentBuffers;
}

export type StreamCopied =
  | { readonly ok: true; readonly sent: number; readonly revision: Revision }
  | { readonly ok: false; readonly error: unknown; readonly side: Side; readonly sent: number };

/** Objects up to this size are read as a whole before they are written: one call to write, which layers below can repeat by themselves. */
const WHOLE_BYTES = 8 * 1024 * 1024;
/** From this size on into memory that is used again: less is as quickly had from the allocator. */
const LENT_BYTES = 64 * 1024;

/**
 * Copies one object through this process: the listed revision is read, and written with its headers, under the condition that the
 * destination is still as it was listed. Never throws: a failure names the side that failed.
 */
export async function streamCopy(o: StreamCopy): Promise<StreamCopied> {
  const { source, destination, action, signal } = o;
  const call = signal === undefined ? {} : { signal };
  let sent = 0;
  const listed = action.source.size;
  const lent = listed >= LENT_BYTES && listed <= WHOLE_BYTES ? o.buffers.take(listed) : undefined;
  let object: StoredObject;
  try {
    object = await source.get(action.key, { ...call, ...listedRevision(action.source), ...(lent === undefined ? {} : { into: lent }) });
  } catch (error) {
    return { ok: false, error, side: 'source', sent };
  }
  let readError: { readonly error: unknown } | undefined;
  const failed = (error: unknown): never => {
    readError = { error };
    throw error;
  };
  async function passed(bytes: number): Promise<void> {
    if (o.pass !== undefined) await o.pass(bytes);
    sent += bytes;
    o.onBytes(bytes);
  }
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of object) {
        await passed(chunk.byteLength);
        yield chunk;
      }
    } catch (error) {
      failed(error);
    }
  }
  async function whole(): Promise<Uint8Array> {
    try {
      const bytes = await object.bytes();
      await passed(bytes.byteLength);
      return bytes;
    } catch (error) {
      return failed(error);
    }
  }
  try {
    const { size } = object.info;
    if (size !== action.source.size) failed(otherSize(action, size));
    const body = size <= WHOLE_BYTES ? await whole() : content();
    const { put, lastModified } = destination.capabilities;
    const condition = writeCondition(action);
    const conditional = condition.if === 'absent' ? put.absent !== false : put.match !== false;
    const written = await destination.put(action.key, body, {
      ...call,
      ...carriedHeaders(object.info.headers ?? {}, destination, o.onDropped),
      ...(conditional ? condition : {}),
      ...(lastModified.set === false ? {} : { lastModified: action.source.lastModified }),
      ...verifiable(object.info.checksums, destination),
      ...(o.onAccepted === undefined ? {} : { onProgress: (bytes: number) => void (bytes === size && o.onAccepted?.()) }),
      size,
    });
    // Memory of a copy that failed may still be written to or read from: it is left to the collector.
    if (lent !== undefined) o.buffers.giveBack(lent);
    return { ok: true, sent, revision: written.revision };
  } catch (error) {
    return readError === undefined
      ? { ok: false, error: asStorageError(error), side: 'destination', sent }
      : { ok: false, error: readError.error, side: 'source', sent };
  } finally {
    await object[Symbol.asyncDispose]();
  }
}

/** Of the revision that was listed: something on the way has cut the content, and its length to match. */
function otherSize({ key, source }: CopyAction, size: number): StorageError {
  return new StorageError('Unavailable', `it is listed with ${source.size} bytes and read with ${size}; a proxy between may change answers`, { key });
}

/** The source's checksums that the destination compares before it accepts the object. */
function verifiable(checksums: Checksums, { capabilities }: Bucket): { readonly checksum?: Checksums } {
  const known = Object.entries(checksums).filter(([name]) => capabilities.checksums.verifies.includes(name as ChecksumAlgorithm));
  return known.length === 0 ? {} : { checksum: Object.fromEntries(known) };
}
