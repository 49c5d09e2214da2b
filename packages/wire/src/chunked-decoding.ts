import { HttpFault } from './http-fault.ts';

/** A line of a chunk's size with its extensions, or of a trailer, longer than this is none. */
const MOST_LINE = 16 * 1024;
const SIZE_LINE = /^([\da-f]{1,13})[ \t]*(?:;[^\r\n\0]*)?$/i;

/** Takes the content out of a body in chunks: RFC 9112, section 7.1. */
export class ChunkedDecoding {
  /** Bytes left of the current chunk. */
  #left = 0;
  #state: 'size' | 'data' | 'behind-data' | 'trailer' | 'ended' = 'size';
  #line = '';

  /** Whether the last chunk and its trailers have come. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Reads what came; content goes to `take`, which must not keep the memory. Gives how many of the bytes were the body's. */
  push(bytes: Buffer, take: (content: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && this.#state !== 'ended') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        take(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = 'behind-data';
        continue;
      }
      const end = bytes.indexOf(0x0a, at);
      this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end);
      if (this.#line.length > MOST_LINE) throw new HttpFault('HTTP_CHUNKS', 'a line between the chunks of the answer is too long');
      if (end < 0) return bytes.length;
      at = end + 1;
      if (!this.#line.endsWith('\r')) throw new HttpFault('HTTP_CHUNKS', 'a line between the chunks of the answer does not end as it must');
      const line = this.#line.slice(0, -1);
      this.#line = '';
      this.#next(line);
    }
    return at;
  }

  #next(line: string): void {
    if (this.#state === 'behind-data') {
      if (line !== '') throw new HttpFault('HTTP_CHUNKS', 'a chunk of the answer is longer than it says');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const size = SIZE_LINE.exec(line)?.[1];
      if (size === undefined) throw new HttpFault('HTTP_CHUNKS', 'a chunk of the answer does not tell its size');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    } else if (line === '') this.#state = 'ended';
  }
}
