import { percentEncoded } from '@stowage/wire';

/** The query in the order of SigV4: by encoded name (`a` before `a-b`, though `-` sorts before `=`). */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  const names = Object.keys(query);
  if (names.length === 0) return '';
  return names
    .map((name) => [percentEncoded(name), percentEncoded(query[name] as string)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}
