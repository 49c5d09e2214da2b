import { crc32 } from 'node:zlib';
import { crc32Base64 } from '@stowage/core';

/** As the `x-amz-checksum-crc32` header has it. */
export function crc32Of(bytes: Uint8Array): string {
  return crc32Base64(crc32(bytes));
}

/** The number in a header; undefined where it is none. */
export function crc32Value(header: string): number | undefined {
  const bytes = Buffer.from(header, 'base64');
  return bytes.byteLength === 4 ? bytes.readUInt32BE() : undefined;
}
