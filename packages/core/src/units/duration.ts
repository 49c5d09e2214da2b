import { StorageError } from '../storage-error.ts';
import { quoted } from '../wording/quoted.ts';
import type { ReadUnit } from './read-unit.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** Each unit at most once, the greatest first. Lower case alone: nginx's `M` is a month, and a month has no fixed length. */
const DURATION = /^(?:(\d+)w)? ?(?:(\d+)d)? ?(?:(\d+)h)? ?(?:(\d+)m)? ?(?:(\d+(?:\.\d{1,3})?)s)? ?(?:(\d+)ms)?$/;
const FACTORS = [WEEK, DAY, HOUR, MINUTE, SECOND, 1] as const;
const EXPECTED = 'expected a duration such as 30, 90s, 10m, 12h, 7d, 2w or "1h 30m" (lower case; a bare number is seconds)';

/**
 * Milliseconds from a duration as nginx writes it: `500ms`, `90s`, `10m`, `12h`, `7d`, `2w`, or several from the greatest to the
 * least, `1h 30m`; a bare number is seconds. Throws `InvalidArgument`.
 */
export function parseDuration(text: string): number {
  const read = readDuration(text);
  if (!read.ok) throw new StorageError('InvalidArgument', read.reason);
  return read.value;
}

/** As {@link parseDuration}, but gives the reason back. */
export function readDuration(text: string): ReadUnit {
  const amounts = /^\d+$/.test(text) ? [0, 0, 0, 0, text] : text === text.trim() && text !== '' ? DURATION.exec(text)?.slice(1) : undefined;
  if (!amounts) return { ok: false, reason: `${EXPECTED}; got ${quoted(text, 40)}` };
  const value = Math.round(FACTORS.reduce((sum, factor, i) => sum + Number(amounts[i] ?? 0) * factor, 0));
  return Number.isSafeInteger(value) ? { ok: true, value } : { ok: false, reason: `expected a duration under 285,000 years; got ${quoted(text, 40)}` };
}

/** Milliseconds for people, in the two greatest units: `850ms`, `4.2s`, `12s`, `3m 12s`, `2h 5m`, `3d 4h`. `parseDuration` reads it. */
export function formatDuration(ms: number): string {
  const rounded = Math.round(ms);
  if (rounded < SECOND) return `${rounded}ms`;
  if (rounded < 9_950) return `${(rounded / SECOND).toFixed(1)}s`;
  const seconds = Math.round(rounded / SECOND);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return both(seconds, 60, 'm', 's');
  const minutes = Math.round(rounded / MINUTE);
  if (minutes < 1_440) return both(minutes, 60, 'h', 'm');
  return both(Math.round(rounded / HOUR), 24, 'd', 'h');
}

function both(total: number, perGreat: number, great: string, less: string): string {
  const rest = total % perGreat;
  return `${Math.floor(total / perGreat)}${great}${rest === 0 ? '' : ` ${rest}${less}`}`;
}
