import { quoted } from '../wording/quoted.ts';

/** Where a configuration was written. Lines and columns count from 1. */
export interface ConfigPlace {
  /** The file as it was named, or `environment`. */
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
}

/** Something wrong with a configuration, in a form for people (`message`) and for programs (the rest). Never holds a secret. */
export interface ConfigProblem extends ConfigPlace {
  readonly severity: 'error' | 'warning';
  /** The field: `my-cars.buckets[1]`, or the name of a variable; empty where the whole file is meant. */
  readonly path: string;
  readonly expected?: string;
  /** What stands there: a kind (`a list`, `nothing`), or the value itself where it can be no secret. */
  readonly got?: string;
  /** What to do about it. */
  readonly advice?: string;
  /** All of it in one line: `remote_links.yml:4:13: my-cars.provider: expected …; got …; …`. */
  readonly message: string;
}

/** What a problem is made of: either `expected` and `got`, or `fault`, which says it in other words. */
export interface ProblemParts {
  readonly fault?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly advice?: string;
}

export function configProblem(severity: ConfigProblem['severity'], place: ConfigPlace, path: string, parts: ProblemParts): ConfigProblem {
  const { fault, ...rest } = parts;
  const what = [fault, rest.expected && `expected ${rest.expected}`, rest.got && `got ${rest.got}`, rest.advice].filter(Boolean).join('; ');
  return { severity, ...place, path, ...rest, message: [placeText(place), path, what].filter(Boolean).join(': ') };
}

/** `remote_links.yml:4:13`, as far as it is known. */
export function placeText({ source, line, column }: ConfigPlace): string {
  return [source, line, column].filter((part) => part !== undefined).join(':');
}

/** `my-cars.buckets[1]`; names that hold more than letters, digits, `_` and `-` are quoted. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${nameText(String(part))}`)).join('');
}

function nameText(name: string): string {
  return /^[\w-]+$/.test(name) ? name : quoted(name, 60);
}

/** The kind of a value, for messages that must not show the value. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (value === '') return 'an empty text';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}
