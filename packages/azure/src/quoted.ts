/** A text from outside as it may stand in a one-line message: in quotes, escaped, cut. Never for values that may be secret. */
export function quoted(text: string, max = 120): string {
  const shown = text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text;
  return JSON.stringify(shown).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (unit) => `\\u${(unit.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
