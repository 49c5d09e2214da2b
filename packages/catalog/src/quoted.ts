/** A value as it may stand in a one-line message: in quotes, escaped, cut short. */
export function quoted(value: unknown, max = 80): string {
  const text = String(value);
  const shown = text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text;
  // What a terminal would obey rather than show: C1 controls, DEL, line separators, direction marks.
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
