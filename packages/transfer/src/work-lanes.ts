/** Started pieces that are kept before the queue is made anew. */
const FORGET_AFTER = 64;
/** Pieces that have left their lanes and not ended, for each lane and in all. */
const LEFT_PER_LANE = 8;
const LEFT_MOST = 1024;

/**
 * A piece of work. It may leave its lane to the next one when it does no more than wait for what others share: a disk that makes many
 * files durable at once serves the better the more of them wait for it.
 */
export type Piece = (leave: () => void) => Promise<void>;

/**
 * Runs queued work, so many pieces at once. Pieces are started in order; a piece deals with its own failures.
 * One that throws nevertheless ends the run: the error comes out of `room` and `idle`.
 */
export class WorkLanes {
  #limit: number;
  #queue: Piece[] = [];
  #next = 0;
  #inFlight = 0;
  #left = 0;
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

  push(piece: Piece): void {
    this.#queue.push(piece);
    this.#pump();
  }

  /** As {@link push}, in its lane to the end; what the piece comes to is given to the caller, also where it throws. */
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
    while (this.#queued > 0 || this.#inFlight > 0 || this.#left > 0) await this.#settled();
    this.#rethrow();
  }

  get #queued(): number {
    return this.#queue.length - this.#next;
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #pump(): void {
    const mayLeave = Math.min(LEFT_MOST, LEFT_PER_LANE * this.#limit);
    while (this.#inFlight < this.#limit && this.#left < mayLeave && this.#next < this.#queue.length) {
      const piece = this.#queue[this.#next] as Piece;
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

  async #run(piece: Piece): Promise<void> {
    let isInLane = true;
    const leave = (): void => {
      if (!isInLane) return;
      isInLane = false;
      this.#inFlight--;
      this.#left++;
      this.#goOn();
    };
    try {
      await piece(leave);
    } catch (error) {
      this.#failure ??= { error };
    }
    if (isInLane) this.#inFlight--;
    else this.#left--;
    this.#goOn();
  }

  #goOn(): void {
    this.#pump();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
