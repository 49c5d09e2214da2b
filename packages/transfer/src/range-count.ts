/** Pages that a pace is measured over, at least. */
const PACE_PAGES = 12;
/** What part of what more ranges could bring at best they must bring. */
const WORTH = 0.4;
/** How many times the keys there must be, before more ranges are tried again that were not worth it. */
const AGAIN = 4;

interface Reading {
  readonly ms: number;
  readonly keys: number;
  readonly pages: number;
}

/**
 * How many ranges of keys are read side by side: twice as many, as long as the last ones have made the listing faster. A store may be
 * no faster for being asked for several pages at once, and each split costs it some that are read twice.
 */
export class RangeCount {
  readonly #most: number;
  /** How many have been found to be worth it. */
  #proven = 1;
  /** How many are being tried. */
  #tried = 1;
  /** Where the present count began; undefined until the first page behind the change. */
  #began: Reading | undefined;
  /** Keys a millisecond with {@link RangeCount.#proven} ranges. */
  #pace: number | undefined;
  #last: Reading = { ms: 0, keys: 0, pages: 0 };
  /** How many keys there must be before more are tried. */
  #notBefore = 0;

  /** @param most ranges at most */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many there may be. */
  get allowed(): number {
    return this.#tried;
  }

  /** How many to try next; what is allowed, where that is the most or not known to be worth it yet. */
  get next(): number {
    if (this.#tried > this.#proven || this.#last.keys < this.#notBefore || this.#pace === undefined) return this.#tried;
    return Math.min(this.#most, this.#proven * 2);
  }

  /** So many are read from now on. */
  try(count: number): void {
    this.#tried = count;
    this.#began = undefined;
  }

  /** Another page has come. */
  page(ms: number, keys: number): void {
    this.#last = { ms, keys, pages: this.#last.pages + 1 };
    const began = this.#began;
    if (began === undefined) {
      this.#began = this.#last;
      return;
    }
    // Each range has pages at hand that were asked for by fewer.
    if (this.#last.pages - began.pages < PACE_PAGES + this.#tried || ms <= began.ms) return;
    this.#measured((keys - began.keys) / (ms - began.ms));
    this.#began = this.#last;
  }

  #measured(pace: number): void {
    if (this.#tried > this.#proven && this.#pace !== undefined) {
      const worth = this.#pace * (1 + WORTH * (this.#tried / this.#proven - 1));
      if (pace < worth) {
        this.#notBefore = this.#last.keys * AGAIN;
        this.#tried = this.#proven;
        // With what is left of the ranges that were tried it is not the pace of so many.
        this.#pace = undefined;
        return;
      }
      this.#proven = this.#tried;
    }
    this.#pace = pace;
  }
}
