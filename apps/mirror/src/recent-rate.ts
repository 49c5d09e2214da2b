import type { ProgressSnapshot } from '@stowage/transfer';

/** A rate over the last seconds: of a whole run it would hide what is going on now. */
export class RecentRate {
  readonly #windowMs: number;
  #samples: { readonly at: number; readonly value: number }[] = [];

  constructor(windowMs = 5000) {
    this.#windowMs = windowMs;
  }

  /** Takes the counter's value and gives its rise per second. */
  add(atMs: number, value: number): number {
    this.#samples.push({ at: atMs, value });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? 0) <= atMs - this.#windowMs) this.#samples.shift();
    const first = this.#samples[0] ?? { at: atMs, value };
    return atMs === first.at ? 0 : Math.max(0, ((value - first.value) * 1000) / (atMs - first.at));
  }
}

/** Milliseconds that the known work will take at these rates; undefined while that cannot be said. */
export function timeLeft({ toDo, done, listed }: ProgressSnapshot, objectsPerSecond: number, bytesPerSecond: number): number | undefined {
  const objects = toDo.objects - done.objects;
  if (!listed || objects <= 0) return undefined;
  // Many small objects are bound by their number, few large ones by their size: the slower of the two counts.
  const byObjects = objectsPerSecond > 0 ? objects / objectsPerSecond : 0;
  const byBytes = bytesPerSecond > 0 ? Math.max(0, toDo.bytes - done.bytes) / bytesPerSecond : 0;
  const seconds = Math.max(byObjects, byBytes);
  return seconds > 0 ? seconds * 1000 : undefined;
}
