import type { Bucket, DeleteOutcome } from '@stowage/core';
import { asStorageError, judgeStoreFailure } from './copy-failure.ts';
import type { TrippedGuard } from './delete-guard.ts';
import { deleteItem, type DeleteLedger, type DoomedObject } from './delete-ledger.ts';
import type { OutcomeTally } from './outcome.ts';
import type { RunProgress } from './progress.ts';
import { DEFAULT_RETRIES, pause, waitBefore } from './repeated-copy.ts';
import type { Stop } from './stop.ts';
import type { Trash } from './trash.ts';
import { WorkLanes } from './work-lanes.ts';

/** Calls in flight; each carries as many deletions as the store takes. */
const CALLS = 4;
const BATCH = 1000;

export interface DeleterOptions {
  readonly destination: Bucket;
  readonly ledger: DeleteLedger;
  readonly tally: OutcomeTally;
  readonly progress: RunProgress;
  readonly stop: Stop;
  readonly signal: AbortSignal | undefined;
  /** Where what is deleted is put first. */
  readonly trash: Trash | undefined;
  /** Attempts at a deletion beside the first. */
  readonly retries: number | undefined;
}

/** Carries out, or only tells, the deletions of a run, when they have been judged. */
export class Deleter {
  readonly #o: DeleterOptions;

  constructor(o: DeleterOptions) {
    this.#o = o;
  }

  /** A guard tripped: each object that was to go has been skipped. */
  keepAll({ message }: TrippedGuard): void {
    for (const batch of this.#o.ledger.batches(BATCH)) {
      for (const { key, size } of batch) this.#o.tally.add({ kind: 'skipped', key, size, reason: 'guarded', message });
      this.#o.tally.flush();
    }
  }

  /** Nothing is to be changed: tells what would go. */
  planAll(): void {
    for (const batch of this.#o.ledger.batches(BATCH)) {
      for (const { key, size } of batch) this.#o.tally.add({ kind: 'deleted', key, size });
      this.#o.tally.flush();
    }
  }

  async deleteAll(): Promise<void> {
    const { destination, ledger, progress } = this.#o;
    if (ledger.objects === 0) return;
    progress.phase = 'deleting';
    progress.deletionsToDo = ledger.objects;
    const lanes = new WorkLanes(CALLS);
    for (const batch of ledger.batches(Math.min(BATCH, destination.capabilities.deleteBatch))) {
      lanes.push(() => this.#deleteBatch(batch));
      await lanes.room();
      await this.#o.tally.received();
    }
    await lanes.idle();
  }

  async #deleteBatch(batch: readonly DoomedObject[]): Promise<void> {
    const { destination, progress, signal, stop, tally } = this.#o;
    if (stop.cause !== undefined) {
      for (const { key, size } of batch) tally.add({ kind: 'skipped', key, size, reason: 'not-attempted' });
      tally.flush();
      return;
    }
    const conditional = destination.capabilities.deleteIf !== false;
    const outcomes = new Map<string, DeleteOutcome>();
    try {
      const kept = await this.#o.trash?.keep(batch, signal);
      for (const [key, error] of kept ?? []) outcomes.set(key, { key, ok: false, error: error.with({ operation: 'trash' }) });
      const doomed = batch.filter(({ key }) => !outcomes.has(key));
      await this.#deleteAgain(doomed, conditional, outcomes);
    } catch (thrown) {
      const error = asStorageError(thrown);
      for (const { key } of batch) outcomes.set(key, { key, ok: false, error });
    }
    for (const object of batch) this.#settle(object, outcomes.get(object.key));
    progress.deletionsDone += batch.length;
    tally.flush();
  }

  /** Asks again for deletions that failed in a way that may pass. */
  async #deleteAgain(doomed: readonly DoomedObject[], conditional: boolean, outcomes: Map<string, DeleteOutcome>): Promise<void> {
    const { signal, stop, retries = DEFAULT_RETRIES } = this.#o;
    let open = doomed;
    for (let attempt = 1; open.length > 0; attempt++) {
      const made = await this.#asked(open, conditional);
      let wait: number | undefined;
      const again: DoomedObject[] = [];
      for (const [i, object] of open.entries()) {
        const outcome = attempt > 1 ? await this.#seen(made[i]) : made[i];
        if (outcome === undefined) continue;
        outcomes.set(object.key, outcome);
        const after = outcome.ok ? undefined : waitBefore(outcome.error, attempt, retries);
        if (after === undefined) continue;
        again.push(object);
        wait = Math.max(wait ?? 0, after);
      }
      if (wait === undefined || stop.cause !== undefined || signal?.aborted === true) return;
      await pause(wait, signal, () => stop.cause !== undefined);
      open = again;
    }
  }

  /** A condition that does not hold the second time may have met the first one's effect: settled by looking. */
  async #seen(outcome: DeleteOutcome | undefined): Promise<DeleteOutcome | undefined> {
    if (outcome === undefined || outcome.ok || outcome.error.code !== 'PreconditionFailed') return outcome;
    const { destination, signal } = this.#o;
    try {
      return (await destination.exists(outcome.key, signal === undefined ? {} : { signal })) ? outcome : { key: outcome.key, ok: true };
    } catch (error) {
      return { key: outcome.key, ok: false, error: asStorageError(error) };
    }
  }

  async #asked(open: readonly DoomedObject[], conditional: boolean): Promise<readonly DeleteOutcome[]> {
    const { destination, signal } = this.#o;
    try {
      return await destination.driver.deleteMany(
        open.map((object) => deleteItem(object, conditional)),
        signal === undefined ? {} : { signal },
      );
    } catch (thrown) {
      const error = asStorageError(thrown);
      return open.map(({ key }) => ({ key, ok: false, error }));
    }
  }

  #settle({ key, size }: DoomedObject, outcome: DeleteOutcome | undefined): void {
    const { signal, stop, tally } = this.#o;
    if (outcome?.ok === true) tally.add({ kind: 'deleted', key, size });
    else if (signal?.aborted === true)
      tally.add({ kind: 'skipped', key, size, reason: 'not-attempted', message: 'interrupted while it was deleted; run again' });
    else if (outcome === undefined)
      tally.add({ kind: 'failed', key, size, reason: 'Unknown', message: 'the destination gave no outcome for the deletion; run again' });
    else if (outcome.error.code === 'PreconditionFailed')
      tally.add({
        kind: 'conflict',
        key,
        size,
        reason: 'destination-changed',
        message: 'kept: somebody wrote it at the destination since it was listed; run again',
      });
    else {
      tally.add({ kind: 'failed', key, size, reason: outcome.error.code, message: outcome.error.message });
      const cause = judgeStoreFailure(outcome.error, 'destination');
      if (cause !== undefined) stop.request(cause);
    }
  }
}
