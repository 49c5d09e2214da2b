/** How many deletions a run may make: a number of objects, or percent of the destination's. */
export type DeleteLimit = { readonly objects: number } | { readonly percent: number };

/** Without a limit of one's own: more than this share of the destination, and more than this many objects, is too much. */
export const DEFAULT_DELETE_PERCENT = 25;
export const DEFAULT_DELETE_OBJECTS = 100;

/** Why nothing was deleted. */
export type GuardName =
  /** A listing did not come to its end, or met what it could not read. */
  'incomplete-listing' | 'empty-source' | 'failed-copies' | 'max-delete' | 'interrupted';

export interface TrippedGuard {
  readonly guard: GuardName;
  /** For people, one line: what, how much, what to do. */
  readonly message: string;
}

/** What is known when the listings have ended and the copies are made. */
export interface DeleteCase {
  readonly deletions: number;
  readonly sourceObjects: number;
  readonly destinationObjects: number;
  /** Why the listings cannot be relied on, in words: the first reasons, and how many there are in all. None: they can. */
  readonly doubts: readonly string[];
  readonly doubtful: number;
  readonly failures: number;
  readonly interrupted: boolean;
  readonly limit: DeleteLimit | undefined;
}

/** Judges all deletions of a run before the first one. Undefined: they may be made. */
export function judgeDeletions(c: DeleteCase): TrippedGuard | undefined {
  if (c.deletions === 0) return undefined;
  const kept = `${c.deletions} ${c.deletions === 1 ? 'object was' : 'objects were'} to be deleted and none was`;
  if (c.interrupted) return { guard: 'interrupted', message: `${kept}: the run was stopped before it had compared and copied everything; run it again` };
  if (c.doubts.length > 0)
    return {
      guard: 'incomplete-listing',
      message: `${kept}: ${c.doubts[0]}${c.doubtful > 1 ? ` (and ${c.doubtful - 1} more such)` : ''}; make it readable and run again`,
    };
  if (c.sourceObjects === 0) return { guard: 'empty-source', message: `${kept}: ${EMPTY_SOURCE}` };
  if (c.failures > 0)
    return { guard: 'failed-copies', message: `${kept}: ${c.failures} ${c.failures === 1 ? 'object' : 'objects'} failed to copy; cure that and run again` };
  const over = exceeds(c);
  return over === undefined
    ? undefined
    : { guard: 'max-delete', message: `${kept}: that is ${over}; if it is right, allow it with --max-delete ${c.deletions}` };
}

export const EMPTY_SOURCE = 'the source is empty; an unmounted disk or a mistyped place looks the same, so a mirror of it is refused';

function exceeds({ deletions, destinationObjects, limit }: DeleteCase): string | undefined {
  const percent = (100 * deletions) / Math.max(1, destinationObjects);
  const share = `${percent.toFixed(percent < 10 ? 1 : 0)} % of the destination's ${destinationObjects} objects`;
  if (limit === undefined)
    return deletions > DEFAULT_DELETE_OBJECTS && percent > DEFAULT_DELETE_PERCENT
      ? `${share}, over the default limit of ${DEFAULT_DELETE_PERCENT} % and ${DEFAULT_DELETE_OBJECTS} objects`
      : undefined;
  if ('percent' in limit) return percent > limit.percent ? `${share}, over the limit of ${limit.percent} %` : undefined;
  return deletions > limit.objects ? `over the limit of ${limit.objects}` : undefined;
}

/** Reads `100` or `25%`; undefined where it is neither. */
export function parseDeleteLimit(text: string): DeleteLimit | undefined {
  const match = /^(\d{1,15})(?:(\.\d{1,6})?\s*%)?$/.exec(text.trim());
  if (match === null) return undefined;
  if (!text.includes('%')) return { objects: Number(match[1]) };
  const percent = Number(`${match[1]}${match[2] ?? ''}`);
  return percent <= 100 ? { percent } : undefined;
}
