/** Quotes and what a terminal or a log would obey rather than show: C1 controls, DEL, line separators, direction marks. */
const UNSEEN = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A text as it may stand in a one-line message: in quotes, escaped, cut behind `max` characters. Never for values that may be secret. */
export function quoted(text: string, max = 80): string {
  const shown = text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text;
  return JSON.stringify(shown).replace(UNSEEN, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
