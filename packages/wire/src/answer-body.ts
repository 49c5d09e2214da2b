/** Bytes that may wait for their reader before the socket is told to stop. */
const HIGH_WATER = 1024 * 1024;

/** Where a body comes from, as far as its reader has a say in it. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Nobody wants what is still to come. */
  abandon(): void;
}

/**
 * The body of an answer while it arrives: chunks are the memory that the socket was read into, and never written to again. What came
 * since the last chunk was taken is one chunk, as far as it lies in one piece of memory. For one reader.
 */
export class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  readonly #source: BodySource;
  readonly #length: number | undefined;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #received = 0;
  #paused = false;
  #state: 'open' | 'ended' | 'failed' | 'closed' = 'open';
  #error: unknown;
  /** How many bytes must come, where the answer's head says so elsewhere than in its length. */
  expected: number | undefined;
  /** What the reader is thrown for a failure. Default: the failure itself. */
  explain: (error: unknown) => unknown = (error) => error;
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: unknown): void } | undefined;

  /** @param length as announced; undefined where nobody has */
  constructor(source: BodySource, length: number | undefined) {
    this.#source = source;
    this.#length = length;
  }

  push(chunk: Buffer): void {
    this.#received += chunk.byteLength;
    if (this.#state !== 'open') return;
    if (this.#reader !== undefined) {
      const reader = this.#reader;
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    const last = this.#chunks.length - 1;
    const joined = last < 0 ? undefined : adjoined(this.#chunks[last] as Buffer, chunk);
    if (joined === undefined) this.#chunks.push(chunk);
    else this.#chunks[last] = joined;
    this.#waiting += chunk.byteLength;
    if (this.#waiting > HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    const missing = this.#missing();
    if (missing === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(this.explain(missing));
  }

  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    if (this.#reader !== undefined) this.#reader.reject(this.explain(error));
    this.#reader = undefined;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#waiting -= chunk.byteLength;
      // Once the body has ended, its connection may have been paused by another.
      if (this.#paused && this.#state === 'open' && this.#waiting < HIGH_WATER / 2) {
        this.#paused = false;
        this.#source.resume();
      }
      return Promise.resolve({ done: false, value: chunk });
    }
    // A caller's abort may carry any reason, which comes out as it is.
    if (this.#state === 'failed') return rejected(this.explain(this.#error));
    if (this.#state === 'ended') {
      const missing = this.#missing();
      if (missing !== undefined) return rejected(this.explain(missing));
    }
    if (this.#state !== 'open') return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Gives the connection back, or ends it where too much is still to come. Idempotent. */
  close(): void {
    this.#chunks = [];
    if (this.#state === 'ended') this.#state = 'closed';
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#reader?.resolve({ done: true, value: undefined });
    this.#reader = undefined;
    this.#source.abandon();
  }

  /** Judged when the reader comes to the end: a small body has ended before anybody could say how much was expected. */
  #missing(): Error | undefined {
    const wanted = this.expected ?? this.#length;
    return wanted === undefined || this.#received >= wanted ? undefined : new Error(`${wanted} bytes were announced and ${this.#received} came`);
  }

  /** All of it; more than `max` bytes closes the body and gives the first ones. */
  async bytes(max: number = Infinity): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this) {
      parts.push(chunk);
      size += chunk.byteLength;
      if (size > max) break;
    }
    return parts.length === 1 ? Buffer.from((parts[0] as Uint8Array).buffer, (parts[0] as Uint8Array).byteOffset, size) : Buffer.concat(parts, size);
  }
}

/** Both as one, where the second lies behind the first in the same memory. */
function adjoined(first: Buffer, second: Buffer): Buffer | undefined {
  if (first.buffer !== second.buffer || first.byteOffset + first.byteLength !== second.byteOffset) return undefined;
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength + second.byteLength);
}

async function rejected(reason: unknown): Promise<never> {
  throw reason;
}
