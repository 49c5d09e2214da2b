/** Rows of a word, a number and a remark: the numbers stand under each other. */
export function tableLines(rows: readonly (readonly [word: string, number: string, remark: string])[]): string[] {
  const word = Math.max(...rows.map(([text]) => text.length));
  const number = Math.max(...rows.map(([, text]) => text.length));
  return rows.map(([text, count, remark]) => `${text.padEnd(word + 2)}${count.padStart(number)}${remark === '' ? '' : `  ${remark}`}`);
}
