import { StorageError } from '@stowage/core';
import { untilAborted } from './until-aborted.ts';

export interface RenewedOptions<T> {
  /** When the value ends, in milliseconds since 1970; `Infinity` where it does not. */
  readonly endOf: (value: T) => number;
  /** The time in milliseconds. Default: the clock. */
  readonly now?: () => number;
  /** How long before its end the value is renewed, in milliseconds. Default 5 minutes. */
  readonly earlyMs?: number;
  /** A held value with less than this left is not given out, in milliseconds. Default 60 s. */
  readonly keepMs?: number;
  /** The pause between two renewals while the held value still serves, in milliseconds. Default 15 s. */
  readonly pauseMs?: number;
  /** Told of each failed renewal that the held value covers up. Default: not told. */
  readonly onFailure?: (error: unknown) => void;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
  /** Renews beside the work: it goes on when nobody waits. */
  readonly kept: boolean;
}

/**
 * What one signs in with, and what ends: asked of its source only when it must be, and once for all callers. Before its end it is
 * renewed beside the work, which goes on with the held one; if that fails, the held one serves while `keepMs` or more remain, and it is
 * tried again. From then on callers wait for the new one. When the last of those who wait has gone, the source is told by its signal.
 */
export class Renewed<T> {
  readonly #source: (signal: AbortSignal) => Promise<T>;
  readonly #o: Required<RenewedOptions<T>>;
  #held: T | undefined;
  #flight: Flight<T> | undefined;
  #pausedUntil = -Infinity;

  constructor(source: (signal: AbortSignal) => Promise<T>, options: RenewedOptions<T>) {
    this.#source = source;
    this.#o = { now: Date.now, earlyMs: 300_000, keepMs: 60_000, pauseMs: 15_000, onFailure: () => undefined, ...options };
  }

  /** The last value, whether it still serves or not. */
  get held(): T | undefined {
    return this.#held;
  }

  /** The held value where it serves, at once; begins its renewal where that is due. */
  fresh(): T | undefined {
    const { now, endOf, earlyMs, keepMs, pauseMs, onFailure } = this.#o;
    const held = this.#held;
    if (held === undefined) return undefined;
    const time = now();
    const left = endOf(held) - time;
    if (left < keepMs) return undefined;
    if (left < earlyMs && this.#flight === undefined && time >= this.#pausedUntil) {
      this.#pausedUntil = time + pauseMs;
      this.#take(true).result.catch(onFailure);
    }
    return held;
  }

  /** Rejects as the source does, and with the signal's reason. */
  async value(signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    const fresh = this.fresh();
    if (fresh !== undefined) return fresh;
    const joined = this.#take(false);
    joined.waiting++;
    try {
      return await untilAborted(joined.result, signal);
    } finally {
      joined.waiting--;
      if (joined.waiting === 0 && !joined.kept && this.#flight === joined) {
        // The next caller begins anew.
        this.#flight = undefined;
        joined.abort.abort(new StorageError('Unavailable', 'signing in was given up: every caller has gone', { operation: 'signIn' }));
      }
    }
  }

  /** The held value serves no more. */
  forget(): void {
    this.#held = undefined;
  }

  #take(kept: boolean): Flight<T> {
    if (this.#flight !== undefined) return this.#flight;
    const abort = new AbortController();
    const result = this.#source(abort.signal).then((fresh) => {
      this.#held = fresh;
      return fresh;
    });
    const started: Flight<T> = { result, abort, waiting: 0, kept };
    this.#flight = started;
    const land = (): void => {
      if (this.#flight === started) this.#flight = undefined;
    };
    result.then(land, land);
    return started;
  }
}
