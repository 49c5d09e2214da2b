/**
 * Finds keys that lie beneath another key of the same ordered listing (`a/b` where `a` is an object too), which disks and
 * some servers cannot hold. Only keys that the current one begins with are kept: as many as a path has parts.
 */
export class NestedKeys {
  readonly #above: string[] = [];

  /** The key above this one, if the listing had it. Keys must come in order. */
  above(key: string): string | undefined {
    const above = this.#above;
    while (above.length > 0) {
      const top = above[above.length - 1] as string;
      // Behind `a` come `a-`, `a.` and then `a/`: it is done with once the order has passed the slash.
      if (key.startsWith(top) && key.charCodeAt(top.length) <= SLASH) break;
      above.pop();
    }
    return above.find((candidate) => key.charCodeAt(candidate.length) === SLASH);
  }

  /** Takes the key, which lies beneath no other, as one that others may lie beneath. */
  add(key: string): void {
    this.#above.push(key);
  }

  /** The same, for a listing that goes on from here by itself. */
  clone(): NestedKeys {
    const clone = new NestedKeys();
    clone.#above.push(...this.#above);
    return clone;
  }
}

const SLASH = 0x2f;
