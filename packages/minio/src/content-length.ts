import { StorageError } from '@stowage/core';
import type { ObjectAnswer } from './convert-answer.ts';
import type { FaultContext } from './minio-error.ts';

/** A body without a length could end early unnoticed: S3 always says it. */
export function bodyLength({ contentRange, length }: ObjectAnswer, context: FaultContext): number {
  const said = (contentRange === undefined ? undefined : rangeLength(contentRange)) ?? length;
  if (said === undefined)
    throw new StorageError(
      'Unavailable',
      `${context.endpoint} does not say how long the content is, so that nobody could know it whole; a proxy between may change answers`,
      { operation: context.operation, provider: 'minio', bucket: context.bucket },
    );
  return said;
}

function rangeLength(contentRange: string): number | undefined {
  const [, start, last] = /^bytes (\d+)-(\d+)\//.exec(contentRange) ?? [];
  return start === undefined ? undefined : Number(last) - Number(start) + 1;
}
