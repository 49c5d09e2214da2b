import type { DriverBody } from '@stowage/core';

const FIRST_BUFFER = 64 * 1024;

/** Cuts a stream into chunks. Buffers are reused: one that was given back is filled again. */
export class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #free: Buffer[] = [];
  /** What of the last chunk did not fit. */
  #rest: Uint8Array | undefined;
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** The next bytes, `chunkSize` of them unless the stream ends; `last` where it has ended behind them. */
  async next(chunkSize: number, expected: number | undefined): Promise<{ readonly bytes: Buffer; readonly last: boolean }> {
    let buffer = this.#buffer(Math.min(chunkSize, expected ?? chunkSize), expected === undefined);
    let filled = 0;
    while (filled < chunkSize) {
      const chunk = this.#rest ?? (await this.#read());
      this.#rest = undefined;
      if (chunk === undefined) break;
      const taken = Math.min(chunk.byteLength, chunkSize - filled);
      if (filled + taken > buffer.byteLength) buffer = grown(buffer, filled, Math.min(chunkSize, Math.max(buffer.byteLength * 2, filled + taken)));
      buffer.set(taken === chunk.byteLength ? chunk : chunk.subarray(0, taken), filled);
      filled += taken;
      if (taken < chunk.byteLength) this.#rest = chunk.subarray(taken);
    }
    // Whether more comes is known only by asking for it: a chunk that ends the stream must be known as the last.
    if (filled === chunkSize && this.#rest === undefined) this.#rest = await this.#read();
    return { bytes: buffer.subarray(0, filled), last: this.#rest === undefined };
  }

  /** Takes back the memory of a chunk that was sent. */
  release(bytes: Buffer): void {
    this.#free.push(Buffer.from(bytes.buffer, 0));
  }

  /** Ends the source early. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#chunks.return?.();
  }

  #buffer(size: number, unknown: boolean): Buffer {
    const free = this.#free.pop();
    if (free !== undefined && free.byteLength >= size) return free;
    // Small streams of unknown size are the many: they do not take a whole chunk's memory.
    return Buffer.allocUnsafeSlow(unknown && free === undefined ? Math.min(size, FIRST_BUFFER) : size);
  }

  async #read(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      const next = await this.#chunks.next();
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

/** Whether the content lies in memory. */
export function isBytes(body: DriverBody): body is Uint8Array {
  return body instanceof Uint8Array;
}
