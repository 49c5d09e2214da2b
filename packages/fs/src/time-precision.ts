import { statSync } from 'node:fs';

/** Times of disks that keep whole seconds only, FAT those that are even. */
const COARSE_MS = 2000;
/** exFAT keeps hundredths of a second. */
const HUNDREDTHS_MS = 10;
/** What every other disk in use keeps at least. */
const FINE_MS = 1;

/**
 * How far a time read back may be from the one that was set, as the times of the root tell: the disk itself gave it its last change,
 * and whoever keeps fractions has some there. Writes nothing; of a root that cannot be looked at nothing is known.
 */
export function timePrecisionOf(root: string): number {
  let times: readonly number[];
  try {
    const { ctimeMs, mtimeMs } = statSync(root);
    times = [ctimeMs, mtimeMs];
  } catch {
    return FINE_MS;
  }
  if (times.every((ms) => ms % 1000 === 0)) return COARSE_MS;
  return times.every((ms) => ms % HUNDREDTHS_MS === 0) ? HUNDREDTHS_MS : FINE_MS;
}
