import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ChecksumAlgorithm, Checksums } from './checksum.ts';
import { crc32Base64 } from './crc32-of-parts.ts';
import { StorageError } from './storage-error.ts';
import { shownKey } from './wording/shown-key.ts';

/** A checksum while it is computed. */
export interface Digest {
  readonly algorithm: ChecksumAlgorithm;
  update(bytes: Uint8Array): void;
  /** Base64, big endian, as stores give it. Call once. */
  value(): string;
}

/** What Node computes natively, cheapest first. The others are compared by the stores that keep them. */
const NATIVE: readonly ChecksumAlgorithm[] = ['crc32', 'sha256', 'md5'];

/** A digest of the algorithm; undefined where this program computes none of that kind (crc32c, crc64nvme). */
export function createDigest(algorithm: ChecksumAlgorithm): Digest | undefined {
  if (algorithm === 'crc32') return new Crc32Digest();
  if (algorithm === 'sha256' || algorithm === 'md5') return new HashDigest(algorithm);
  return undefined;
}

/** The cheapest of the expected checksums that can be computed here. */
export function cheapestDigest(expected: Checksums): Digest | undefined {
  const algorithm = NATIVE.find((name) => expected[name] !== undefined);
  return algorithm && createDigest(algorithm);
}

class Crc32Digest implements Digest {
  readonly algorithm = 'crc32' as const;
  #value = 0;
  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }
  value(): string {
    return crc32Base64(this.#value);
  }
}

class HashDigest implements Digest {
  readonly algorithm: 'sha256' | 'md5';
  readonly #hash: Hash;
  constructor(algorithm: 'sha256' | 'md5') {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }
  value(): string {
    return this.#hash.digest('base64');
  }
}

/** Throws `ChecksumMismatch` where a digest disagrees with what was expected of it. */
export function assertDigests(digests: readonly Digest[], expected: Checksums, key: string): void {
  for (const digest of digests) {
    const want = expected[digest.algorithm];
    const got = digest.value();
    if (want !== undefined && want !== got)
      throw new StorageError('ChecksumMismatch', `the content of ${JSON.stringify(shownKey(key))} has ${digest.algorithm} ${got}, expected ${want}`, {
        key,
        retryable: false,
      });
  }
}
