import { CatalogError } from './catalog-error.ts';
import { quoted } from './quoted.ts';

/** The number that a catalog gave to a project, a dataset or an entity. Never given twice, not even after a removal. */
export type Id = number;

/** An id as it comes: a number, or its decimal digits, as the keys of JSON objects make them. */
export type IdLike = number | string;

/** The number of an id, undefined where the value can be none. */
export function readId(id: IdLike): Id | undefined {
  const number = typeof id === 'string' && /^[1-9][0-9]{0,15}$/.test(id) ? Number(id) : id;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** As {@link readId}; throws `InvalidArgument`, naming what the id is of. */
export function parseId(id: IdLike, of: string): Id {
  const number = readId(id);
  if (number === undefined) throw new CatalogError('InvalidArgument', `expected the id of ${of}, a whole number from 1; got ${shownId(id)}`);
  return number;
}

export function shownId(id: unknown): string {
  return typeof id === 'number' ? String(id) : quoted(id, 40);
}
