import { isUtf8 } from 'node:buffer';

/** Longest line that is read, in bytes: links of 1,024-byte keys and presigned URLs are far below. */
export const MAX_LINE_BYTES: number = 64 * 1024;
/** How much of a line that is too long is kept, for messages. */
const KEPT_BYTES = 256;

const LF = 0x0a;

/** One line, without its end. */
export interface TextLine {
  /** From 1. */
  readonly line: number;
  /** Where there is a fault: as far as it can be shown. */
  readonly text: string;
  readonly fault?: TextFault;
}

interface TextFault {
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  readonly reason: string;
  /** The line as it stood, where it is whole and no UTF-8; absent where it was too long to keep. */
  readonly bytes?: Uint8Array;
}

/**
 * The lines of a stream of bytes, in batches of whatever a chunk holds. LF and CRLF end a line. Memory is bounded by
 * a chunk and {@link MAX_LINE_BYTES}: of a longer line only its number and its beginning are kept, whatever its length.
 */
export async function* textLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly TextLine[], void, undefined> {
  let line = 1;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let tooLong: Uint8Array | undefined;
  const startLong = (): void => {
    tooLong = Buffer.concat(pending).subarray(0, KEPT_BYTES);
    pending = [];
    pendingBytes = 0;
  };
  for await (let chunk of chunks) {
    if (tooLong !== undefined) {
      const end = chunk.indexOf(LF);
      if (end < 0) continue;
      yield [tooLongLine(line++, tooLong)];
      tooLong = undefined;
      chunk = chunk.subarray(end + 1);
    }
    const last = chunk.lastIndexOf(LF);
    if (last < 0) {
      if (chunk.byteLength > 0) pending.push(chunk);
      pendingBytes += chunk.byteLength;
      if (pendingBytes > MAX_LINE_BYTES) startLong();
      continue;
    }
    pending.push(chunk.subarray(0, last));
    const lines = linesOf(pending.length === 1 ? bufferOf(chunk.subarray(0, last)) : Buffer.concat(pending), line);
    line += lines.length;
    yield lines;
    const rest = chunk.subarray(last + 1);
    pending = rest.byteLength > 0 ? [rest] : [];
    pendingBytes = rest.byteLength;
    if (pendingBytes > MAX_LINE_BYTES) startLong();
  }
  if (tooLong !== undefined) yield [tooLongLine(line, tooLong)];
  else if (pendingBytes > 0) yield linesOf(Buffer.concat(pending), line);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whole lines without the last one's end. */
function linesOf(bytes: Buffer, first: number): TextLine[] {
  // A line end is never part of a longer character, so that a batch of whole lines can be judged and decoded at once.
  if (isUtf8(bytes))
    return bytes
      .toString('utf8')
      .split('\n')
      .map((text, i) => decodedLine(first + i, text));
  const lines: TextLine[] = [];
  for (let start = 0; start <= bytes.length;) {
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found;
    lines.push(byteLine(first + lines.length, bytes.subarray(start, end)));
    start = end + 1;
  }
  return lines;
}

function decodedLine(line: number, whole: string): TextLine {
  const text = whole.endsWith('\r') ? whole.slice(0, -1) : whole;
  const isLong = text.length > MAX_LINE_BYTES || (text.length * 3 > MAX_LINE_BYTES && Buffer.byteLength(text) > MAX_LINE_BYTES);
  return isLong ? tooLongLine(line, Buffer.from(text.slice(0, KEPT_BYTES))) : { line, text };
}

function byteLine(line: number, bytes: Buffer): TextLine {
  if (bytes.length > MAX_LINE_BYTES) return tooLongLine(line, bytes.subarray(0, KEPT_BYTES));
  const text = bytes.toString('utf8');
  if (isUtf8(bytes)) return decodedLine(line, text);
  const reason = 'this line is no UTF-8 from here on; save the file as UTF-8';
  // The line may be kept for a report long after its chunk is gone.
  return { line, text, fault: { column: firstReplaced(bytes, text) + 1, reason, bytes: Uint8Array.from(bytes) } };
}

function tooLongLine(line: number, start: Uint8Array): TextLine {
  const reason = `the line is longer than ${MAX_LINE_BYTES.toLocaleString('en-US')} bytes; expected one link a line`;
  return { line, text: Buffer.from(start).toString('utf8'), fault: { column: 1, reason } };
}

/** The index of the first replacement character that stands for bytes that are no UTF-8, and not for itself. */
function firstReplaced(bytes: Buffer, text: string): number {
  let at = text.indexOf('\ufffd');
  while (at >= 0 && Buffer.from(text.slice(0, at + 1)).equals(bytes.subarray(0, Buffer.byteLength(text.slice(0, at + 1))))) at = text.indexOf('\ufffd', at + 1);
  return Math.max(at, 0);
}
