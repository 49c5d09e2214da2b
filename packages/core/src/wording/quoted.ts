/** Quotes, and what cannot be seen or a terminal would obey: controls, formats such as direction marks and joiners, line separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text as it may stand in a one-line message: in quotes, escaped, cut behind `max` characters. Never for values that may be secret. */
export function quoted(text: string, max: number = 120): string {
  const shown = text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text;
  return JSON.stringify(shown).replace(UNSEEN, escaped);
}

/** As JSON does, so that the text can be copied back: some formats are two units. */
function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at++) text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}
