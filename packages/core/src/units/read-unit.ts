/** A number that was read, or one line that says what was expected and what was given. */
export type ReadUnit = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly reason: string };
