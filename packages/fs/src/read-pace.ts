/** Up to this many bytes: the copy from the page cache takes less than a hand-over to another thread and back. */
const HERE_BYTES = 128 * 1024;
/** A read that took this long has waited for the disk. */
const SLOW_MS = 1;
/** Reads that are handed over behind one that was slow. */
const HANDED_OVER = 32;

/**
 * Where small reads are made. In the caller's thread one costs some 5 µs, in the pool 50 to 180 µs of CPU; but a disk that lets one
 * wait (cold cache, network) would hold up everything else. So the first slow read sends the next ones to the pool.
 */
export class ReadPace {
  readonly #now: () => number;
  #handedOver = 0;

  /** @param now milliseconds that only go forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the next read, of so many bytes, is to be made in the caller's thread. */
  readsHere(bytes: number): boolean {
    if (bytes > HERE_BYTES) return false;
    if (this.#handedOver === 0) return true;
    this.#handedOver--;
    return false;
  }

  /** Makes a read in the caller's thread, and remembers if it was slow. */
  timed(read: () => number): number {
    const began = this.#now();
    const count = read();
    if (this.#now() - began >= SLOW_MS) this.#handedOver = HANDED_OVER;
    return count;
  }
}
