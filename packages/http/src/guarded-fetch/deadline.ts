import { shownKey, StorageError } from '@stowage/core';
import { networkFault } from './network-fault.ts';

/** What may end a request before its time: the caller's signal and the limits on time. One for a request, its redirects and its body. */
export class Deadline {
  /** For the client underneath. Its reason is never shown: `explain` gives the true one. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #url: string;
  readonly #outer: AbortSignal | undefined;
  readonly #total: NodeJS.Timeout;
  readonly #onAbort: () => void;
  readonly #ended = Promise.withResolvers<never>();
  #step: NodeJS.Timeout | undefined;
  /** Boxed, as a caller may abort with any value. */
  #reason: { readonly value: unknown } | undefined;

  constructor(url: string, outer: AbortSignal | undefined, totalMs: number) {
    this.signal = this.#controller.signal;
    this.#url = url;
    this.#outer = outer;
    // Those who wait are told by `race`; where nobody waits there is nobody to tell.
    this.#ended.promise.catch(() => undefined);
    this.#onAbort = (): void => this.#end(outer?.reason);
    outer?.addEventListener('abort', this.#onAbort, { once: true });
    this.#total = setTimeout(() => this.#expire(`it was not done within ${totalMs} ms`), totalMs);
  }

  /** The work's outcome, or the reason of the end where that comes first; each step may take so long. */
  async race<T>(work: Promise<T>, stepMs: number): Promise<T> {
    this.#step = setTimeout(() => this.#expire(`its answer did not begin within ${stepMs} ms`), stepMs);
    try {
      return await Promise.race([work, this.#ended.promise]);
    } finally {
      clearTimeout(this.#step);
    }
  }

  /** What the caller is thrown for a failure: the reason of the end, where there was one; else the failure in plain words. */
  explain(error: unknown, shown: string): unknown {
    return this.#reason === undefined ? networkFault(error, shown) : this.#reason.value;
  }

  /** All is done: nothing is limited any more, and nobody listens to the caller's signal. Idempotent. */
  release(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#step);
    this.#outer?.removeEventListener('abort', this.#onAbort);
  }

  #expire(what: string): void {
    this.#end(new StorageError('Timeout', `${JSON.stringify(shownKey(this.#url))}: ${what}`, { provider: 'http' }));
  }

  #end(reason: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = { value: reason };
    this.release();
    this.#ended.reject(reason);
    this.#controller.abort(new Error('the request was ended'));
  }
}
