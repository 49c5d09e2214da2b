import { parseSize, StorageError } from '@stowage/core';
import { setTimeout as sleep } from 'node:timers/promises';

/** From a time on, until the next entry. */
export interface TimetableEntry {
  /** Minutes from the beginning of the week, Sunday 0:00, local time. */
  readonly minute: number;
  /** Bytes a second; undefined: as many as there may be. */
  readonly rate: number | undefined;
}

/** How many bytes a second may go, by time of the week. */
export interface BandwidthTimetable {
  readonly entries: readonly TimetableEntry[];
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY_MINUTES = 24 * 60;
const ENTRY = /^(?:(sun|mon|tue|wed|thu|fri|sat)[a-z]*-)?([01]?\d|2[0-3]):([0-5]\d),(.+)$/i;

/**
 * Reads `10M`, `off`, or a timetable such as `08:00,512k 19:00,10M 23:00,off`, also with days (`Mon-08:00,1M Fri-18:00,off`), as rclone
 * has it: k, M and G count in 1,024s, a number alone is KiB. Times are local; before the first entry of the week the last one holds.
 * Throws `InvalidArgument`.
 */
export function parseBandwidth(text: string): BandwidthTimetable {
  const words = text.trim().split(/[\s;]+/);
  if (words.length === 1 && !text.includes(',')) return { entries: [{ minute: 0, rate: rateOf(text.trim(), text) }] };
  const entries = words.flatMap((word): TimetableEntry[] => {
    const [, day, hour, minute, rate = ''] = ENTRY.exec(word) ?? [];
    if (hour === undefined) throw fault(text);
    const inDay = Number(hour) * 60 + Number(minute);
    const value = rateOf(rate, text);
    const days = day === undefined ? DAYS.map((_, i) => i) : [DAYS.indexOf(day.toLowerCase())];
    return days.map((i) => ({ minute: i * DAY_MINUTES + inDay, rate: value }));
  });
  return { entries: entries.toSorted((a, b) => a.minute - b.minute) };
}

function rateOf(word: string, text: string): number | undefined {
  if (word.toLowerCase() === 'off' || word === '0') return undefined;
  let rate: number;
  try {
    rate = parseSize(/^[\d.]+$/.test(word) ? `${word}k` : word);
  } catch {
    throw fault(text);
  }
  if (rate < 1) throw fault(text);
  return rate;
}

function fault(text: string): StorageError {
  return new StorageError(
    'InvalidArgument',
    `expected bytes a second such as 10M, "off", or a timetable such as "08:00,512k 19:00,10M 23:00,off"; got ${JSON.stringify(text)}`,
  );
}

/** Bytes a second that hold at a time; undefined: no limit. */
export function rateAt({ entries }: BandwidthTimetable, time: Date): number | undefined {
  const minute = time.getDay() * DAY_MINUTES + time.getHours() * 60 + time.getMinutes();
  return (entries.findLast((entry) => entry.minute <= minute) ?? entries.at(-1))?.rate;
}

/** Waits longer than this are cut, so that a new entry of the timetable is heeded soon. */
const LONGEST_WAIT_MS = 10_000;

export interface BandwidthOptions {
  readonly timetable: BandwidthTimetable;
  /** The time of day, local. */
  readonly today: () => Date;
}

/** Lets content pass at the rate of a timetable, for all copies together. */
export class BandwidthLimit {
  readonly #o: BandwidthOptions;
  readonly #now: () => number;
  readonly #wait: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
  #free = 0;

  constructor(
    o: BandwidthOptions,
    now: () => number,
    wait: (ms: number, signal: AbortSignal | undefined) => Promise<unknown> = (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
  ) {
    this.#o = o;
    this.#now = now;
    this.#wait = wait;
  }

  /** Resolves when so many bytes may pass. */
  async pass(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const rate = rateAt(this.#o.timetable, this.#o.today());
    const now = this.#now();
    if (rate === undefined) {
      this.#free = now;
      return;
    }
    const from = Math.max(now, this.#free);
    this.#free = from + (bytes / rate) * 1000;
    // What passes now is paid for by the next: the wait is for what has passed.
    for (let left = from - now; left > 0; left = Math.min(from - this.#now(), left)) {
      signal?.throwIfAborted();
      await this.#wait(Math.min(left, LONGEST_WAIT_MS), signal);
      if (rateAt(this.#o.timetable, this.#o.today()) === undefined) return;
    }
  }
}
