import type { Digest } from '@stowage/core';
import { crc32c } from '@node-rs/crc32';

/** Goes on from the checksum of what came before; 0 at the start. */
export function crc32cOf(bytes: Uint8Array, before: number = 0): number {
  return crc32c(bytes, before);
}

/** Base64 of the big-endian number: https://cloud.google.com/storage/docs/data-validation */
export function crc32cText(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

/** The number again; undefined for a text that is none. */
export function crc32cValue(text: string): number | undefined {
  return /^[A-Za-z0-9+/]{6}==$/.test(text) ? Buffer.from(text, 'base64').readUInt32BE(0) : undefined;
}

/** For whoever reads: Node itself computes no CRC32C. */
export class Crc32cDigest implements Digest {
  readonly algorithm = 'crc32c' as const;
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32c(bytes, this.#value);
  }

  value(): string {
    return crc32cText(this.#value);
  }
}

/** The polynomial of CRC-32C (RFC 3720, B.4), reflected. */
const POLYNOMIAL = 0x82f63b78;

/** The checksum of `a` followed by `b`, from theirs and the length of `b`: `a` is moved on by that many bytes of zeros. */
export function combinedCrc32c(a: number, b: number, lengthOfB: number): number {
  let moved = a;
  let power = SHIFT_OF_ONE_BYTE;
  for (let left = lengthOfB; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) moved = times(power, moved);
    power = power.map((column) => times(power, column));
  }
  return (moved ^ b) >>> 0;
}

/** A matrix over two elements, column by column, on a vector of 32 bits. */
function times(matrix: readonly number[], vector: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if ((vector >>> bit) & 1) sum ^= matrix[bit] as number;
  return sum >>> 0;
}

const SHIFT_OF_ONE_BYTE: readonly number[] = Array.from({ length: 32 }, (_, bit) => {
  let c = 2 ** bit;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
  return c >>> 0;
});
