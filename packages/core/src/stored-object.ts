import { Readable } from 'node:stream';
import type { StoredObject } from './bucket.ts';
import type { ResolvedRange } from './byte-range.ts';
import { assertDigests, cheapestDigest, type Digest } from './digest.ts';
import type { DriverObject } from './driver.ts';
import type { ObjectInfo } from './object-info.ts';
import { StorageError } from './storage-error.ts';
import { shownKey } from './wording/shown-key.ts';

/**
 * Gives a driver's object the forms that users read.
 *
 * @param verify compare the whole content with the checksum that the store keeps
 * @param into memory that the driver was given for the content
 */
export function storedObject(object: DriverObject, verify: boolean, into: Uint8Array | undefined): StoredObject {
  return new OpenedObject(object, verify && isWhole(object), into);
}

function isWhole({ info, range }: DriverObject): boolean {
  return range.start === 0 && range.end === info.size;
}

/** The content, compared at its end with the length that was announced and the checksum that the store keeps, and closed however the reading ends. */
async function* read(object: DriverObject, digest: Digest | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  const announced = object.range.end - object.range.start;
  let got = 0;
  try {
    for await (const chunk of object.body) {
      got += chunk.byteLength;
      if (got > announced) throw wrongLength(object, got);
      digest?.update(chunk);
      yield chunk;
    }
  } finally {
    await object.close();
  }
  if (got < announced) throw wrongLength(object, got);
  if (digest !== undefined) assertDigests([digest], object.info.checksums, object.info.key);
}

/** As {@link read}, in one piece of memory: without a generator, which costs as much as the rest where objects are small. */
async function readWhole(object: DriverObject, digest: Digest | undefined, into: Uint8Array | undefined): Promise<Uint8Array> {
  const announced = object.range.end - object.range.start;
  let whole = into !== undefined && into.byteLength >= announced ? into.subarray(0, announced) : undefined;
  let got = 0;
  try {
    for await (const chunk of object.body) {
      const at = got;
      got += chunk.byteLength;
      if (got > announced) throw wrongLength(object, got);
      // A chunk that is all of it, in memory of its own, is the reader's as it is.
      if (whole === undefined && got === announced && at === 0 && chunk.buffer.byteLength === got) whole = new Uint8Array(chunk.buffer);
      else if (whole === undefined || !liesAt(chunk, whole, at)) (whole ??= new Uint8Array(announced)).set(chunk, at);
    }
  } finally {
    await object.close();
  }
  whole ??= new Uint8Array(announced);
  if (got < announced) throw wrongLength(object, got);
  if (digest === undefined) return whole;
  digest.update(whole);
  assertDigests([digest], object.info.checksums, object.info.key);
  return whole;
}

/** Whether the driver has put the chunk where it belongs. */
function liesAt(chunk: Uint8Array, whole: Uint8Array, at: number): boolean {
  return chunk.buffer === whole.buffer && chunk.byteOffset === whole.byteOffset + at;
}

function wrongLength({ info: { key }, range }: DriverObject, got: number): StorageError {
  return new StorageError('Unavailable', `the store announced ${range.end - range.start} bytes of ${JSON.stringify(shownKey(key))} and sent ${got}`, { key });
}

class OpenedObject implements StoredObject {
  readonly info: ObjectInfo;
  readonly range: ResolvedRange;
  readonly #object: DriverObject;
  readonly #verify: boolean;
  readonly #into: Uint8Array | undefined;
  #reader: AsyncGenerator<Uint8Array, void, undefined> | undefined;
  #isRead = false;

  constructor(object: DriverObject, verify: boolean, into: Uint8Array | undefined) {
    this.info = object.info;
    this.range = object.range;
    this.#object = object;
    this.#verify = verify;
    this.#into = into;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.#reader = read(this.#object, this.#begin());
    return this.#reader;
  }

  /** The digest to compare at the end, where there is one. Throws the second time. */
  #begin(): Digest | undefined {
    if (this.#isRead)
      throw new StorageError(
        'InvalidArgument',
        `the content of ${JSON.stringify(shownKey(this.info.key))} can be read once; call get again for a second reading`,
        {
          key: this.info.key,
        },
      );
    this.#isRead = true;
    return this.#verify ? (this.#object.digest?.() ?? cheapestDigest(this.info.checksums)) : undefined;
  }

  async bytes(maxBytes: number = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const size = this.range.end - this.range.start;
    if (size > maxBytes) {
      await this[Symbol.asyncDispose]();
      throw new StorageError('InvalidArgument', `${JSON.stringify(shownKey(this.info.key))} has ${size} bytes to read, more than the ${maxBytes} allowed`, {
        key: this.info.key,
      });
    }
    return await readWhole(this.#object, this.#begin(), this.#into);
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json<T = unknown>(): Promise<T> {
    return JSON.parse(await this.text()) as T;
  }

  toNode(): NodeJS.ReadableStream {
    return Readable.from(this, { objectMode: false });
  }

  toWeb(): ReadableStream<Uint8Array> {
    const iterator = this[Symbol.asyncIterator]();
    return new ReadableStream<Uint8Array>({
      async pull(controller): Promise<void> {
        const next = await iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel(): Promise<void> {
        await iterator.return?.();
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader?.return();
    await this.#object.close();
  }
}
