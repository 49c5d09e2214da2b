import type { Side } from './side.ts';

/** What a side's listing has given so far. */
export interface Listed {
  readonly objects: number;
  readonly bytes: number;
  /** What it met that is no object. */
  readonly issues: number;
}

/** Doubts beyond these are only counted. */
const DOUBTS_KEPT = 20;

/** What the comparison of two listings has met so far; the ranges that are compared side by side add to one. */
export class PlanSums {
  readonly source: { objects: number; bytes: number; issues: number } = { objects: 0, bytes: 0, issues: 0 };
  readonly destination: { objects: number; bytes: number; issues: number } = { objects: 0, bytes: 0, issues: 0 };
  /** Keys that either side has, counted where the listings are read. */
  keys = 0;
  /** Why the listings cannot be relied on to hold everything, in words; the first of them. */
  readonly doubts: string[] = [];
  doubtful = 0;
  /** Sides that were sorted, and need not have been. */
  readonly inOrder: Set<Side> = new Set();

  doubt(why: string): void {
    this.doubtful++;
    if (this.doubts.length < DOUBTS_KEPT) this.doubts.push(why);
  }
}
