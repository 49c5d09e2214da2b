import { StorageError } from '@stowage/core';

/** Whether an upload in parts still takes some. */
export class UploadState {
  readonly #key: string;
  #state: 'open' | 'completed' | 'aborted' | 'detached' = 'open';

  constructor(key: string) {
    this.#key = key;
  }

  /** Whether disposing of the upload must abort it. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get hasEnded(): boolean {
    return this.#state === 'completed' || this.#state === 'aborted';
  }

  /** Throws `NotFound` once it was completed or aborted. */
  assertOpen(): void {
    if (this.hasEnded) throw new StorageError('NotFound', `the upload of ${JSON.stringify(this.#key)} was ${this.#state} already`, { key: this.#key });
  }

  completed(): void {
    this.#state = 'completed';
  }

  aborted(): void {
    this.#state = 'aborted';
  }

  detach(): void {
    if (this.#state === 'open') this.#state = 'detached';
  }
}
