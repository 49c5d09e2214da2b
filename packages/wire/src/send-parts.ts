import { type Call, type PutOptions, StorageError, type Upload, type UploadedPart } from '@stowage/core';
import { inAttempts } from './attempts.ts';
import type { ChunkReader } from './chunk-reader.ts';

const ATTEMPTS = 4;
/** Parts that stay free where the size is known: it may be a little more in the end. */
const SPARE_PARTS = 1000;

/** What parts a store takes, as in its capabilities. */
export interface PartLimits {
  /** Bytes. */
  readonly minPart: number;
  /** Bytes. */
  readonly maxPart: number;
  readonly maxParts: number;
}

/** Bytes a part: as asked, but as the store takes it, and so that content of that size fits into its parts. */
export function partSizeFor(asked: number, size: number | undefined, { minPart, maxPart, maxParts }: PartLimits): number {
  return Math.min(maxPart, Math.max(asked, minPart, size === undefined ? 0 : Math.ceil(size / (maxParts - SPARE_PARTS))));
}

/** From half of the parts on those of a stream of unknown size grow, tenfold doubled, so that they reach what an object may have. */
export function sizeOfPart(index: number, first: number, { maxPart, maxParts }: PartLimits): number {
  const half = maxParts / 2;
  return index < half ? first : Math.min(maxPart, first * 2 ** (Math.floor((index - half) / (maxParts / 20)) + 1));
}

/** One part to send, and what to do when it is there. */
export interface Piece {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly sent?: () => void;
}

/** The parts of content that lies in memory: views, no copies. */
export async function* piecesOf(bytes: Uint8Array, partSize: number): AsyncIterable<Piece> {
  for (let index = 0; index * partSize < bytes.byteLength; index++) yield { index, bytes: bytes.subarray(index * partSize, (index + 1) * partSize) };
}

/** The parts of a stream, beginning with one that was read already. Throws `InvalidArgument` where they are more than the store takes. */
export async function* piecesOfStream(reader: ChunkReader, first: Buffer, partSize: number, limits: PartLimits): AsyncIterable<Piece> {
  yield { index: 0, bytes: first, sent: () => reader.release(first) };
  for (let index = 1, last = false; !last; index++) {
    if (index >= limits.maxParts)
      throw new StorageError('InvalidArgument', `the content does not fit into ${limits.maxParts} parts; give its "size" or a larger "partSize"`);
    const size = sizeOfPart(index, partSize, limits);
    // One part was not enough: the next gets its memory at once.
    const part = await reader.next(size, size);
    last = part.last;
    yield { index, bytes: part.bytes, sent: () => reader.release(part.bytes) };
  }
}

export interface SendPlan extends Pick<PutOptions, 'signal' | 'onProgress'> {
  /** Pieces on their way at once. */
  readonly concurrency: number;
}

/**
 * Sends the pieces, `concurrency` at once, and gives the parts in order. The next piece is asked for when one has been sent, so no more
 * than `concurrency` are held. A piece that fails in a way that may pass is sent again: nobody else has its bytes.
 */
export async function sendPieces(
  upload: Pick<Upload, 'part'>,
  pieces: AsyncIterable<Piece>,
  { signal, concurrency, onProgress }: SendPlan,
): Promise<UploadedPart[]> {
  const stop = new AbortController();
  const call: Call & { readonly signal: AbortSignal } = { signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) };
  const parts: UploadedPart[] = [];
  const inFlight = new Set<Promise<void>>();
  let accepted = 0;
  let failure: { readonly error: unknown } | undefined;
  const send = async ({ index, bytes, sent }: Piece): Promise<void> => {
    parts[index] = await inAttempts(ATTEMPTS, call.signal, () => upload.part(index, bytes, call));
    sent?.();
    accepted += bytes.byteLength;
    onProgress?.(accepted);
  };
  try {
    for await (const piece of pieces) {
      const work: Promise<void> = send(piece).then(
        () => void inFlight.delete(work),
        (error: unknown) => {
          failure ??= { error };
          inFlight.delete(work);
        },
      );
      inFlight.add(work);
      if (inFlight.size >= concurrency) await Promise.race(inFlight);
      if (failure !== undefined) break;
    }
    await Promise.all(inFlight);
  } catch (error) {
    // The source failed: what is on its way is not waited for in full.
    stop.abort(error);
    await Promise.all(inFlight);
    throw error;
  }
  if (failure === undefined) return parts;
  stop.abort(failure.error);
  await Promise.all(inFlight);
  throw failure.error;
}
