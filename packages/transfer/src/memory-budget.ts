/**
 * How many bytes of content may be in this process at once, for all copies together. First come, first served, so that a large part
 * is not passed by for ever by small objects.
 */
export class MemoryBudget {
  readonly #limit: number;
  #used = 0;
  #waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the work when there is room for its bytes, until it ends; one that is larger than the budget runs alone. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const held = Math.min(bytes, this.#limit);
    if (this.#waiting.length > 0 || this.#used + held > this.#limit) await new Promise<void>((go) => this.#waiting.push({ bytes: held, go }));
    else this.#used += held;
    try {
      return await work();
    } finally {
      this.#used -= held;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#used + next.bytes <= this.#limit; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#used += next.bytes;
      next.go();
    }
  }
}
