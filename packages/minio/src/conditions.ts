import type { GetOptions, WriteCondition } from '@stowage/core';
import { etagOf } from '@stowage/wire';

/** A write's condition for the SDK's commands; the headers of our own requests are those of every store. */
export function writeConditionInput(condition: WriteCondition | undefined): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {};
  return condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: etagOf(condition) };
}

/** Whether the answer shall tell the checksums that the store keeps: only where they will be compared, or are asked for. */
export function wantsChecksums(o: GetOptions): boolean {
  return o.range === undefined && o.verify !== false;
}
