/**
 * Unfinished uploads lie beside the objects of the bucket, under this prefix: Google has no other place that knows conditions (decision
 * 0030). Its keys are refused, and listings leave them out.
 */
export const RESERVED = '.stowage-uploads/';

/** Objects that say which uploads are under way. */
export const OPEN: string = `${RESERVED}open/`;

/** The objects of one upload. Sorted by name they are in the order of the content. */
export function partsPrefix(id: string): string {
  return `${RESERVED}parts/${id}/`;
}

export function partName(id: string, index: number): string {
  return `${partsPrefix(id)}${String(index).padStart(5, '0')}`;
}

/** The index in a part's name; undefined for what is composed of parts already. */
export function indexOfPart(id: string, name: string): number | undefined {
  const digits = name.slice(partsPrefix(id).length);
  return /^\d{5}$/.test(digits) ? Number(digits) : undefined;
}
