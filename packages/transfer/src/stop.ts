import type { Side } from './side.ts';

/** Why a run ended before it had done everything. */
export type StopCause =
  /** The caller asked for it. */
  | { readonly by: 'caller' }
  /** The store as a whole cannot go on: full, gone, or no longer open to these credentials. */
  | { readonly by: 'store'; readonly side: Side; readonly error: Error }
  /** Another run has taken over: this one was not heard of for as long as its lock lasts. */
  | { readonly by: 'lock'; readonly error: Error }
  /** It has had the time, or has sent the bytes, that it was given. */
  | { readonly by: 'limit'; readonly error: Error }
  /** A listing failed, or was out of order. */
  | { readonly by: 'listing'; readonly side: Side; readonly error: Error };

/** A run's wish to end: work in flight is finished, none is begun. The first cause stays. */
export class Stop {
  #cause: StopCause | undefined;

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  request(cause: StopCause): void {
    this.#cause ??= cause;
  }
}
