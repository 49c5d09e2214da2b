import type { Count } from './outcome.ts';

export type Phase = 'comparing' | 'copying' | 'deleting' | 'finished';

/** Where a run stands. */
export interface ProgressSnapshot {
  readonly phase: Phase;
  /** Milliseconds since the run began. */
  readonly elapsedMs: number;
  /** Keys that have been compared so far. */
  readonly compared: number;
  /** Whether both listings have ended, so that `toDo` is final. */
  readonly listed: boolean;
  /** Copies known of so far. */
  readonly toDo: Count;
  /** Copies made, and bytes sent for these and for those in flight. */
  readonly done: Count;
  readonly inFlight: number;
  /** Copies, or batches of them, that may be in flight now. */
  readonly concurrency: number;
  /** How often a store has asked to slow down. */
  readonly throttled: number;
  readonly failed: number;
  readonly conflicts: number;
  readonly deletions: { readonly done: number; readonly toDo: number };
}

/** Counters of a run; cheap to write, read by whoever shows them. */
export class RunProgress {
  phase: Phase = 'comparing';
  compared = 0;
  listed = false;
  deletionsToDo = 0;
  throttled = 0;
  concurrency = 0;
  deletionsDone = 0;
  readonly #sent: (bytes: number) => void;
  #toDoObjects = 0;
  #toDoBytes = 0;
  #doneObjects = 0;
  #doneBytes = 0;
  #inFlight = 0;

  /** @param sent told of the bytes that are sent so far, at each change */
  constructor(sent: (bytes: number) => void = () => undefined) {
    this.#sent = sent;
  }

  toCopy(bytes: number): void {
    this.#toDoObjects++;
    this.#toDoBytes += bytes;
  }

  began(objects: number): void {
    this.#inFlight += objects;
  }

  finished(objects: number): void {
    this.#inFlight -= objects;
  }

  bytesSent(bytes: number): void {
    this.#doneBytes += bytes;
    this.#sent(this.#doneBytes);
  }

  /** One copy is made; `bytes` of it were not yet counted as sent. */
  copied(bytes: number): void {
    this.#doneObjects++;
    this.bytesSent(bytes);
  }

  /** One copy will not be made. */
  dropped(bytes: number): void {
    this.#toDoObjects--;
    this.#toDoBytes -= bytes;
  }

  snapshot(elapsedMs: number, failed: number, conflicts: number): ProgressSnapshot {
    return {
      phase: this.phase,
      elapsedMs,
      compared: this.compared,
      listed: this.listed,
      toDo: { objects: this.#toDoObjects, bytes: this.#toDoBytes },
      done: { objects: this.#doneObjects, bytes: this.#doneBytes },
      inFlight: this.#inFlight,
      concurrency: this.concurrency,
      throttled: this.throttled,
      failed,
      conflicts,
      deletions: { done: this.deletionsDone, toDo: this.deletionsToDo },
    };
  }
}
