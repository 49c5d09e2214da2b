import { type Link, type LinkSchemes, tryParseLink } from '@stowage/core';
import { LinksFileFault } from './links-file-fault.ts';
import type { LinksFormat } from './links-format.ts';
import { NotText, plainContent } from './plain-content.ts';
import { TableHeader } from './table-header.ts';
import { columnOf, splitRow } from './table-row.ts';
import { type TextLine, textLines } from './text-lines.ts';

export interface ReadLinksOptions {
  /** The file as people named it: for messages. */
  readonly file: string;
  /** Default `txt`. */
  readonly format?: LinksFormat;
  /** Whether the file's name says that it is gzip. Gzip is known by its content; where this is true, other content is a fault. Default false. */
  readonly gzip?: boolean;
  /** As in `tryParseLink`. */
  readonly schemes?: LinkSchemes;
  /** As in `tryParseLink`. */
  readonly rewriteStoreUrls?: boolean;
  /** Rows up to this line are passed over, as an earlier run is done with them. Default 0. */
  readonly after?: number;
  /** Told what is no failure and worth a look, one line each. */
  readonly onNotice?: (notice: string) => void;
}

/** A line that holds a link. */
export interface LinkRow {
  readonly ok: true;
  /** From 1. */
  readonly line: number;
  /** Where the link begins on the line, from 1. */
  readonly column: number;
  /** The whole line, as it stands in the file. */
  readonly text: string;
  readonly link: Link;
  readonly tags: readonly string[];
}

/** A line that should hold a link and holds none. */
export interface FaultyRow {
  readonly ok: false;
  readonly line: number;
  readonly column: number;
  readonly reason: string;
  /** The whole line, as far as it can be shown. */
  readonly text: string;
  /** The line as it stood, where it is no UTF-8. */
  readonly bytes?: Uint8Array;
  /** The line was too long to be kept: `text` is its beginning. */
  readonly cut?: true;
}

export type LinksRow = LinkRow | FaultyRow;

/** Rows in the order of the file, and how many lines of other kinds were met beside them. */
export interface LinksBatch {
  readonly rows: readonly LinksRow[];
  /** Lines read so far in the file: its rows, and what is none. */
  readonly lines: number;
  /** Blank lines, comments and headers so far. */
  readonly ignored: number;
}

/**
 * The rows of a links file, in batches of whatever a chunk holds; memory is bounded whatever the file holds. Every line is either
 * a row, good or faulty, or ignored: blank, a comment (`#` at its start) or the header of a table.
 *
 * Throws {@link LinksFileFault} where the file, or the rest of it, is no text.
 */
export async function* readLinks(content: AsyncIterable<Uint8Array>, o: ReadLinksOptions): AsyncGenerator<LinksBatch, void, undefined> {
  const reader = new RowReader(o);
  try {
    for await (const lines of textLines(plainContent(content, { gzip: o.gzip ?? false }))) yield reader.read(lines);
  } catch (error) {
    if (error instanceof NotText) throw new LinksFileFault(o.file, reader.lines + 1, error.message, error);
    throw error;
  }
}

const TAB = '\t';
/** Lines that end in CR alone come as one line, in which the next link begins behind a CR. */
const OLD_LINE_END = /\r(?=[a-z][a-z0-9+.-]*:\/\/)/i;

class RowReader {
  lines = 0;
  #ignored = 0;
  readonly #o: ReadLinksOptions;
  readonly #table: TableHeader | undefined;

  constructor(o: ReadLinksOptions) {
    this.#o = o;
    const { format = 'txt' } = o;
    if (format !== 'txt') this.#table = new TableHeader(format === 'csv' ? ';' : TAB);
  }

  read(lines: readonly TextLine[]): LinksBatch {
    const rows: LinksRow[] = [];
    const { after = 0 } = this.#o;
    for (const line of lines) {
      this.lines = line.line;
      if (isIgnored(line)) this.#ignored++;
      else {
        const row = this.#row(line);
        if (row === undefined) this.#ignored++;
        else if (line.line > after) rows.push(row);
      }
    }
    return { rows, lines: this.lines, ignored: this.#ignored };
  }

  /** Undefined for what is no row. */
  #row(source: TextLine): LinksRow | undefined {
    const { line, text, fault } = source;
    if (fault !== undefined) {
      const { column, reason, bytes } = fault;
      return { ok: false, line, column, reason, text, ...(bytes === undefined ? { cut: true } : { bytes }) };
    }
    // No catalog on PostgreSQL could keep it.
    const nul = text.indexOf('\0');
    if (nul >= 0) return faulty(source, nul + 1, 'a line cannot hold a NUL character');
    const lineEnd = text.includes('\r') ? text.search(OLD_LINE_END) : -1;
    if (lineEnd >= 0) return faulty(source, lineEnd + 1, 'the line ends in CR alone; save the file with LF or CRLF at the ends of its lines');
    return this.#table === undefined ? this.#parse(source, text, 1, []) : this.#tableRow(source, this.#table);
  }

  #tableRow(source: TextLine, table: TableHeader): LinksRow | undefined {
    const row = splitRow(source.text, table.separator);
    if (!row.ok) return faulty(source, row.column, row.reason);
    const read = table.read(row.cells);
    if (read.kind === 'header') {
      for (const notice of read.notices) this.#o.onNotice?.(`${this.#o.file}:${source.line}: ${notice}`);
      return undefined;
    }
    if (read.kind === 'foreign') throw new LinksFileFault(this.#o.file, source.line, read.reason);
    if (read.kind === 'fault') return faulty(source, read.column, read.reason);
    const { cell, tags } = read;
    return this.#parse(source, cell.text, cell.column, tags, (index) => columnOf(cell, index));
  }

  #parse(source: TextLine, link: string, column: number, tags: readonly string[], columnAt: (index: number) => number = (index) => index + 1): LinksRow {
    const parsed = tryParseLink(link, this.#o);
    if (!parsed.ok) return faulty(source, columnAt(parsed.column - 1), parsed.reason);
    return { ok: true, line: source.line, column, text: source.text, link: parsed.link, tags };
  }
}

function isIgnored({ text, fault }: TextLine): boolean {
  return fault === undefined && (text.startsWith('#') || text.trim() === '');
}

function faulty({ line, text }: TextLine, column: number, reason: string): FaultyRow {
  return { ok: false, line, column, reason, text };
}
