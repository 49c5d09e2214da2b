/** `image.jpg` and 1 give `image_01.jpg`. What counts as extension begins at the last dot, unless the name begins with it. */
export function numberedName(name: string, number: number): string {
  const dot = name.lastIndexOf('.');
  const end = dot > 0 ? dot : name.length;
  return `${name.slice(0, end)}_${String(number).padStart(2, '0')}${name.slice(end)}`;
}

/** The number to use, or one of which must be known first whether it is taken. */
export type NumberSearch = { readonly free: number } | { readonly unknown: number };

/**
 * A number from 1 that is free while the one before it is taken: where 1 to n are taken and no other, n + 1. Looked for in steps that
 * double and then halve: a million entities of one name cost twenty questions each, not a million. The answer depends on nothing but
 * what is taken.
 */
export function searchFreeNumber(isTaken: (number: number) => boolean | undefined): NumberSearch {
  let taken = 0;
  let free = 1;
  for (; ; free *= 2) {
    const answer = isTaken(free);
    if (answer === undefined) return { unknown: free };
    if (!answer) break;
    taken = free;
  }
  while (free - taken > 1) {
    const middle = (taken + free) >>> 1;
    const answer = isTaken(middle);
    if (answer === undefined) return { unknown: middle };
    if (answer) taken = middle;
    else free = middle;
  }
  return { free };
}
