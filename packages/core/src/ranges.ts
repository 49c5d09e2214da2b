import { type ByteRange, resolveRange, type ResolvedRange } from './byte-range.ts';

/** Where a wanted range lies in what was read. */
export interface RangePlace {
  /** Index of the request. */
  readonly request: number;
  /** Bytes of that request's answer. */
  readonly start: number;
  readonly end: number;
}

/** The fewest requests for the ranges, where two that are no more than `gap` bytes apart are read as one. Places come in the order of the ranges. */
export function coalesce(ranges: readonly ByteRange[], size: number, gap: number): { readonly requests: ResolvedRange[]; readonly places: RangePlace[] } {
  const wanted = ranges.map((range, index) => ({ index, ...resolveRange(range, size) })).sort((a, b) => a.start - b.start);
  const requests: { start: number; end: number }[] = [];
  const places: RangePlace[] = [];
  for (const { index, start, end } of wanted) {
    const last = requests.at(-1);
    if (last !== undefined && start <= last.end + gap) last.end = Math.max(last.end, end);
    else requests.push({ start, end });
    const request = requests.length - 1;
    const from = requests[request]?.start ?? 0;
    places[index] = { request, start: start - from, end: end - from };
  }
  return { requests, places };
}
