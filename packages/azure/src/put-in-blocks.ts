import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type DriverBody, isStorageError, type PutOptions, StorageError, type UploadedPart } from '@stowage/core';
import { MAX_BLOCK_BYTES, MAX_BLOCKS } from './blob-limits.ts';

/** From this block on those of a stream of unknown size grow, so that 50,000 of them reach what a blob may have. */
const GROWS_AT = 25_000;
const GROWS_EVERY = 2500;
const FIRST_BUFFER = 64 * 1024;
const ATTEMPTS = 4;

/** Bytes a block: as asked, but so that content of that size fits into 49,000. */
export function partSizeFor(asked: number, size: number | undefined): number {
  return Math.min(MAX_BLOCK_BYTES, Math.max(asked, size === undefined ? 0 : Math.ceil(size / (MAX_BLOCKS - 1000))));
}

function sizeOfPart(index: number, first: number): number {
  return index < GROWS_AT ? first : Math.min(MAX_BLOCK_BYTES, first * 2 ** (Math.floor((index - GROWS_AT) / GROWS_EVERY) + 1));
}

/** Cuts a stream into parts. Buffers are reused: one that was given back is filled again. */
export class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #free: Buffer[] = [];
  /** What of the last chunk did not fit. */
  #rest: Uint8Array | undefined;
  #ended = false;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted: Promise<never> | undefined;
  #forget: () => void = () => undefined;

  /** `signal` ends a wait for a source that is silent. */
  constructor(body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#signal = signal;
    if (signal === undefined) return;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#forget = (): void => signal.removeEventListener('abort', onAbort);
    // Told to whoever reads at that time, and to nobody else.
    promise.catch(() => undefined);
    this.#aborted = promise;
  }

  /** The next bytes, `partSize` of them unless the stream ends; `last` where it has ended behind them. */
  async next(partSize: number, expected: number | undefined): Promise<{ readonly bytes: Buffer; readonly last: boolean }> {
    let buffer = this.#buffer(Math.min(partSize, expected ?? partSize), expected === undefined);
    let filled = 0;
    while (filled < partSize) {
      const chunk = this.#rest ?? (await this.#read());
      this.#rest = undefined;
      if (chunk === undefined) break;
      const taken = Math.min(chunk.byteLength, partSize - filled);
      if (filled + taken > buffer.byteLength) buffer = grown(buffer, filled, Math.min(partSize, Math.max(buffer.byteLength * 2, filled + taken)));
      buffer.set(taken === chunk.byteLength ? chunk : chunk.subarray(0, taken), filled);
      filled += taken;
      if (taken < chunk.byteLength) this.#rest = chunk.subarray(taken);
    }
    // Whether more comes is known only by asking for it: a part that ends the stream must be known as the last.
    if (filled === partSize && this.#rest === undefined) this.#rest = await this.#read();
    return { bytes: buffer.subarray(0, filled), last: this.#rest === undefined };
  }

  /** Takes back the memory of a part that was sent. */
  release(bytes: Buffer): void {
    this.#free.push(Buffer.from(bytes.buffer, 0));
  }

  /** Ends the source early. One that is silent is told, and not waited for. */
  async close(): Promise<void> {
    this.#forget();
    if (this.#ended) return;
    this.#ended = true;
    const ended = this.#chunks.return?.();
    if (this.#signal?.aborted === true) ended?.catch(() => undefined);
    else await ended;
  }

  #buffer(size: number, unknown: boolean): Buffer {
    const free = this.#free.pop();
    if (free !== undefined && free.byteLength >= size) return free;
    // Small streams of unknown size are the many: they do not take a whole part's memory.
    return Buffer.allocUnsafeSlow(unknown && free === undefined ? Math.min(size, FIRST_BUFFER) : size);
  }

  async #read(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      const next = await (this.#aborted === undefined ? this.#chunks.next() : Promise.race([this.#chunks.next(), this.#aborted]));
      if (next.done === true) this.#ended = true;
      else if (next.value.byteLength > 0) return next.value;
    }
    return undefined;
  }
}

function grown(buffer: Buffer, filled: number, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(size);
  buffer.copy(larger, 0, 0, filled);
  return larger;
}

/** One part to send, and what to do when it is there. */
interface Piece {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly sent?: () => void;
}

/** What takes the pieces. */
export interface BlockSender {
  part(index: number, bytes: Uint8Array, o: Call): Promise<UploadedPart>;
}

export interface PartsPlan extends Pick<PutOptions, 'signal' | 'onProgress'> {
  readonly partSize: number;
  readonly concurrency: number;
}

/** The parts of content that lies in memory: views, no copies. */
export async function* piecesOf(bytes: Uint8Array, partSize: number): AsyncIterable<Piece> {
  for (let index = 0; index * partSize < bytes.byteLength; index++) yield { index, bytes: bytes.subarray(index * partSize, (index + 1) * partSize) };
}

/** The parts of a stream, beginning with one that was read already. Holds `concurrency` parts at once. */
export async function* piecesOfStream(reader: PartReader, first: Buffer, partSize: number): AsyncIterable<Piece> {
  yield { index: 0, bytes: first, sent: () => reader.release(first) };
  for (let index = 1, last = false; !last; index++) {
    if (index >= MAX_BLOCKS)
      throw new StorageError('InvalidArgument', `the content does not fit into ${MAX_BLOCKS} parts; give its "size" or a larger "partSize"`);
    const size = sizeOfPart(index, partSize);
    // One part was not enough: the next gets its memory at once.
    const part = await reader.next(size, size);
    last = part.last;
    yield { index, bytes: part.bytes, sent: () => reader.release(part.bytes) };
  }
}

/**
 * Sends the pieces, `concurrency` at once, and gives the parts in order. The next piece is asked for when one has been sent, so no more
 * than `concurrency` are held. A piece that fails in a way that may pass is sent again: nobody else has its bytes.
 */
export async function sendPieces(upload: BlockSender, pieces: AsyncIterable<Piece>, { signal, concurrency, onProgress }: PartsPlan): Promise<UploadedPart[]> {
  const stop = new AbortController();
  const call: Call = { signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]) };
  const parts: UploadedPart[] = [];
  const inFlight = new Set<Promise<void>>();
  let accepted = 0;
  let failure: { readonly error: unknown } | undefined;
  const send = async ({ index, bytes, sent }: Piece): Promise<void> => {
    parts[index] = await sendAgain(upload, index, bytes, call);
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

async function sendAgain(upload: BlockSender, index: number, bytes: Uint8Array, call: Call): Promise<UploadedPart> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await upload.part(index, bytes, call);
    } catch (error) {
      const delay = isStorageError(error) && error.retryable ? Math.max(error.retryAfterMs ?? 0, 100 * 2 ** attempt * (0.5 + Math.random() / 2)) : undefined;
      if (delay === undefined || delay > 30_000 || attempt >= ATTEMPTS) throw isStorageError(error) && attempt > 1 ? error.with({ attempts: attempt }) : error;
      await sleep(delay, undefined, call.signal === undefined ? {} : { signal: call.signal }).catch((reason: unknown) => {
        throw call.signal?.aborted === true ? call.signal.reason : reason;
      });
    }
  }
}

/** Whether the content lies in memory. */
export function isBytes(body: DriverBody): body is Uint8Array {
  return body instanceof Uint8Array;
}
