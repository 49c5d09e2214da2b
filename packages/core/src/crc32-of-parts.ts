/** The reversed polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320;

/**
 * The CRC32 of two contents laid end to end, from that of each and the second's length: the first's is moved by as many zero bytes as
 * the second has (polynomials over GF(2), as zlib's `crc32_combine` does), in some 50 multiplications. Parts that were sent side by
 * side have a checksum of the whole by it.
 */
function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(powerOfX(secondBytes * 8), first) ^ second) >>> 0;
}

/** The CRC32 of parts laid end to end, as `Checksums` has it: Base64 of four bytes, big endian. Of none: that of nothing. */
export function crc32OfParts(parts: Iterable<{ readonly crc32: number; readonly size: number }>): string {
  let whole = 0;
  for (const { crc32, size } of parts) whole = combineCrc32(whole, crc32, size);
  return crc32Base64(whole);
}

/** A CRC32 as `Checksums` has it. */
export function crc32Base64(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

/** x^n modulo the polynomial, bits reversed: x^0 is the highest bit. */
function powerOfX(n: number): number {
  let result = 0x80000000;
  let square = 0x40000000;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}
