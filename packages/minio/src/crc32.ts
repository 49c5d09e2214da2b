import { crc32 } from 'node:zlib';

/** As the `x-amz-checksum-crc32` header has it: base64 of four bytes, big endian. */
export function crc32Header(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

export function crc32Of(bytes: Uint8Array): string {
  return crc32Header(crc32(bytes));
}

/** The number in a header; undefined where it is none. */
export function crc32Value(header: string): number | undefined {
  const bytes = Buffer.from(header, 'base64');
  return bytes.byteLength === 4 ? bytes.readUInt32BE() : undefined;
}
