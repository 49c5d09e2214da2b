/** A cell of a line, and where its text begins: `columnOf` tells the line's column of an index of the cell. */
export interface Cell {
  readonly text: string;
  /** From 1. */
  readonly column: number;
  readonly quoted: boolean;
}

export type TableRow = { readonly ok: true; readonly cells: readonly Cell[] } | { readonly ok: false; readonly column: number; readonly reason: string };

const QUOTE = '"';

/**
 * The cells of one line. A cell that begins with a quotation mark ends with one, and doubles those that it holds (RFC 4180), so
 * that a separator can be part of it; no link begins so. Lines are rows: a quoted cell ends on its line.
 */
export function splitRow(line: string, separator: string): TableRow {
  if (!line.includes(QUOTE)) return { ok: true, cells: plainCells(line, separator) };
  const cells: Cell[] = [];
  let at = 0;
  for (;;) {
    const cell = line[at] === QUOTE ? quotedCell(line, at) : plainCell(line, at, separator);
    if (cell === undefined) return { ok: false, column: at + 1, reason: 'the quotation mark that begins here is not closed on this line' };
    cells.push({ text: cell.text, column: cell.start + 1, quoted: cell.start > at });
    if (cell.end === line.length) return { ok: true, cells };
    if (!line.startsWith(separator, cell.end))
      return {
        ok: false,
        column: cell.end + 1,
        reason: `expected ${separatorName(separator)} or the end behind a quoted cell; a quotation mark in a cell is doubled`,
      };
    at = cell.end + separator.length;
  }
}

/** The line's column of an index into a cell's text. */
export function columnOf(cell: Cell, index: number): number {
  if (!cell.quoted) return cell.column + index;
  // Each mark inside stands twice on the line.
  return cell.column + index + (cell.text.slice(0, index).split(QUOTE).length - 1);
}

export function separatorName(separator: string): string {
  return separator === '\t' ? 'a tab' : `"${separator}"`;
}

function plainCells(line: string, separator: string): Cell[] {
  const cells: Cell[] = [];
  for (let at = 0; ;) {
    const end = line.indexOf(separator, at);
    cells.push({ text: end < 0 ? line.slice(at) : line.slice(at, end), column: at + 1, quoted: false });
    if (end < 0) return cells;
    at = end + separator.length;
  }
}

interface CutCell {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function plainCell(line: string, at: number, separator: string): CutCell {
  const found = line.indexOf(separator, at);
  const end = found < 0 ? line.length : found;
  return { text: line.slice(at, end), start: at, end };
}

function quotedCell(line: string, at: number): CutCell | undefined {
  let text = '';
  for (let from = at + 1; ;) {
    const close = line.indexOf(QUOTE, from);
    if (close < 0) return undefined;
    text += line.slice(from, close);
    if (line[close + 1] !== QUOTE) return { text, start: at + 1, end: close + 1 };
    text += QUOTE;
    from = close + 2;
  }
}
