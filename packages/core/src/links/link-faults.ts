import { StorageError } from '../storage-error.ts';
import { quoted } from '../wording/quoted.ts';
import type { LinkFault } from './link.ts';

/** A fault at an index of the text. */
export function faultAt(index: number, reason: string): LinkFault {
  return { ok: false, column: index + 1, reason };
}

/** The fault as an error, code `InvalidLink`. */
export function invalidLink(text: string, fault: LinkFault, what = 'link'): StorageError {
  return new StorageError('InvalidLink', `${quoted(withoutCredentials(text), 120)} is no ${what}: column ${fault.column}: ${fault.reason}`);
}

/** URLs carry passwords before the host and signatures behind the `?`: neither belongs into a message. */
function withoutCredentials(text: string): string {
  const query = text.indexOf('?');
  const shown = query < 0 ? text : `${text.slice(0, query)}?…`;
  return shown.replace(/^(https?:\/\/)[^/]*@/i, '$1…@');
}

/** The first control character (U+0000 to U+001F, U+007F to U+009F) between two indexes; -1 where there is none. */
export function controlCharacter(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return i;
  }
  return -1;
}

/** Whether a `.` or `..` fills the segment that begins at the index and ends at a slash or at `end`. */
export function isDotSegment(text: string, start: number, end: number): boolean {
  if (text.charCodeAt(start) !== DOT) return false;
  const next = text.charCodeAt(start + 1) === DOT ? start + 2 : start + 1;
  return next === end || text.charCodeAt(next) === SLASH;
}

/** What no key may hold, though it may be a prefix or empty: NUL, and `.` or `..` between slashes. Well-formedness is the caller's to check. */
export function keyFaultFrom(text: string, start: number): LinkFault | undefined {
  const nul = text.indexOf('\0', start);
  if (nul >= 0) return faultAt(nul, 'a key cannot hold a NUL character');
  // A segment begins at the start, or behind a slash.
  for (let at = start; at >= 0; at = nextDotAfterSlash(text, at)) {
    if (isDotSegment(text, at, text.length)) return faultAt(at, 'a key cannot hold "." or ".." between slashes');
  }
  return undefined;
}

function nextDotAfterSlash(text: string, from: number): number {
  const slash = text.indexOf('/.', from);
  return slash < 0 ? -1 : slash + 1;
}

export const LONE_SURROGATE = 'half of a surrogate pair, which UTF-8 cannot hold';

/** The index of the first half of a surrogate pair that stands alone, in a text known to hold one. */
export function loneSurrogate(text: string): number {
  const wellFormed = text.toWellFormed();
  let index = 0;
  while (text.charCodeAt(index) === wellFormed.charCodeAt(index)) index++;
  return index;
}

const DOT = 0x2e;
const SLASH = 0x2f;
