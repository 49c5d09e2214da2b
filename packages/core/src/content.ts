import { abortableStream } from './abortable-stream.ts';
import type { Body, DriverBody } from './body.ts';
import type { Checksums } from './checksum.ts';
import { assertDigests, createDigest, type Digest } from './digest.ts';
import { StorageError } from './storage-error.ts';
import { shownKey } from './wording/shown-key.ts';

/** What is expected of content that is written. */
export interface ExpectedContent {
  readonly key: string;
  /** Ends a stream, also one that has stalled. */
  readonly signal?: AbortSignal;
  readonly size?: number;
  readonly checksum?: Checksums;
}

/**
 * The content in the form that drivers take, checked on its way against what is expected of it: a stream that disagrees throws
 * before its end, so that a driver never commits it.
 */
export function toDriverBody(body: Body, expected: ExpectedContent): DriverBody {
  const plain = plainBody(body);
  const digests = expectedDigests(expected.checksum);
  if (plain instanceof Uint8Array) {
    assertSize(plain.byteLength, expected, true);
    for (const digest of digests) digest.update(plain);
    assertDigests(digests, expected.checksum ?? {}, expected.key);
    return plain;
  }
  const stream = abortableStream(plain, expected.signal);
  return expected.size === undefined && digests.length === 0 ? stream : checked(stream, digests, expected);
}

function plainBody(body: Body): DriverBody {
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  if (body instanceof Blob) return body.stream();
  if (Symbol.asyncIterator in body) return body;
  if (typeof body === 'object' && Symbol.iterator in body) return asyncOf(body);
  throw new StorageError('InvalidArgument', `expected the content to be bytes, a string, a Blob or an iterable of bytes; got ${typeof body}`);
}

async function* asyncOf(chunks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield* chunks;
}

function expectedDigests(checksum: Checksums | undefined): Digest[] {
  return Object.keys(checksum ?? {}).flatMap((name) => createDigest(name as keyof Checksums) ?? []);
}

async function* checked(chunks: AsyncIterable<Uint8Array>, digests: readonly Digest[], expected: ExpectedContent): AsyncIterable<Uint8Array> {
  let size = 0;
  // The last chunk is held back until the content is known to be whole: a driver that streams has then not sent its end.
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    assertSize(size, expected, false);
    for (const digest of digests) digest.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  assertSize(size, expected, true);
  assertDigests(digests, expected.checksum ?? {}, expected.key);
  if (held !== undefined) yield held;
}

function assertSize(size: number, { size: expected, key }: ExpectedContent, atEnd: boolean): void {
  if (expected === undefined || size === expected || (size < expected && !atEnd)) return;
  const got = atEnd ? `${size}` : `more than that`;
  throw new StorageError(
    'InvalidArgument',
    `the content of ${JSON.stringify(shownKey(key))} was declared as ${expected} bytes and has ${got}; the object was left as it was`,
    { key },
  );
}
