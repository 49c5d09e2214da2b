/** YAML with places. What the YAML library says of a fault is not passed on: it quotes the text, which may be a secret. */
import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Tags,
  visit,
  type YAMLMap,
} from 'yaml';

import { type ConfigPlace, type ConfigProblem, configProblem, kindOf, pathText } from './config-problem.ts';

/** One name of the top mapping and what stands under it. */
export interface YamlEntry {
  readonly name: string;
  readonly value: unknown;
  /** Where the entry's name stands. */
  readonly place: ConfigPlace;
  /** Where the field stands, or the nearest thing around it. */
  placeOf(path: readonly PropertyKey[]): ConfigPlace;
  readonly problems: readonly ConfigProblem[];
}

export interface YamlSource {
  readonly entries: readonly YamlEntry[];
  /** Why the file as a whole cannot be used: then there are no entries. */
  readonly error?: ConfigProblem;
}

/** Reads the file's mapping of entries. `null`, numbers and duplicates: see {@link OPTIONS}. */
export function readYaml(text: string, source: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
  const placeAt = (offset: number): ConfigPlace => {
    const { line, col } = lines.linePos(offset);
    return { source, line, column: col };
  };
  const [fault] = document.errors;
  if (fault)
    return { entries: [], error: configProblem('error', placeAt(fault.pos[0]), '', { fault: FAULTS[fault.code], advice: 'nothing of this file is used' }) };
  const top: unknown = document.contents;
  if (top === null || (isScalar(top) && top.value === null)) return { entries: [] };
  if (!isMap(top)) {
    const got = kindOf(isSeq(top) ? ['an item'] : isScalar(top) ? top.value : '');
    return {
      entries: [],
      error: configProblem('error', { source, line: 1, column: 1 }, '', { expected: 'a mapping of entries, each a name with fields under it', got }),
    };
  }
  return { entries: top.items.map((pair) => readEntry(pair, document, placeAt)) };
}

/**
 * Numbers stay the text that was written: an access key of digits keeps its leading zeros. Of two fields with one name the
 * last wins, which is told. `<<` merges, as people who use anchors expect.
 */
const OPTIONS = {
  prettyErrors: false,
  uniqueKeys: false,
  merge: true,
  logLevel: 'error',
  customTags: (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !/:(?:int|float)$/.test(tag.tag)),
} as const;

function readEntry(pair: Pair, document: Document, placeAt: (offset: number) => ConfigPlace): YamlEntry {
  const name = keyText(pair.key) ?? '?';
  const place = placeAt(startOf(pair.key) ?? startOf(pair.value) ?? 0);
  const placeOf = (path: readonly PropertyKey[]): ConfigPlace => {
    const offset = offsetOf(pair.value, path, document);
    return offset === undefined ? place : placeAt(offset);
  };
  const problems = [...nameFaults(name, pair, placeAt), ...unquoted(name, pair, document, placeAt)];
  if (problems.some(({ severity }) => severity === 'error')) return { name, value: undefined, place, placeOf, problems };
  try {
    return { name, value: plainValue(pair.value, document), place, placeOf, problems };
  } catch {
    // The library throws for what it cannot follow, and for nothing else; its words may quote the text.
    const fault = configProblem('error', placeOf([]), pathText([name]), {
      fault: 'an alias ("*name") or merge ("<<") in it leads to itself, to no mapping, or to too much',
    });
    return { name, value: undefined, place, placeOf, problems: [...problems, fault] };
  }
}

function plainValue(node: unknown, document: Document): unknown {
  return isNode(node) ? (node.toJS(document, { maxAliasCount: 100 }) as unknown) : undefined;
}

/** A warning for each field that repeats an earlier one of its mapping; an error for a name that is no text: such a name may hold values. */
function nameFaults(entry: string, pair: Pair, placeAt: (offset: number) => ConfigPlace): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (key: unknown): void => {
    problems.push(
      configProblem('error', placeAt(startOf(key) ?? 0), pathText([entry]), { expected: 'a name', got: 'a list, a mapping or an alias in its place' }),
    );
  };
  if (keyText(pair.key) === undefined) refuse(pair.key);
  if (!isNode(pair.value)) return problems;
  visit(pair.value, {
    Map(_, map) {
      const seen = new Map<string, number>();
      for (const { key } of map.items) {
        const field = keyText(key);
        const start = startOf(key) ?? 0;
        const first = field === undefined ? undefined : seen.get(field);
        if (field === undefined) refuse(key);
        else if (first === undefined) seen.set(field, start);
        else {
          const fault = `repeats the field of line ${placeAt(first).line}`;
          problems.push(configProblem('warning', placeAt(start), pathText([entry, field]), { fault, advice: 'this value is used, the earlier one is not' }));
        }
      }
    },
  });
  return problems;
}

/** Values that begin with `*` or `!` and were meant as text. What YAML makes of these is not what was written. */
function unquoted(entry: string, pair: Pair, document: Document, placeAt: (offset: number) => ConfigPlace): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (offset: number, fault: string): void => {
    problems.push(
      configProblem('error', placeAt(offset), pathText([entry, ...fieldAt(pair.value, offset)]), { fault, advice: 'put it in quotes if it is meant as text' }),
    );
  };
  const [start, end] = [startOf(pair.key) ?? 0, isNode(pair.value) ? (pair.value.range?.[2] ?? 0) : 0];
  for (const { code, pos } of document.warnings)
    if (code === 'TAG_RESOLVE_FAILED' && pos[0] >= start && pos[0] < end) refuse(pos[0], 'begins with "!", which YAML takes for a tag');
  if (!isNode(pair.value)) return problems;
  visit(pair.value, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) refuse(startOf(alias) ?? start, 'begins with "*", which YAML takes for an alias');
    },
  });
  return problems;
}

/** Where the value under the path begins, or the name of it where it has no value, or the innermost thing found. */
function offsetOf(node: unknown, path: readonly PropertyKey[], document: Document): number | undefined {
  const [part, ...rest] = path;
  const target = isAlias(node) ? node.resolve(document) : node;
  if (part === undefined) return startOf(target);
  if (isSeq(target) && typeof part === 'number') return offsetOf(target.items[part], rest, document) ?? startOf(target);
  const pair = isMap(target) ? lastPair(target, String(part)) : undefined;
  if (!pair) return undefined;
  return (isScalar(pair.value) && pair.value.value === null ? undefined : offsetOf(pair.value, rest, document)) ?? startOf(pair.key);
}

/** The name of the field that the offset lies in. */
function fieldAt(value: unknown, offset: number): readonly string[] {
  const pair = isMap(value) ? value.items.findLast(({ key }) => (startOf(key) ?? Infinity) <= offset) : undefined;
  return pair === undefined ? [] : [keyText(pair.key) ?? '?'];
}

function lastPair(map: YAMLMap, name: string): Pair | undefined {
  return map.items.findLast(({ key }) => keyText(key) === name);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

/** The name as JavaScript has it: `null` and `true` are names too. Undefined for a list, mapping or alias in the place of one. */
function keyText(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : isNode(key) ? undefined : String(key);
}

/** Our own words for each fault of the library. */
const FAULTS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias ("*name") with an anchor or tag: a text that begins with "*" must be in quotes',
  BAD_ALIAS: 'a badly formed alias or anchor: a text that begins with "*" or "&" must be in quotes',
  BAD_COLLECTION_TYPE: 'a tag that does not fit: a text that begins with "!" must be in quotes',
  BAD_DIRECTIVE: 'an unknown directive: a text that begins with "%" must be in quotes',
  BAD_DQ_ESCAPE: 'an unknown escape behind "\\" in double quotes: use single quotes, or write "\\\\"',
  BAD_INDENT: 'indentation that fits no line above: fields of one entry begin in one column, and brackets must be closed',
  BAD_PROP_ORDER: 'an anchor or tag in the wrong place: a text that begins with "&" or "!" must be in quotes',
  BAD_SCALAR_START: 'a text cannot begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping within a line: a text with ": " in it must be in quotes',
  BLOCK_IN_FLOW: 'lines of fields or of "- " within brackets',
  DUPLICATE_KEY: 'a repeated field',
  IMPOSSIBLE: 'text that is no YAML',
  KEY_OVER_1024_CHARS: 'a name of more than 1,024 characters: is a ":" or a quote missing?',
  MISSING_CHAR: 'something is not closed or not complete: check quotes, brackets, and the ":" and space behind each name',
  MULTILINE_IMPLICIT_KEY: 'a name over several lines: is a ":" missing, or a quote not closed?',
  MULTIPLE_ANCHORS: 'two anchors on one value',
  MULTIPLE_DOCS: 'a second document ("---"): all entries belong into one',
  MULTIPLE_TAGS: 'two tags on one value',
  NON_STRING_KEY: 'a name that is no text',
  RESOURCE_EXHAUSTION: 'more nesting than a configuration needs',
  TAB_AS_INDENT: 'a tab in the indentation: use spaces',
  TAG_RESOLVE_FAILED: 'an unknown tag: a text that begins with "!" must be in quotes',
  UNEXPECTED_TOKEN: 'text that fits nothing before it: is a quote, a bracket or a ":" missing?',
};
