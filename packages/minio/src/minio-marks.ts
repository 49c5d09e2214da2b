import { commonPrefix, type ListOptions } from '@stowage/core';

/** Most keys that a page has. */
export const MAX_PAGE = 1000;

type Interval = { readonly [K in 'prefix' | 'startAfter' | 'delimiter']?: string | undefined };

/** A listing that is made as a part of another. */
export interface Step {
  readonly prefix: string;
  readonly startAfter?: string;
  /** Only this key of it. */
  readonly only?: string;
  /** No key of it comes before this one. */
  readonly from?: string;
}

/**
 * How MinIO is to be asked for what is behind a mark inside a folder; undefined where it can be asked as it is. A drive of it stops once
 * it has found as many objects as were asked for, and a few more: of a mark in `a/b/`, it takes all that begin with `a` or `a/b` for found,
 * such as `a-1` and `a/b.txt`, and a page that is short for that is told to be the last (measured, and read from its source). So the
 * folder of the mark is listed by itself, and then what comes behind it in the folder above, and so on up. What comes behind `a/` begins
 * with `a0`: the slash is the character before.
 */
export function minioSteps({ prefix = '', delimiter }: Interval, after: string | undefined): readonly Step[] | undefined {
  const mark = minioMark(after);
  if (mark?.startsWith(prefix) !== true) return undefined;
  const folders: string[] = [];
  for (let at = mark.indexOf('/', prefix.length); at >= 0; at = mark.indexOf('/', at + 1)) folders.push(mark.slice(0, at + 1));
  const deepest = folders.at(-1);
  if (deepest === undefined) return undefined;
  // Where keys are grouped, folders are not entered.
  const passed = delimiter === undefined ? folders : folders.slice(0, 1);
  const steps: Step[] = delimiter === undefined ? [{ prefix: deepest, startAfter: mark }] : [];
  for (let i = passed.length - 1; i >= 0; i--) {
    const from = `${(passed[i] as string).slice(0, -1)}0`;
    steps.push({ prefix: from, only: from, from }, { prefix: passed[i - 1] ?? prefix, startAfter: from, from });
  }
  return steps;
}

/** What MinIO takes as a prefix, and what a key of it may begin with: no leading or doubled slash, no dot segment. */
export const MINIO_PREFIX: RegExp = /^(?!\/)(?!.*\/\/)(?!(?:.*[\\/])?\.\.?[\\/])/s;

/** MinIO refuses a prefix that ends in a dot segment: the part before it is asked for. */
export function minioPrefix(prefix: string): string {
  return prefix.replace(/(?<=^|[\\/])\.\.?$/, '');
}

/**
 * How many keys MinIO is asked for: it ends a listing of one key a page where the prefix is itself a key. And objects that the mark's own
 * name begins with, such as `a` and `a-b` of `a-b-c`, count as found (see {@link minioSteps}), beyond four and a sixteenth of what is asked for.
 */
export function minioLimit(limit: number, { prefix = '', startAfter, delimiter }: Interval): number {
  const name = startAfter?.slice(startAfter.lastIndexOf('/') + 1) ?? '';
  const beginnings = delimiter === undefined ? (name.match(/(?<!^)[\u0001-.]/g) ?? []).length : 0;
  return Math.min(Math.max(limit === 1 && prefix !== '' ? 2 : limit, 16 * (beginnings - 2)), Math.max(MAX_PAGE, limit));
}

/** MinIO refuses a mark that is no key of its own. The part before the fault comes before every key that is asked for. */
export function minioMark(startAfter: string | undefined): string | undefined {
  if (startAfter === undefined) return undefined;
  const fault = /^\/|(?<=\/)\/|(?<=^|[\\/])\.\.?(?=$|[\\/])/.exec(startAfter);
  return fault === null ? startAfter : startAfter.slice(0, fault.index) || undefined;
}

/**
 * The same listing with a longer prefix: what all keys between its mark and its end begin with. A listing of MinIO that goes on by a token reads
 * on to the end of its prefix, whatever is wanted of it.
 */
export function narrowed(o: ListOptions, after: string | undefined): ListOptions {
  const { prefix = '', until, delimiter } = o;
  if (after === undefined || until === undefined || delimiter !== undefined) return o;
  const shared = commonPrefix(after, until);
  return shared.length > prefix.length && shared.startsWith(prefix) && MINIO_PREFIX.test(shared) ? { ...o, prefix: shared } : o;
}
