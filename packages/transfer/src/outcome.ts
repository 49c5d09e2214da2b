import type { ErrorCode } from '@stowage/core';
import type { ConflictReason, Difference, SkipReason } from './action.ts';

/** Every key that either side lists ends in exactly one of these. */
export type OutcomeKind = 'same' | 'copied' | 'updated' | 'deleted' | 'skipped' | 'conflict' | 'failed';

export const OUTCOME_KINDS: readonly OutcomeKind[] = ['same', 'copied', 'updated', 'deleted', 'skipped', 'conflict', 'failed'];

/** Why a key failed: a listing could not read it, the source object changed while it was copied, or the store's error. */
export type FailureReason = 'unreadable' | 'source-changed' | ErrorCode;

/**
 * What became of one key. In a run that only plans, what would become of it; in one that only checks, `copied` says that the
 * destination lacks the object, `updated` that it differs, `deleted` that the source lacks it.
 */
export interface Outcome {
  readonly kind: OutcomeKind;
  readonly key: string;
  /** Bytes of the object that the outcome is about; 0 where that is not known. */
  readonly size: number;
  readonly reason?: SkipReason | ConflictReason | FailureReason | Difference;
  /** For people, one line: what happened and what to do. */
  readonly message?: string;
}

/** Objects and their bytes. */
export interface Count {
  readonly objects: number;
  readonly bytes: number;
}

export type Counts = Readonly<Record<OutcomeKind, Count>>;

/** Adds outcomes up, and hands them on in batches: nothing is awaited for a single one. */
export class OutcomeTally {
  readonly #counts: Record<OutcomeKind, { objects: number; bytes: number }>;
  readonly #reasons = new Map<string, number>();
  readonly #receive: ((batch: readonly Outcome[]) => void | Promise<void>) | undefined;
  #batch: Outcome[] = [];
  #pressure: Promise<void> | undefined;

  /** @param receive gets every outcome once; where it returns a promise, the run waits for it before it goes on. */
  constructor(receive?: (batch: readonly Outcome[]) => void | Promise<void>) {
    this.#receive = receive;
    this.#counts = {
      same: { objects: 0, bytes: 0 },
      copied: { objects: 0, bytes: 0 },
      updated: { objects: 0, bytes: 0 },
      deleted: { objects: 0, bytes: 0 },
      skipped: { objects: 0, bytes: 0 },
      conflict: { objects: 0, bytes: 0 },
      failed: { objects: 0, bytes: 0 },
    };
  }

  add(outcome: Outcome): void {
    const count = this.#counts[outcome.kind];
    count.objects++;
    count.bytes += outcome.size;
    if (outcome.reason !== undefined) {
      const name = `${outcome.kind}:${outcome.reason}`;
      this.#reasons.set(name, (this.#reasons.get(name) ?? 0) + 1);
    }
    if (this.#receive !== undefined) this.#batch.push(outcome);
  }

  /** Hands on what came in since the last call. */
  flush(): void {
    if (this.#receive === undefined || this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    const pressure = this.#receive(batch);
    if (pressure === undefined) return;
    const before = this.#pressure;
    this.#pressure = before === undefined ? pressure : before.then(() => pressure);
    // Met by whoever awaits `received`; until then, a rejection must not end the process.
    this.#pressure.catch(() => undefined);
  }

  /** Resolves when the receiver has taken in everything that was handed on. */
  async received(): Promise<void> {
    while (this.#pressure !== undefined) {
      const pressure = this.#pressure;
      await pressure;
      if (this.#pressure === pressure) this.#pressure = undefined;
    }
  }

  get counts(): Counts {
    return structuredClone(this.#counts);
  }

  of(kind: OutcomeKind): Count {
    return this.#counts[kind];
  }

  /** How often each `kind:reason` came. */
  get reasons(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#reasons);
  }

  get total(): number {
    return OUTCOME_KINDS.reduce((sum, kind) => sum + this.#counts[kind].objects, 0);
  }
}
