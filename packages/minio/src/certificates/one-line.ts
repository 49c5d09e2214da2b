/** A distinguished name in one line, as it may stand in a message: Node writes one attribute a line. */
export function oneLine(name: string): string {
  const line = name.replace(/[\p{Cc}\p{Cf}]+/gu, ', ').trim();
  return line.length > 200 ? `${line.slice(0, 200).toWellFormed()}…` : line;
}
