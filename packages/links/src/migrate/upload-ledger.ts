import type { Catalog, Id, Json } from '@stowage/catalog';
import type { UploadRef } from '@stowage/core';

/** An upload in parts that may not have come to its end. */
interface BegunUpload {
  readonly ref: UploadRef;
  readonly hash: string;
  readonly partSize: number;
}

/** Uploads in parts that were begun, kept in the catalog: a later run goes on behind the parts that arrived. */
export class UploadLedger {
  readonly #catalog: Catalog;
  readonly #key: string;
  readonly #earlier = new Map<string, BegunUpload>();
  #runId: Id | undefined;

  private constructor(catalog: Catalog, key: string) {
    this.#catalog = catalog;
    this.#key = key;
  }

  static async open(catalog: Catalog, target: string, projectId: Id): Promise<UploadLedger> {
    const ledger = new UploadLedger(catalog, `migrate\n${projectId}\n${target}`);
    const run = await catalog.imports.open(ledger.#key);
    ledger.#runId = run.id;
    for (const { source, state, finished } of run.sources) if (!finished) ledger.#earlier.set(source, state as unknown as BegunUpload);
    return ledger;
  }

  /** The upload that an earlier run began for this key, with whatever content. */
  find(key: string): BegunUpload | undefined {
    return this.#earlier.get(key);
  }

  async begun(key: string, upload: BegunUpload): Promise<void> {
    await this.#write(key, upload as unknown as Json, false);
  }

  async ended(key: string): Promise<void> {
    await this.#write(key, null, true);
  }

  /** Nothing is left to go on with. */
  async finish(): Promise<void> {
    if (this.#runId !== undefined) await this.#catalog.imports.finish(this.#runId);
  }

  async #write(key: string, state: Json, finished: boolean): Promise<void> {
    if (this.#runId === undefined) throw new Error('the ledger is not open');
    await this.#catalog.entities.add([], { checkpoint: { runId: this.#runId, source: key, offset: 0, line: 0, finished, state } });
  }
}
