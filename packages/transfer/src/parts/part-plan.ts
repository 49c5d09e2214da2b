import type { Capabilities } from '@stowage/core';

const MIB = 1024 * 1024;
/** Content up to this size goes in one request, larger content in parts of it at least. */
export const DEFAULT_PART_BYTES: number = 8 * MIB;
/** Stores take 10,000 parts at most; some are left for growth by rounding. */
const PARTS_AIMED_AT = 9000;

/**
 * Bytes a part: `asked`, but as much as the content needs to fit into 9,000 parts, in whole MiB, and no less than the store's least.
 * It depends on nothing else, so that a later run cuts the same object in the same way.
 */
export function partSizeFor(size: number, asked: number, { minPart, maxParts }: Capabilities['multipart']): number {
  const needed = Math.ceil(size / Math.min(PARTS_AIMED_AT, maxParts));
  return needed <= asked ? Math.max(asked, minPart) : Math.max(Math.ceil(needed / MIB) * MIB, minPart);
}

/** Where a part lies in the content. */
export function partRange(index: number, size: number, partSize: number): { readonly start: number; readonly end: number } {
  return { start: index * partSize, end: Math.min(size, (index + 1) * partSize) };
}
