import { delegate, type Layer, MAX_KEY_BYTES } from '@stowage/core';
import { broken, type BrokenDriver } from './broken-driver.ts';

/** Every key is bent on its way to the store. */
function bending(bend: (key: string) => string): Layer {
  return (inner) =>
    delegate(inner, {
      head: (key, o) => inner.head(bend(key), o),
      get: (key, o) => inner.get(bend(key), o),
      put: (key, body, o) => inner.put(bend(key), body, o),
      startUpload: (key, o) => inner.startUpload(bend(key), o),
      deleteMany: (items, o) =>
        inner.deleteMany(
          items.map((item) => ({ ...item, key: bend(item.key) })),
          o,
        ),
      copyMany: (items, o) =>
        inner.copyMany(
          items.map((item) => ({ ...item, to: bend(item.to) })),
          o,
        ),
      copySource: (key) => inner.copySource(bend(key)),
      setHeaders: (key, headers, o) => inner.setHeaders(bend(key), headers, o),
    });
}

/** Ways to take one key for another. */
export const BROKEN_KEYS: readonly BrokenDriver[] = [
  {
    fault: 'keys are trimmed',
    fails: 'a key with spaces at both ends is kept exactly, or refused before any request',
    layer: bending((key) => key.trim() || key),
  },
  {
    fault: 'a percent-encoded slash is decoded',
    fails: 'a key with a percent-encoded slash is kept exactly, or refused before any request',
    layer: bending((key) => key.replaceAll('%2F', '/')),
  },
  { fault: 'letters are composed (NFC)', fails: 'composed and decomposed letters are two keys', layer: bending((key) => key.normalize('NFC')) },
  {
    fault: 'letters are decomposed (NFD)',
    fails: 'a key with a composed letter (NFC) is kept exactly, or refused before any request',
    layer: bending((key) => key.normalize('NFD')),
  },
  {
    fault: 'repeated slashes collapse',
    fails: 'a key with repeated slashes is kept exactly, or refused before any request',
    layer: bending((key) => key.replaceAll(/\/+/g, '/')),
  },
  {
    fault: 'a leading slash is dropped',
    fails: 'a key with a leading slash is kept exactly, or refused before any request',
    layer: bending((key) => (key.length > 1 && key.startsWith('/') ? key.slice(1) : key)),
  },
  {
    fault: 'a plus sign becomes a space',
    fails: 'a key with a plus sign is kept exactly, or refused before any request',
    layer: bending((key) => key.replaceAll('+', ' ')),
  },
  {
    fault: 'a query is cut off',
    fails: 'a key with a query is kept exactly, or refused before any request',
    layer: bending((key) => key.split('?')[0] || key),
  },
  {
    fault: 'a backslash becomes a slash',
    fails: 'a key with a backslash is kept exactly, or refused before any request',
    layer: bending((key) => key.replaceAll('\\', '/')),
  },
  {
    fault: 'a carriage return becomes a line feed',
    fails: 'a key with the control U+000D is kept exactly, or refused before any request',
    layer: bending((key) => key.replaceAll('\r', '\n')),
  },
  { fault: 'case is folded', fails: 'keys that differ by case are two keys', layer: bending((key) => key.toLowerCase()) },
  broken('keys that are too long are asked for', 'a key with 1,025 bytes in one segment is kept exactly, or refused before any request', () => ({
    checkKey: () => undefined,
    put: () => Promise.reject(new RangeError('400 KeyTooLong')),
  })),
  broken('the length is counted in characters', 'keys are accepted up to the length that the capabilities name, and not beyond', () => ({
    checkKey: (key) => (key.length > MAX_KEY_BYTES ? 'it is too long' : undefined),
  })),
];
