/** What a window of work came to is judged after this long, and when as many pieces have ended as may be in flight. */
const WINDOW_MS = 500;
/** Until a probe first gains nothing or a store asks to slow down: over a long way a run is over before longer windows have found the limit. */
const FIRST_WINDOW_MS = 200;
/** Better by less than this is no better: measurements waver. */
const GAIN = 1.05;
const GROWTH = 1.25;
/** Twice as many pieces that get at least so much more done are doubled again. */
const WORTH_DOUBLING = 1.5;
/** What a store that asks to slow down gets. */
const BACK_OFF = 0.7;
/** Windows without a probe, behind one that gained nothing; twice as many behind each further one, up to the most. */
const REST = 2;
const MOST_REST = 16;
/** What one object weighs beside its bytes: a request costs time even if it carries nothing. */
const OBJECT_BYTES = 64 * 1024;

interface Measured {
  readonly limit: number;
  readonly goodput: number;
}

export interface ConcurrencyBounds {
  readonly start: number;
  readonly most: number;
}

/**
 * How many pieces of work may be in flight, found while they are: as many as still make more of it get done.
 *
 * It doubles while goodput nearly doubles with it, and then grows in smaller steps while goodput grows. Where it does not (the line is
 * full, or answers only take longer), the last step is taken back and tried again later, ever more seldom, for ever: a store may have
 * become faster. A store that asks to slow down gets 0.7 times as many at once.
 */
export class AdaptiveConcurrency {
  readonly #most: number;
  readonly #now: () => number;
  readonly #changed: (limit: number) => void;
  #limit: number;
  #began: number;
  #ended = 0;
  #work = 0;
  #throttled = false;
  #saturated = false;
  #doubling = true;
  #windowMs = FIRST_WINDOW_MS;
  #nextRest = REST;
  #before: Measured | undefined;
  #rest = 0;

  /** @param changed told of each new limit; @param now milliseconds that only go forward */
  constructor({ start, most }: ConcurrencyBounds, now: () => number, changed: (limit: number) => void) {
    this.#most = most;
    this.#limit = Math.min(start, most);
    this.#now = now;
    this.#changed = changed;
    this.#began = now();
  }

  get limit(): number {
    return this.#limit;
  }

  /** A piece has ended; `inFlight` counts it, and those that are left. */
  ended(bytes: number, inFlight: number): void {
    this.#ended++;
    this.#work += bytes + OBJECT_BYTES;
    if (inFlight >= this.#limit) this.#saturated = true;
    const elapsed = this.#now() - this.#began;
    if (elapsed >= this.#windowMs && this.#ended >= this.#limit) this.#judge(this.#work / elapsed);
  }

  /** A store has asked to slow down. */
  throttled(): void {
    // Many requests are refused at once: that is one refusal.
    if (this.#throttled) return;
    this.#throttled = true;
    this.#set(Math.max(1, Math.floor(this.#limit * BACK_OFF)));
  }

  #judge(goodput: number): void {
    const { limit } = this;
    if (this.#throttled) {
      this.#before = undefined;
      this.#doubling = false;
      this.#windowMs = WINDOW_MS;
      this.#rest = REST;
    } else if (this.#before !== undefined) this.#probed(this.#before, goodput);
    else if (this.#rest > 0) this.#rest--;
    // Without enough to do, nothing can be learnt.
    else if (this.#saturated) this.#probe(limit, goodput);
    this.#began = this.#now();
    this.#ended = 0;
    this.#work = 0;
    this.#throttled = false;
    this.#saturated = false;
  }

  /** What a probe has come to. */
  #probed(before: Measured, goodput: number): void {
    const gain = goodput / before.goodput;
    if (gain > (this.#doubling ? WORTH_DOUBLING : GAIN)) {
      this.#nextRest = REST;
      this.#probe(this.#limit, goodput);
      return;
    }
    // Of a step that doubled, what has paid is kept, and more is tried from there in smaller steps.
    const kept = this.#doubling ? Math.ceil(before.limit * gain) : before.limit;
    this.#set(Math.min(this.#limit, Math.max(before.limit, kept)));
    this.#before = undefined;
    if (this.#doubling && gain > GAIN) this.#rest = 0;
    else {
      this.#rest = this.#nextRest;
      this.#nextRest = Math.min(this.#nextRest * 2, MOST_REST);
      this.#windowMs = WINDOW_MS;
    }
    this.#doubling = false;
  }

  #probe(limit: number, goodput: number): void {
    const next = Math.min(this.#most, Math.ceil(limit * (this.#doubling ? 2 : GROWTH)));
    this.#before = next > limit ? { limit, goodput } : undefined;
    this.#set(next);
  }

  #set(limit: number): void {
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#changed(limit);
  }
}
