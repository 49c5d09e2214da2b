import { LinksFileFault } from '../links-file/links-file-fault.ts';
import { type LinksRow, readLinks, type ReadLinksOptions } from '../links-file/read-links.ts';
import type { LinksSource } from './import-options.ts';

/** Rows of one source, so many as one transaction takes. */
export interface RowBatch {
  readonly source: LinksSource;
  readonly rows: readonly LinksRow[];
  /** Lines of the source up to here. */
  readonly line: number;
  /** Blank lines, comments and headers up to here. */
  readonly ignored: number;
  /** Nothing of the source comes behind. */
  readonly end: boolean;
  /** Why the rest of the source cannot be read. */
  readonly fault?: LinksFileFault;
}

export interface RowBatchOptions extends Pick<ReadLinksOptions, 'schemes' | 'rewriteStoreUrls' | 'onNotice'> {
  readonly rowsABatch: number;
  /** Line up to which a source's rows were dealt with before. */
  readonly after: (source: LinksSource) => number;
  readonly isStopped: () => boolean;
}

/** The rows of all sources, one source after the other; each ends with a batch that says so, unless the import is stopped. */
export async function* rowBatches(sources: readonly LinksSource[], o: RowBatchOptions): AsyncGenerator<RowBatch, void, undefined> {
  for (const source of sources) yield* batchesOf(source, o);
}

async function* batchesOf(source: LinksSource, o: RowBatchOptions): AsyncGenerator<RowBatch, void, undefined> {
  const { rowsABatch, after: _, isStopped, ...reading } = o;
  let rows: LinksRow[] = [];
  let line = 0;
  let ignored = 0;
  let fault: LinksFileFault | undefined;
  try {
    const { name: file, format, gzip } = source;
    for await (const batch of readLinks(source.open(), { ...reading, file, format, gzip, after: o.after(source) })) {
      for (const row of batch.rows) {
        if (rows.length === rowsABatch) {
          if (isStopped()) return;
          yield { source, rows, line: rows.at(-1)?.line ?? line, ignored, end: false };
          rows = [];
        }
        rows.push(row);
      }
      ({ lines: line, ignored } = batch);
      if (isStopped()) return;
    }
  } catch (error) {
    if (!(error instanceof LinksFileFault)) throw error;
    fault = error;
  }
  yield { source, rows, line, ignored, end: true, ...(fault === undefined ? {} : { fault }) };
}
