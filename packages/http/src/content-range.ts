import type { ResolvedRange } from '@stowage/core';
import { type AnswerHeaders, headerText } from './guarded-fetch/index.ts';

export interface ContentRange {
  /** Absent where no bytes were given: a range behind the end. */
  readonly range?: ResolvedRange;
  /** Bytes of the whole object. */
  readonly total: number;
}

/** `bytes 5-9/100` or `bytes *\/100`: https://www.rfc-editor.org/rfc/rfc9110#section-14.4. Undefined for what does not tell the total or contradicts itself. */
export function contentRange(headers: AnswerHeaders): ContentRange | undefined {
  const parts = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15})$/i.exec(headerText(headers, 'content-range')?.trim() ?? '');
  if (parts === null) return undefined;
  const total = Number(parts[3]);
  if (parts[1] === undefined) return { total };
  const range = { start: Number(parts[1]), end: Number(parts[2]) + 1 };
  return range.start < range.end && range.end <= total ? { range, total } : undefined;
}
