/** A value of a listing with `EncodingType=url`. Some stores write a space as `+`, others as `%20`; a plus is always `%2B`. */
export function decodedUrl(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? decodeURIComponent(spaced) : spaced;
}
