import { type Checksums, crc32Base64, type Digest } from '@stowage/core';

/**
 * The means to compare a CRC32C (RFC 3720), where the store keeps that one and none that Node computes faster. It comes from
 * `@node-rs/crc32` (7 GB/s), which is loaded when the first such object is read.
 */
export async function crc32cDigest({ crc32, crc32c: kept }: Checksums): Promise<(() => Digest) | undefined> {
  if (kept === undefined || crc32 !== undefined) return undefined;
  const { crc32c } = await import('@node-rs/crc32');
  return () => {
    let value = 0;
    return {
      algorithm: 'crc32c',
      update: (bytes): void => {
        value = crc32c(bytes, value);
      },
      value: () => crc32Base64(value),
    };
  };
}
