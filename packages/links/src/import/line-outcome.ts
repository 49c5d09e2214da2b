import type { Id } from '@stowage/catalog';
import type { LinksRow } from '../links-file/read-links.ts';

/** What became of a line: `present` means that the dataset has an entity with this very link already. */
export const LINE_OUTCOMES = ['imported', 'present', 'skipped', 'failed'] as const;
export type LineOutcomeKind = (typeof LINE_OUTCOMES)[number];

/**
 * Why a line was skipped or failed:
 * - `bad-line` it holds no link
 * - `unknown-storage` no configured storage has the bucket, or its configuration cannot be used
 * - `missing` there is no such object; `denied` it may not be read; `unreachable` its storage did not answer
 * - `empty` it has no bytes; `wrong-type` it is none of the project's type
 * - `refused` the catalog cannot keep it
 * - `name-taken` its name is taken in the dataset (skipped)
 */
export type LineReason = 'bad-line' | 'unknown-storage' | 'missing' | 'denied' | 'unreachable' | 'empty' | 'wrong-type' | 'refused' | 'name-taken';

/** What became of one line of a links file. */
export interface LineOutcome {
  readonly file: string;
  readonly line: number;
  /** For lines that failed: where the fault is, or where the link begins. */
  readonly column: number;
  readonly outcome: LineOutcomeKind;
  readonly reason?: LineReason;
  /** One line for people. */
  readonly message?: string;
  /** In its canonical form; absent where the line holds none. */
  readonly link?: string;
  /** Names from the project down. */
  readonly dataset?: readonly string[];
  /** The entity's name: another than the link's where `renamed`. */
  readonly name?: string;
  /** Absent in a dry run. */
  readonly id?: Id;
  readonly renamed?: true;
  /** It took the place of the entity that had its name. */
  readonly replaced?: true;
  /** The line as it was read. */
  readonly row: LinksRow;
}

/** How many lines came to what. */
export interface LineTally {
  /** Rows: lines that hold a link, or should. */
  readonly rows: number;
  /** Blank lines, comments and headers. */
  readonly ignored: number;
  readonly imported: number;
  readonly present: number;
  readonly skipped: number;
  readonly failed: number;
  /** Of those imported. */
  readonly renamed: number;
  readonly replaced: number;
  /** How often each {@link LineReason} was given. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** A tally that grows. */
export class LineCounter {
  #ignored = 0;
  #renamed = 0;
  #replaced = 0;
  readonly #kinds: Record<LineOutcomeKind, number> = { imported: 0, present: 0, skipped: 0, failed: 0 };
  readonly #reasons: Record<string, number> = {};

  ignored(count: number): void {
    this.#ignored += count;
  }

  add(outcomes: readonly LineOutcome[]): void {
    for (const { outcome, reason, renamed, replaced } of outcomes) {
      this.#kinds[outcome]++;
      if (reason !== undefined) this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
      if (renamed) this.#renamed++;
      if (replaced) this.#replaced++;
    }
  }

  addTally(tally: LineTally): void {
    this.#ignored += tally.ignored;
    this.#renamed += tally.renamed;
    this.#replaced += tally.replaced;
    for (const kind of LINE_OUTCOMES) this.#kinds[kind] += tally[kind];
    for (const [reason, count] of Object.entries(tally.reasons)) this.#reasons[reason] = (this.#reasons[reason] ?? 0) + count;
  }

  tally(): LineTally {
    const kinds = this.#kinds;
    const rows = LINE_OUTCOMES.reduce((sum, kind) => sum + kinds[kind], 0);
    return { rows, ignored: this.#ignored, ...kinds, renamed: this.#renamed, replaced: this.#replaced, reasons: { ...this.#reasons } };
  }
}
