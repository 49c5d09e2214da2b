import { isStorageError } from '@stowage/core';
import type { MirrorReport, RefusalReason } from '@stowage/transfer';

/** What the process says when it ends. */
export const EXIT = {
  inSync: 0,
  /** Some objects failed or conflicted, or the run could not be finished. */
  failed: 1,
  usage: 2,
  /** The source is missing or unreadable. */
  source: 3,
  /** The destination is missing, or denied every copy. */
  destination: 4,
  /** A guard tripped, and nothing was deleted. */
  guard: 5,
  /** `check` found a difference. */
  mismatch: 6,
  /** A limit of the run was reached: the next one goes on. */
  limit: 8,
  /** `plan --exit-code`: something would be done. */
  wouldChange: 9,
  /** Another run holds the lock of these two places: EX_TEMPFAIL of sysexits.h. */
  locked: 75,
  /** As shells have it: 128 and the number of SIGINT. */
  interrupted: 130,
  /** 128 and the number of SIGTERM. */
  terminated: 143,
} as const;

export const REFUSAL_EXIT: Readonly<Record<RefusalReason, number>> = {
  overlap: EXIT.guard,
  'empty-source': EXIT.guard,
  source: EXIT.source,
  destination: EXIT.destination,
  usage: EXIT.usage,
  locked: EXIT.locked,
};

/** The exit code of a run that came to a report and was not interrupted by a signal. */
export function exitCode({ mode, dryRun, counts, guard, stopped, balanced, destinationDenied }: MirrorReport, tellChanges: boolean): number {
  const differences = counts.copied.objects + counts.updated.objects + counts.deleted.objects;
  if (mode === 'check' && differences + counts.conflict.objects > 0) return EXIT.mismatch;
  const troubles = counts.failed.objects + counts.conflict.objects;
  // Whatever is left undone keeps deletions back: that alone is no alarm.
  const limited = stopped?.by === 'limit' && troubles === 0 && balanced;
  if (limited && (guard === undefined || guard.guard === 'interrupted')) return EXIT.limit;
  if (guard !== undefined) return EXIT.guard;
  // A full disk is neither missing nor denied.
  if (stopped?.by === 'store' && !isStorageError(stopped.error, 'OutOfSpace')) return EXIT[stopped.side];
  if (destinationDenied) return EXIT.destination;
  if (stopped !== undefined || !balanced || troubles > 0) return EXIT.failed;
  return dryRun && tellChanges && differences > 0 ? EXIT.wouldChange : EXIT.inSync;
}
