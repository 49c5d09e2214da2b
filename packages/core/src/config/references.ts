/** Values that stand elsewhere, so that secrets stay out of the file: `${NAME}` and `{ file: path }`. */
import { isAbsolute, join } from 'node:path';

import { quoted } from '../wording/quoted.ts';
import type { ProblemParts } from './config-problem.ts';
import { decodeText, type ReadFile } from './text-file.ts';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReferenceSources {
  readonly env: Environment;
  /** Absent: `{ file: path }` is refused. */
  readonly readFile?: ReadFile;
  /** The folder that relative paths start at. */
  readonly folder: string;
}

/** Only a whole value is a reference: a secret may hold anything. */
const VARIABLE = /^\$\{([A-Za-z_]\w*)\}$/;
const HOLDS_VARIABLE = /\$\{[A-Za-z_]\w*\}/;

export type ResolvedValue = { readonly ok: true; readonly value: unknown; readonly warning?: ProblemParts } | ({ readonly ok: false } & ProblemParts);

/** The value that a field stands for. A list is resolved by its items' callers. */
export function resolveReference(written: unknown, sources: ReferenceSources): ResolvedValue {
  if (typeof written === 'string') return resolveVariable(written, sources.env);
  if (isFileReference(written)) return resolveFile(written.file, sources);
  return { ok: true, value: written };
}

function resolveVariable(written: string, env: Environment): ResolvedValue {
  const name = VARIABLE.exec(written)?.[1];
  if (name === undefined) {
    const warning = { fault: 'holds "${…}" beside other text, and is taken as it is', advice: 'a variable is replaced only where it is the whole value' };
    return { ok: true, value: written, ...(HOLDS_VARIABLE.test(written) ? { warning } : {}) };
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value === undefined || value === '')
    return {
      ok: false,
      expected: `the variable ${name} of the environment`,
      got: value === undefined ? 'none of that name' : 'an empty one',
      advice: `set ${name}`,
    };
  return { ok: true, value };
}

function resolveFile(path: string, { readFile, folder }: ReferenceSources): ResolvedValue {
  if (readFile === undefined) return { ok: false, fault: 'this program takes no values from files' };
  const place = isAbsolute(path) ? path : join(folder, path);
  const read = decodeText(readFile, place);
  if (!read.ok) return { ok: false, expected: 'a file with the value', got: `${quoted(place, 200)}, which ${read.fault}` };
  const value = read.text.replace(/\r?\n$/, '');
  return value === '' ? { ok: false, expected: 'a file with the value', got: `${quoted(place, 200)}, which is empty` } : { ok: true, value };
}

function isFileReference(value: unknown): value is { readonly file: string } {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string';
}
