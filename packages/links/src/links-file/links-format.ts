/** `txt`: a link a line. `csv` and `tsv`: columns `url` (or `path`) and `tag`, parted by `;` or a tab. */
export type LinksFormat = 'txt' | 'csv' | 'tsv';

/** What the name of a links file says. */
export interface LinksFileName {
  readonly format: LinksFormat;
  readonly gzip: boolean;
  /** The file's name without folder and known endings: what a dataset of it is called. */
  readonly stem: string;
}

/** Reads the endings, in any case: `cars.CSV.gz` is gzip, csv, `cars`. A name without a known ending is plain text. */
export function readFileName(path: string): LinksFileName {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const unpacked = withoutEnding(name, '.gz');
  const gzip = unpacked !== undefined;
  const rest = unpacked ?? name;
  for (const format of ['csv', 'tsv', 'txt'] as const) {
    const stem = withoutEnding(rest, `.${format}`);
    if (stem !== undefined) return { format, gzip, stem };
  }
  return { format: 'txt', gzip, stem: rest };
}

/** Undefined where the name ends otherwise, or is nothing but the ending. */
function withoutEnding(name: string, ending: string): string | undefined {
  if (name.length <= ending.length || !name.toLowerCase().endsWith(ending)) return undefined;
  return name.slice(0, -ending.length);
}
