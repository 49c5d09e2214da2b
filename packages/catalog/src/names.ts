import { CatalogError } from './catalog-error.ts';
import { quoted } from './quoted.ts';

/** Bytes of UTF-8 of the longest link: what an index entry of PostgreSQL holds, with room for its other columns. */
export const MAX_LINK_BYTES = 2500;
/** Bytes of UTF-8 of the longest name of a project, a dataset or an entity. */
export const MAX_NAME_BYTES = 1024;

/** Why a text cannot be the name of an entity or dataset; undefined where it can. Names become segments of keys, so they obey a segment's rules. */
export function segmentFault(name: unknown): string | undefined {
  const fault = nameFault(name);
  if (fault !== undefined) return fault;
  if (name === '.' || name === '..') return `a name cannot be ${quoted(name)}`;
  return (name as string).includes('/') ? `a name cannot hold "/"; got ${quoted(name)}` : undefined;
}

/** Why a text cannot be a name at all. */
export function nameFault(name: unknown): string | undefined {
  if (typeof name !== 'string') return `expected a name as text; got ${typeof name}`;
  if (name === '') return 'expected a name; got an empty one';
  return textFault(name, 'a name') ?? (longer(name, MAX_NAME_BYTES) ? `a name has at most ${MAX_NAME_BYTES} bytes; got ${Buffer.byteLength(name)}` : undefined);
}

/** What neither engine can keep in a text. */
export function textFault(text: string, what: string): string | undefined {
  if (text.includes('\0')) return `${what} cannot hold a NUL character; got ${quoted(text)}`;
  return text.isWellFormed() ? undefined : `${what} cannot hold half of a surrogate pair; got ${quoted(text)}`;
}

export function longer(text: string, bytes: number): boolean {
  // A UTF-16 unit takes at most three bytes: short texts need not be measured.
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

/** Throws `InvalidArgument` with the fault, if there is one. */
export function assertNo(fault: string | undefined, where: string): void {
  if (fault !== undefined) throw new CatalogError('InvalidArgument', `${where}: ${fault}`);
}
