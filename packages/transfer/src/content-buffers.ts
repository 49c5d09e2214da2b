import { type Capabilities, pageAlignedBuffer } from '@stowage/core';

/**
 * Memory for content, used again: for pieces of some size the collector would let many lie about, and what they leave between them
 * in the heap is lost. Sizes are rounded, so that what one piece has left fits the next; where there is too much, what was used last
 * stays: a run may come to large objects behind many small ones.
 */
export class ContentBuffers {
  readonly #most: number;
  readonly #make: (bytes: number) => Buffer;
  /** By their size; the one that was given back last comes last. */
  readonly #free = new Map<number, Buffer[]>();
  #kept = 0;

  /**
   * @param most bytes that are kept while nobody uses them
   * @param multipart of the store that the content is sent to
   */
  constructor(most: number, { pageAligned }: Capabilities['multipart']) {
    this.#most = most;
    this.#make = pageAligned === true ? pageAlignedBuffer : (bytes) => Buffer.allocUnsafeSlow(bytes);
  }

  /** Memory of at least so many bytes. */
  take(bytes: number): Buffer {
    const size = rounded(bytes);
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return this.#make(size);
    this.#kept -= size;
    return buffer;
  }

  /** Only what nobody can still be sending: a request that was given up may yet read from it. */
  giveBack(buffer: Buffer): void {
    const size = buffer.byteLength;
    if (size > this.#most) return;
    const free = this.#free.get(size) ?? [];
    free.push(buffer);
    this.#free.delete(size);
    this.#free.set(size, free);
    this.#kept += size;
    while (this.#kept > this.#most) this.#dropOldest();
  }

  #dropOldest(): void {
    for (const [size, free] of this.#free) {
      if (free.pop() !== undefined) {
        this.#kept -= size;
        return;
      }
      this.#free.delete(size);
    }
  }
}

/** Up by less than a quarter: 4, 5, 6 or 7 times a power of two. */
function rounded(bytes: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / step) * step;
}
