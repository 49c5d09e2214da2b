/**
 * Text with everything that would move a terminal's cursor, break a line or turn the reading direction written as an escape: a
 * key may hold any character, and a file's name is whatever its maker chose.
 */
export function visible(text: string): string {
  return UNSEEN.test(text) ? text.replaceAll(EACH_UNSEEN, escaped) : text;
}

const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const EACH_UNSEEN = new RegExp(UNSEEN.source, 'gu');
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return SHORT[character] ?? (code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`);
}
