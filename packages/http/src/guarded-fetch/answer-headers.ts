/** Names in lower case; a list where the answer has several of one name. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A header's text; several of one name as one list (RFC 9110, 5.3). */
export function headerText(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A header that is a count of bytes; undefined for everything else. */
export function headerNumber(headers: AnswerHeaders, name: string): number | undefined {
  const text = headerText(headers, name)?.trim() ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
