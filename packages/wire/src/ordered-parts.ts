import { StorageError, type UploadedPart } from '@stowage/core';

/** The parts of an upload by index. Throws `InvalidArgument` where one is missing or named twice. */
export function orderedParts(key: string, parts: readonly UploadedPart[]): UploadedPart[] {
  const ordered = [...parts].sort((a, b) => a.index - b.index);
  for (const [position, { index }] of ordered.entries())
    if (index !== position)
      throw new StorageError(
        'InvalidArgument',
        `the parts of ${JSON.stringify(key)} must run from 0 without a gap and once each: expected part ${position}, got ${index}`,
        { key },
      );
  return ordered;
}
