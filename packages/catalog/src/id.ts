/** The number that a catalog gave to a project, a dataset or an entity. Never given twice, not even after a removal. */
export type Id = number;

/** An id as it comes: a number, or its decimal digits, as the keys of JSON objects make them. */
export type IdLike = number | string;
