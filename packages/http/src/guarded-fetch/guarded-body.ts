import type { Readable } from 'node:stream';
import { StorageError } from '@stowage/core';
import type { Deadline } from './deadline.ts';
import { headerNumber, type AnswerHeaders } from './answer-headers.ts';

/** An unread body of which no more than this is to come is let run out: cheaper than a new connection. */
const DRAIN_BYTES = 64 * 1024;
/** What a stranger may make this program hold, unless it says so. */
const DEFAULT_HELD = 64 * 1024 * 1024;

interface BodyContext {
  /** As messages may hold it. */
  readonly shown: string;
  readonly headers: AnswerHeaders;
  /** No body belongs to the answer, whatever its headers announce. */
  readonly empty: boolean;
  readonly maxBytes: number;
  readonly deadline: Deadline;
}

/** Ends the body of an answer that nobody reads, a redirect's; the deadline goes on for the next hop. */
export function discard(stream: Readable): void {
  stream.on('error', () => undefined);
  stream.destroy();
}

/** The bytes of an answer as they arrive: never decoded, never more than allowed, never fewer than announced. Read it once, or close it. */
export interface GuardedBody extends AsyncIterable<Uint8Array> {
  /** Bytes that the answer announces; undefined where it does not say. 0 where there is no body, whatever is announced. */
  readonly length: number | undefined;
  /** All of it in memory; more than `maxBytes` is `InvalidArgument`. Default 64 MiB. */
  bytes(maxBytes?: number): Promise<Uint8Array>;
  /** Gives the connection back, or ends it where much is still to come. Idempotent, never throws. */
  close(): void;
}

export class StreamBody implements GuardedBody {
  readonly length: number | undefined;
  readonly #stream: Readable;
  readonly #context: BodyContext;
  #closed = false;
  #read = false;

  constructor(stream: Readable, context: BodyContext) {
    this.length = context.empty ? 0 : headerNumber(context.headers, 'content-length');
    this.#stream = stream;
    this.#context = context;
    // A body that is closed unread reports its own end as an error, of which the closer knows.
    stream.on('error', () => undefined);
    stream.once('close', () => context.deadline.release());
    if (context.empty) stream.resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { deadline, shown, maxBytes } = this.#context;
    if (this.#read || this.#closed) throw new StorageError('InvalidArgument', `the body of ${shown} can be read once`, { provider: 'http' });
    this.#read = true;
    let got = 0;
    try {
      if (this.#context.empty) return;
      for await (const chunk of this.#stream as AsyncIterable<Uint8Array>) {
        got += chunk.byteLength;
        if (got > maxBytes) throw tooLarge(shown, maxBytes);
        yield chunk;
      }
    } catch (error) {
      throw deadline.explain(error, shown);
    } finally {
      this.close();
    }
    if (this.length !== undefined && got < this.length)
      throw new StorageError('Unavailable', `${shown}: ${this.length} bytes were announced and ${got} came`, { provider: 'http' });
  }

  async bytes(maxBytes: number = DEFAULT_HELD): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(this.#context.shown, maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { deadline } = this.#context;
    if (this.#stream.readableEnded || this.#context.empty) {
      deadline.release();
    } else if (!this.#read && this.length !== undefined && this.length <= DRAIN_BYTES) {
      // The limits on time go on to hold: the stream's end releases them.
      this.#stream.resume();
    } else {
      this.#stream.destroy();
      deadline.release();
    }
  }
}

export function tooLarge(shown: string, maxBytes: number): StorageError {
  return new StorageError('InvalidArgument', `${shown} has more than the ${maxBytes} bytes that are allowed (maxBytes)`, { provider: 'http' });
}
