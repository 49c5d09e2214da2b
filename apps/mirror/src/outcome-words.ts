import { visible } from '@stowage/terminal';
import type { MirrorReport, Outcome, OutcomeKind } from '@stowage/transfer';

/** What an outcome is called: a plan speaks of what would be, a check of what is. */
export function outcomeWord(kind: OutcomeKind, { mode, dryRun }: Pick<MirrorReport, 'mode' | 'dryRun'>): string {
  if (mode === 'check') return CHECK_WORDS[kind] ?? kind;
  return dryRun ? (PLAN_WORDS[kind] ?? kind) : kind;
}

const PLAN_WORDS: Readonly<Partial<Record<OutcomeKind, string>>> = { copied: 'copy', updated: 'update', deleted: 'delete', skipped: 'skip', failed: 'fail' };
const CHECK_WORDS: Readonly<Partial<Record<OutcomeKind, string>>> = { copied: 'missing', updated: 'differs', deleted: 'extra' };

/** One line for one key: what, the key, why. */
export function outcomeLine({ kind, key, reason, message }: Outcome, run: Pick<MirrorReport, 'mode' | 'dryRun'>): string {
  const why = kind === 'failed' || kind === 'conflict' ? `  (${reason ?? ''}: ${visible(message ?? '')})` : reason === undefined ? '' : `  (${reason})`;
  return `${outcomeWord(kind, run).padEnd(8)}  ${visible(key)}${why}\n`;
}
