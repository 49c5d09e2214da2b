/** Started pieces that are kept before the queue is made anew. */
const FORGET_AFTER = 64;

/**
 * Runs queued work, so many pieces at once. Pieces are started in order; a piece deals with its own failures.
 * One that throws nevertheless ends the run: the error comes out of `room` and `idle`.
 */
export class WorkLanes {
  #limit: number;
  #queue: (() => Promise<void>)[] = [];
  #next = 0;
  #inFlight = 0;
  #waiting: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Work in flight goes on, whatever the new limit. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#pump();
  }

  push(piece: () => Promise<void>): void {
    this.#queue.push(piece);
    this.#pump();
  }

  /** As {@link push}; what the piece comes to is given to the caller, also where it throws. */
  run<T>(piece: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.push(() => piece().then(resolve, reject));
    });
  }

  /** Resolves when no more than one piece a lane is waiting: the time to queue more. */
  async room(): Promise<void> {
    while (this.#queued > this.#limit) await this.#settled();
    this.#rethrow();
  }

  /** Resolves when all is done. */
  async idle(): Promise<void> {
    while (this.#queued > 0 || this.#inFlight > 0) await this.#settled();
    this.#rethrow();
  }

  get #queued(): number {
    return this.#queue.length - this.#next;
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #pump(): void {
    while (this.#inFlight < this.#limit && this.#next < this.#queue.length) {
      const piece = this.#queue[this.#next] as () => Promise<void>;
      this.#next++;
      this.#forget();
      this.#inFlight++;
      void this.#run(piece);
    }
  }

  /** Drops the pieces that were started: a queue that is never empty would hold all of a run. */
  #forget(): void {
    if (this.#next < FORGET_AFTER && this.#next < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#next);
    this.#next = 0;
  }

  async #run(piece: () => Promise<void>): Promise<void> {
    try {
      await piece();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#inFlight--;
    this.#pump();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
