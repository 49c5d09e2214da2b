import { StorageError } from '@stowage/core';
import { compileGlob } from './glob.ts';

/** One rule: whether keys that match the pattern are taken or left out. */
export interface FilterRule {
  readonly include: boolean;
  readonly pattern: string;
}

/**
 * Reads a filter file: a rule a line, `+ pattern` or `- pattern`. Empty lines and those that begin with `#` or `;` say nothing; a line
 * `!` drops the rules before it. Throws `InvalidArgument` with the line's number.
 */
export function parseFilterRules(text: string, name: string): FilterRule[] {
  let rules: FilterRule[] = [];
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '' || /^[#;]/.test(line)) continue;
    if (line.trim() === '!') {
      rules = [];
      continue;
    }
    const match = /^([+-]) (.*)$/su.exec(line);
    if (match === null)
      throw new StorageError('InvalidArgument', `${name}: line ${i + 1}: expected "+ pattern", "- pattern", "!" or a comment; got ${JSON.stringify(line)}`);
    const pattern = match[2] as string;
    try {
      compileGlob(pattern);
    } catch (error) {
      throw new StorageError('InvalidArgument', `${name}: line ${i + 1}: ${(error as Error).message}`, { cause: error });
    }
    rules.push({ include: match[1] === '+', pattern });
  }
  return rules;
}

/**
 * Reads a list of keys: one a line, or, where the text holds a NUL, one before each NUL, so that keys with line breaks can be named.
 * In lines, empty ones and those that begin with `#` or `;` say nothing. A slash in front is dropped.
 */
export function parseKeyList(text: string): string[] {
  const bare = text.replace(/^\uFEFF/, '');
  const keys = bare.includes('\0') ? bare.split('\0') : bare.split(/\r?\n/).filter((line) => !/^[#;]/.test(line));
  return keys.map((key) => key.replace(/^\//, '')).filter((key) => key !== '');
}
