/** Bytes that are the same for the same size and seed, and differ from place to place: a shifted or mixed-up copy shows. */
export function contentOf(size: number, seed: number = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** Content in pieces, as it comes from a file or a socket. */
export async function* streamOf(content: Uint8Array, chunkBytes: number = 64 * 1024): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < content.byteLength; at += chunkBytes) yield content.slice(at, at + chunkBytes);
}

/** Content that breaks off with an error after so many bytes. */
export async function* streamThatThrows(content: Uint8Array, afterBytes: number, error: unknown): AsyncGenerator<Uint8Array, void, undefined> {
  yield* streamOf(content.subarray(0, afterBytes));
  throw error;
}

/** Content that comes to a halt until it is released, and then goes on; leaving the loop releases it, too. */
export class HaltingSource implements AsyncIterable<Uint8Array> {
  readonly #content: Uint8Array;
  readonly #haltAfter: number;
  readonly #reached = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();

  constructor(content: Uint8Array, haltAfter: number = content.byteLength >> 1) {
    this.#content = content;
    this.#haltAfter = haltAfter;
  }

  /** Resolves when the reader has taken all before the halt. */
  get halted(): Promise<void> {
    return this.#reached.promise;
  }

  release(): void {
    this.#released.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    yield* streamOf(this.#content.subarray(0, this.#haltAfter));
    this.#reached.resolve();
    await this.#released.promise;
    yield* streamOf(this.#content.subarray(this.#haltAfter));
  }
}

/** All that an iteration gives, in one piece. */
export async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
