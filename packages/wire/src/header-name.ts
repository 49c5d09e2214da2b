/** RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/** Names as programs and servers write them, which are few and come with each request and answer. */
const lowerNames = new Map<string, string>();
const MOST_NAMES = 500;

/** A header's name in small letters; undefined where it is none. */
export function lowerName(name: string): string | undefined {
  const known = lowerNames.get(name);
  if (known !== undefined || !NAME.test(name)) return known;
  const lower = name.toLowerCase();
  if (lowerNames.size < MOST_NAMES) lowerNames.set(name, lower);
  return lower;
}
