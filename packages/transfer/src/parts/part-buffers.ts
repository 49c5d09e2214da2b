/** Memory for parts, used again: a part's size is megabytes, and the collector would let many of them lie about. */
export class PartBuffers {
  readonly #kept: number;
  #free: Buffer[] = [];

  /** @param kept how many are kept while nobody uses them */
  constructor(kept: number) {
    this.#kept = kept;
  }

  take(bytes: number): Buffer {
    const fit = this.#free.findIndex((buffer) => buffer.byteLength >= bytes);
    const [buffer] = fit < 0 ? [] : this.#free.splice(fit, 1);
    return buffer ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Only what nobody can still be sending: a request that was given up may yet read from it. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < this.#kept) this.#free.push(buffer);
  }
}
