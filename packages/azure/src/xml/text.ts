/** Text as it may stand between two tags. */
export function encodedText(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
