/**
 * Files of `NAME=value`, as docker compose and dotenv read them. No well-kept parser tells line numbers, so this is one:
 *
 * - a line is `NAME=value` or `export NAME=value`; a name is a letter or `_`, then letters, digits, `_`, `.` or `-`;
 * - empty lines, and lines that begin with `#`, are skipped; a byte order mark and CRLF are taken as none and LF;
 * - an unquoted value ends at the line's end or at a `#` with white space before it; white space around it is dropped;
 * - in `'…'` and backticks everything is literal; in `"…"` the escapes `\n`, `\r`, `\"` and `\\` are known, every other
 *   backslash stays; each may go over several lines, and behind it only a comment may follow;
 * - nothing is substituted: a `$` in a secret stays a `$`;
 * - of two lines with one name the last wins, with a warning.
 */
import { type ConfigProblem, configProblem, type ProblemParts } from './config-problem.ts';

export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /** The line that each value came from. */
  readonly lines: ReadonlyMap<string, number>;
  readonly warnings: readonly ConfigProblem[];
  readonly errors: readonly ConfigProblem[];
}

const NAME = /(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=/y;
const GAP = /[ \t]*/y;
const BLANK = /[ \t]*(?:#.*)?(?:\n|$)/y;
const QUOTED: Readonly<Record<string, RegExp>> = { "'": /'([^']*)'/y, '`': /`([^`]*)`/y, '"': /"((?:[^"\\]|\\.)*)"/sy };
const UNQUOTED = /.*/y;
const REST_OF_LINE = /[^\n]*\n?/y;

/** Reads all lines that can be read; each that cannot is an error and is left out. `source` names the file in messages. */
export function parseEnvFile(text: string, source: string): EnvFile {
  const reader = new EnvReader(text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'), source);
  reader.read();
  return { values: Object.fromEntries(reader.values), lines: reader.lines, warnings: reader.warnings, errors: reader.errors };
}

class EnvReader {
  readonly values: Map<string, string> = new Map();
  readonly lines: Map<string, number> = new Map();
  readonly warnings: ConfigProblem[] = [];
  readonly errors: ConfigProblem[] = [];
  readonly #text: string;
  readonly #source: string;
  #at = 0;
  #line = 1;

  constructor(text: string, source: string) {
    this.#text = text;
    this.#source = source;
  }

  read(): void {
    while (this.#at < this.#text.length) {
      if (this.#take(/[ \t]+/y) === undefined && this.#take(BLANK) === undefined) this.#readAssignment();
    }
  }

  #readAssignment(): void {
    const line = this.#line;
    const name = this.#take(NAME)?.[1];
    if (name === undefined) {
      this.warnings.push(
        configProblem('warning', { source: this.#source, line }, '', {
          expected: 'NAME=value or a comment',
          got: 'a line that is neither',
          advice: 'it is ignored',
        }),
      );
      this.#take(REST_OF_LINE);
      return;
    }
    const value = this.#readValue(line, name);
    if (value === undefined) return;
    const before = this.lines.get(name);
    if (before !== undefined)
      this.warnings.push(
        configProblem('warning', { source: this.#source, line }, name, {
          fault: `is set a second time (first in line ${before})`,
          advice: 'this value is used',
        }),
      );
    this.values.set(name, value);
    this.lines.set(name, line);
  }

  #readValue(line: number, name: string): string | undefined {
    const gap = this.#take(GAP)?.[0] ?? '';
    const quote = this.#text[this.#at] ?? '';
    const form = QUOTED[quote];
    if (form === undefined) return `${gap}${this.#take(UNQUOTED)?.[0] ?? ''}`.replace(/[ \t]#.*$/, '').trim();
    const value = this.#take(form)?.[1];
    if (value === undefined) {
      this.#refuse(line, name, { fault: `the quote ${quote} is not closed` });
      return undefined;
    }
    if (this.#take(BLANK) === undefined) {
      this.#refuse(line, name, { expected: `nothing behind the closing ${quote} but a comment`, got: 'more text' });
      return undefined;
    }
    return quote === '"' ? value.replace(/\\([nr"\\])/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped) : value;
  }

  /** Tells the fault and goes on behind the line. */
  #refuse(line: number, name: string, parts: ProblemParts): void {
    this.errors.push(configProblem('error', { source: this.#source, line }, name, parts));
    this.#take(REST_OF_LINE);
  }

  #take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at;
    const match = form.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    for (let i = match[0].indexOf('\n'); i >= 0; i = match[0].indexOf('\n', i + 1)) this.#line++;
    return match;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r' };
