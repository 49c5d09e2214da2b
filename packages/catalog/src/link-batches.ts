import { CatalogError } from './catalog-error.ts';
import { type IdLike, parseId } from './id.ts';
import { LINK_BATCH } from './link-change.ts';

/** Cuts a list into batches of at most {@link LINK_BATCH}. */
export function linkBatches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / LINK_BATCH) }, (_, i) => items.slice(i * LINK_BATCH, (i + 1) * LINK_BATCH));
}

/** The numbers of the ids. Throws `InvalidArgument` for one that is none, or comes twice: what should become of it would be unclear. */
export function distinctIds(ids: readonly IdLike[]): number[] {
  const seen = new Set<number>();
  for (const id of ids) {
    const number = parseId(id, 'an entity');
    if (seen.has(number)) throw new CatalogError('InvalidArgument', `the entity ${number} comes twice in the list of ids: name each once`);
    seen.add(number);
  }
  return [...seen];
}
