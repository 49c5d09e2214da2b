import { type Cell, separatorName } from './table-row.ts';

/** What a row of a table is. */
export type ReadRow =
  | { readonly kind: 'header'; readonly notices: readonly string[] }
  | { readonly kind: 'link'; readonly cell: Cell; readonly tags: readonly string[] }
  | { readonly kind: 'fault'; readonly column: number; readonly reason: string }
  /** The whole table is of another form. */
  | { readonly kind: 'foreign'; readonly reason: string };

const LINK_NAMES: ReadonlySet<string> = new Set(['url', 'path', 'link']);
const TAG_NAMES: ReadonlySet<string> = new Set(['tag', 'tags']);
/** Without a header: the link, then its tags. */
const PLAIN_COLUMNS = 2;

/** Knows which column of a table holds the link and which the tags: by its first row, where that is a header. */
export class TableHeader {
  readonly separator: string;
  #first = true;
  #link = 0;
  #tag = 1;
  #named = false;

  constructor(separator: string) {
    this.separator = separator;
  }

  read(cells: readonly Cell[]): ReadRow {
    if (this.#first) {
      this.#first = false;
      const header = this.#header(cells.map(({ text }) => text.trim().toLowerCase()));
      if (header !== undefined) return header;
    }
    if (!this.#named && cells.length > PLAIN_COLUMNS)
      return {
        kind: 'fault',
        column: cells[PLAIN_COLUMNS]?.column ?? 1,
        reason: `expected a link and its tags; got ${cells.length} columns without a header; a link that holds ${separatorName(this.separator)} stands in quotation marks`,
      };
    const cell = cells[this.#link];
    if (cell === undefined || cell.text === '')
      return {
        kind: 'fault',
        column: cell?.column ?? (cells.at(-1)?.column ?? 1) + (cells.at(-1)?.text.length ?? 0),
        reason: 'expected a link in this row; got none',
      };
    return { kind: 'link', cell, tags: tagsOf(cells[this.#tag]?.text ?? '') };
  }

  #header(names: readonly string[]): ReadRow | undefined {
    const link = names.findIndex((name) => LINK_NAMES.has(name));
    if (link < 0) {
      const foreign = [',', ';', '\t', '|'].find((other) => other !== this.separator && names.length === 1 && isHeader(names[0]?.split(other) ?? []));
      if (foreign === undefined) return undefined;
      return { kind: 'foreign', reason: `the columns are parted by ${separatorName(foreign)}; expected ${separatorName(this.separator)}` };
    }
    this.#named = true;
    this.#link = link;
    this.#tag = names.findIndex((name) => TAG_NAMES.has(name));
    const others = names.filter((name, i) => i !== this.#link && i !== this.#tag && name !== '');
    const notices = others.length === 0 ? [] : [`columns that are not read: ${others.map((name) => JSON.stringify(name)).join(', ')}`];
    return { kind: 'header', notices };
  }
}

function isHeader(names: readonly string[]): boolean {
  return names.length > 1 && names.some((name) => LINK_NAMES.has(name.trim()));
}

/** Parted by commas; each once. */
function tagsOf(text: string): readonly string[] {
  if (text === '') return NO_TAGS;
  return [
    ...new Set(
      text
        .split(',')
        .map((tag) => tag.trim())
        .filter((tag) => tag !== ''),
    ),
  ];
}

const NO_TAGS: readonly string[] = [];
