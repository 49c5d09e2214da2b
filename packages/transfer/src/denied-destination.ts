import { type Bucket, type Call, isStorageError } from '@stowage/core';
import type { CopyAction } from './action.ts';
import type { Outcome } from './outcome.ts';
import type { Side } from './side.ts';

/** Finds out whether the destination may not be written at all: it denied every copy that was tried, and none was made. */
export class DeniedDestination {
  #made = false;
  #denied = false;
  #failedOtherwise = false;
  #sideUnknown: CopyAction | undefined;

  /** A copy was made. */
  made(): void {
    this.#made = true;
  }

  /** A copy was not made; `side` is the store whose call failed, where that is known. */
  failed(action: CopyAction, { reason }: Outcome, side: Side | undefined): void {
    if (reason !== 'AccessDenied' || side === 'source') this.#failedOtherwise = true;
    else this.#denied = true;
    if (side === undefined) this.#sideUnknown ??= action;
  }

  /** A copy on the server's side does not tell who denied it: whether the source lets one of these be read is asked here. */
  async holds(source: Bucket, call: Call): Promise<boolean> {
    if (this.#made || this.#failedOtherwise || !this.#denied) return false;
    if (this.#sideUnknown === undefined) return true;
    try {
      await (await source.get(this.#sideUnknown.key, call))[Symbol.asyncDispose]();
      return true;
    } catch (error) {
      if (isStorageError(error)) return false;
      throw error;
    }
  }
}
