import { StorageError } from './storage-error.ts';
import { shownKey } from './wording/shown-key.ts';

/** Longest key of S3 and Google Cloud Storage, in bytes of UTF-8; Azure allows 1,024 characters. */
export const MAX_KEY_BYTES = 1024;

/**
 * UTF-8 byte order of two well-formed strings, the order of S3 and Google listings: negative, 0 or positive.
 * JavaScript's `<` compares UTF-16 code units, and puts U+1F600 (a surrogate pair, from 0xD83D) before U+E000.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** Lifts surrogates above the rest of the basic plane, where the code points that they stand for belong. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Why no store may be asked for this key, in words that go behind "is no key: "; undefined where it is one. Length is the driver's to judge. */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (key.includes('\0')) return `it has a NUL character (position ${key.indexOf('\0') + 1})`;
  if (!key.isWellFormed()) return 'it has half of a surrogate pair, which UTF-8 cannot hold';
  // SDKs resolve such segments as a path: `../x` becomes another container, `..` the bucket itself.
  if (key.includes('.') && DOT_SEGMENT.test(key)) return 'it has a "." or ".." between slashes';
  return undefined;
}

const DOT_SEGMENT = /(?:^|\/)\.\.?(?:\/|$)/;

/** Throws `InvalidKey` where {@link keyFault} finds one. */
export function assertKey(key: string, where: { readonly operation?: string; readonly provider?: string; readonly bucket?: string } = {}): void {
  const fault = keyFault(key);
  if (fault !== undefined) throw new StorageError('InvalidKey', `${JSON.stringify(shownKey(key))} is no key: ${fault}`, { ...where, key });
}

/** What both begin with, cut between two characters. All keys between the two in order begin with it, too. */
export function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  const prefix = a.slice(0, length);
  return prefix.isWellFormed() ? prefix : prefix.slice(0, -1);
}

/**
 * The least string that comes behind every string that begins with the prefix, in UTF-8 byte order: an exclusive `until` for it.
 * Undefined where there is none (the empty prefix).
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix);
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0;
    if (last < 0x10ffff) {
      const next = last + 1 >= 0xd800 && last + 1 <= 0xdfff ? 0xe000 : last + 1;
      return points.join('') + String.fromCodePoint(next);
    }
  }
  return undefined;
}
