import type { Bucket } from '@stowage/core';

/** Does one piece of work, closes the bucket, and prints one line of JSON: what was done, and the highest resident size. */
export function doWork(bucket: Bucket, work: string, ...rest: readonly string[]): Promise<void>;
