import type { StorageError } from '@stowage/core';
import type { GuardName } from './delete-guard.ts';
import type { Side } from './side.ts';

/** Why a run was refused before anything was done. */
export type RefusalReason =
  /** One tree lies in the other, or both are one. */
  | 'overlap'
  | Extract<GuardName, 'empty-source'>
  /** The source is missing or cannot be listed. */
  | 'source'
  /** The destination is missing, cannot be listed, or cannot be written. */
  | 'destination'
  /** Another run is at work on the same two places. */
  | 'locked'
  /** Options that do not go together, or that a store cannot serve. */
  | 'usage';

/** A run that was refused: both trees are as they were. */
export class MirrorRefusal extends Error {
  override readonly name = 'MirrorRefusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

export function listingRefusal(side: Side, error: StorageError): MirrorRefusal {
  return new MirrorRefusal(side, `the ${side} cannot be listed: ${error.message}`, error);
}
