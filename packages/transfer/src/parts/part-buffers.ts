import { type Capabilities, pageAlignedBuffer } from '@stowage/core';

/** Memory for parts, used again: a part's size is megabytes, and the collector would let many of them lie about. */
export class PartBuffers {
  readonly #kept: number;
  readonly #make: (bytes: number) => Buffer;
  #free: Buffer[] = [];

  /**
   * @param kept how many are kept while nobody uses them
   * @param multipart of the store that the parts are sent to
   */
  constructor(kept: number, { pageAligned }: Capabilities['multipart']) {
    this.#kept = kept;
    this.#make = pageAligned === true ? pageAlignedBuffer : (bytes) => Buffer.allocUnsafeSlow(bytes);
  }

  take(bytes: number): Buffer {
    const fit = this.#free.findIndex((buffer) => buffer.byteLength >= bytes);
    const [buffer] = fit < 0 ? [] : this.#free.splice(fit, 1);
    return buffer ?? this.#make(bytes);
  }

  /** Only what nobody can still be sending: a request that was given up may yet read from it. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < this.#kept) this.#free.push(buffer);
  }
}
