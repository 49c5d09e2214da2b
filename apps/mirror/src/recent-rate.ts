import type { ProgressSnapshot } from '@stowage/transfer';

const WINDOW_MS = 5000;

/** A rate over the last seconds: of a whole run it would hide what is going on now. */
export class RecentRate {
  readonly #windowMs: number;
  #samples: { readonly at: number; readonly value: number }[] = [];

  constructor(windowMs: number = WINDOW_MS) {
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

/** How much larger or smaller than the objects of the last seconds those that are left may be, for the rates to say anything of them. */
const COMPARABLE = 10;
/** No object that ended in the last seconds may be one that is about to. */
const LEAST_OBJECTS_PER_SECOND = 1000 / WINDOW_MS;

/** Milliseconds that the known work will take at these rates; undefined while that cannot be said. */
export function timeLeft({ toDo, done, listed }: ProgressSnapshot, objectsPerSecond: number, bytesPerSecond: number): number | undefined {
  const objects = toDo.objects - done.objects;
  const bytes = Math.max(0, toDo.bytes - done.bytes);
  if (!listed || objects <= 0) return undefined;
  const byObjects = objectsPerSecond > 0 ? objects / objectsPerSecond : 0;
  if (bytes > 0) {
    // Many small objects are bound by their number, few large ones by their size: the one says nothing of the other.
    const alike = (bytesPerSecond * objects) / bytes;
    if (alike * COMPARABLE < objectsPerSecond || alike > Math.max(objectsPerSecond, LEAST_OBJECTS_PER_SECOND) * COMPARABLE) return undefined;
  }
  const byBytes = bytesPerSecond > 0 ? bytes / bytesPerSecond : 0;
  // Of what is alike, the slower of the two counts.
  const seconds = Math.max(byObjects, byBytes);
  return seconds > 0 ? seconds * 1000 : undefined;
}
