import { type Bucket, type CopyItem, type Revision, StorageError } from '@stowage/core';
import { isKnown } from './copy-condition.ts';

/** What is to be kept before it is deleted or overwritten. */
export interface TrashItem {
  readonly key: string;
  readonly revision: Revision;
}

/**
 * Keeps what a run deletes or overwrites, at the destination, under a prefix and the time of the run: no run overwrites what another has
 * put there.
 */
export class Trash {
  readonly prefix: string;
  readonly #bucket: Bucket;
  readonly #folder: string;

  constructor(bucket: Bucket, prefix: string, today: Date) {
    this.#bucket = bucket;
    this.prefix = trashPrefix(prefix);
    this.#folder = `${this.prefix}${today.toISOString().replaceAll(':', '-')}/`;
  }

  /** Copies the objects there. One that could not be kept has its error, and must not be deleted or overwritten. */
  async keep(items: readonly TrashItem[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, StorageError>> {
    const { copyBatch, copyIf } = this.#bucket.capabilities;
    const call = signal === undefined ? {} : { signal };
    const failures = new Map<string, StorageError>();
    for (let at = 0; at < items.length; at += Math.max(1, copyBatch)) {
      const batch = items.slice(at, at + Math.max(1, copyBatch));
      const copies = batch.map(({ key, revision }): CopyItem => ({
        from: this.#bucket.driver.copySource(key),
        to: this.#folder + key,
        ...(copyIf !== false && isKnown(revision) ? { sourceIf: revision } : {}),
      }));
      const outcomes = await this.#bucket.copyMany(copies, call);
      for (const [i, { key }] of batch.entries()) {
        const outcome = outcomes[i];
        if (outcome?.ok === true) continue;
        failures.set(key, outcome?.error ?? new StorageError('Unknown', `${this.#bucket.provider} gave no outcome for the copy to the trash`, { key }));
      }
    }
    return failures;
  }
}

/** With the slash that makes it a folder. */
function trashPrefix(prefix: string): string {
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
}
