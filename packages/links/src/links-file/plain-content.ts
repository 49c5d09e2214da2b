import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** How much of a file is looked at before a line of it is believed. */
const SNIFFED_BYTES = 8 * 1024;

/** What people give in the place of a links file, by its first bytes. */
const MAGIC: readonly { readonly bytes: readonly number[]; readonly what: string }[] = [
  { bytes: [0xff, 0xfe], what: 'text in UTF-16; save it as UTF-8' },
  { bytes: [0xfe, 0xff], what: 'text in UTF-16; save it as UTF-8' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'a zip archive or an Excel workbook; unpack it, or save it as CSV' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed by zstd; unpack it, or use gzip' },
  { bytes: [0x42, 0x5a, 0x68], what: 'compressed by bzip2; unpack it, or use gzip' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: 'compressed by xz; unpack it, or use gzip' },
  { bytes: [0x25, 0x50, 0x44, 0x46], what: 'a PDF' },
  { bytes: [0x89, 0x50, 0x4e, 0x47], what: 'a PNG image' },
  { bytes: [0xff, 0xd8, 0xff], what: 'a JPEG image' },
];
const GZIP = [0x1f, 0x8b];
const BOM = [0xef, 0xbb, 0xbf];

/** Content that is no text. `message` goes behind the name of the file. */
export class NotText extends Error {
  override readonly name = 'NotText';
}

/**
 * The text of a links file: unpacked where it is gzip, whatever its name, and without a byte order mark. Throws {@link NotText}
 * where its beginning shows that it is something else, and where the gzip data is damaged or ends early.
 */
export async function* plainContent(content: AsyncIterable<Uint8Array>, o: { readonly gzip: boolean }): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, rest } = await peek(content);
  if (beginsWith(head, GZIP)) {
    yield* checkedText(gunzip(rest));
    return;
  }
  if (o.gzip && head.byteLength > 0) throw new NotText('expected gzip data, as the name ends in .gz; the content is none');
  yield* checkedText(rest);
}

async function* checkedText(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, rest } = await peek(content);
  const magic = MAGIC.find(({ bytes }) => beginsWith(head, bytes));
  if (magic !== undefined) throw new NotText(`expected a text file of links; this is ${magic.what}`);
  const nul = head.subarray(0, SNIFFED_BYTES).indexOf(0);
  if (nul >= 0) throw new NotText(`expected a text file of links; this is binary (byte ${nul + 1} is NUL)`);
  let skip = beginsWith(head, BOM) ? BOM.length : 0;
  for await (const chunk of rest) {
    yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = 0;
  }
}

async function* gunzip(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const unpacked = createGunzip({ chunkSize: 256 * 1024 });
  // The error comes out of the stream that is read; here it only must not be lost.
  const packed = pipeline(Readable.from(content, { objectMode: false }), unpacked).catch(() => undefined);
  try {
    yield* unpacked as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') throw new NotText('the gzip data ends early: the file is cut off; what stands before is read');
    if (code?.startsWith('Z_') === true) throw new NotText('the gzip data is damaged from here on; what stands before is read');
    throw error;
  } finally {
    unpacked.destroy();
    await packed;
  }
}

interface Peeked {
  /** The first bytes, at least {@link SNIFFED_BYTES} of them where there are so many. */
  readonly head: Uint8Array;
  /** All of the content, the head included. */
  readonly rest: AsyncIterable<Uint8Array>;
}

async function peek(content: AsyncIterable<Uint8Array>): Promise<Peeked> {
  const iterator = content[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let bytes = 0;
  let ended = false;
  while (bytes < SNIFFED_BYTES && !ended) {
    const next = await iterator.next();
    if (next.done === true) ended = true;
    else {
      first.push(next.value);
      bytes += next.value.byteLength;
    }
  }
  const [only] = first;
  const head = first.length === 1 && only !== undefined ? only : Buffer.concat(first);
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (head.byteLength > 0) yield head;
      while (!ended) {
        const next = await iterator.next();
        if (next.done === true) ended = true;
        else yield next.value;
      }
    } finally {
      // Leaving early frees what the source holds.
      if (!ended) await iterator.return?.();
    }
  }
  return { head, rest: whole() };
}

function beginsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
