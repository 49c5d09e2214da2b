/**
 * A key as messages, errors and events may hold it: of a key that is an http URL the query and fragment are cut and a user is hidden,
 * as there signatures and passwords stand. Every other key is shown as it is.
 */
export function shownKey(key: string): string {
  if (!/^https?:\/\//i.test(key)) return key;
  const cut = key.search(/[?#]/);
  const shown = cut < 0 ? key : `${key.slice(0, cut + 1)}…`;
  return shown.replace(/^(https?:\/\/)[^/?#]*@/i, '$1…@');
}
