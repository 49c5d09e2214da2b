import { type Capabilities, MAX_KEY_BYTES } from '@stowage/core';
import { MAX_PAGE } from './list-objects.ts';
import { MAX_PARTS } from './google-upload.ts';
import { RESERVED } from './reserved-names.ts';

const TIB = 2 ** 40;

/** Constant of the service; `versioned` is the caller's word that the buckets keep versions. */
export function capabilitiesOf(versioned: boolean): Capabilities {
  return {
    put: { absent: 'native', match: 'native', conditionalMultipart: 'native' },
    deleteIf: 'native',
    copyIf: 'native',
    setHeaders: 'native',
    copy: 'account',
    rename: 'copy-delete',
    copyBatch: 1,
    deleteBatch: 1000,
    list: { order: 'utf8', startAfter: 'native', until: 'native', delimiter: 'any', maxPage: MAX_PAGE },
    // Parts are objects, which may have any size: https://cloud.google.com/storage/quotas#objects
    multipart: { minPart: 1, maxPart: 5 * TIB, maxParts: MAX_PARTS, equalParts: false, abort: 'explicit' },
    checksums: { verifies: ['crc32c', 'md5'], lists: ['crc32c', 'md5'] },
    presign: ['GET', 'HEAD', 'PUT', 'DELETE'],
    tags: false,
    metadata: 'native',
    metadataLimits: { names: 'token', emptyValues: false },
    versions: versioned ? 'native' : false,
    keys: { maxBytes: MAX_KEY_BYTES, nested: true, caseSensitive: true },
    lastModified: { set: false, precisionMs: 1000 },
    readOnly: false,
  };
}

/** https://cloud.google.com/storage/docs/objects#naming; dot segments and NUL are no keys of any store. */
export function keyProblem(key: string): string | undefined {
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes in UTF-8, more than ${MAX_KEY_BYTES}`;
  if (key.includes('\r') || key.includes('\n')) return 'it has a carriage return or a line feed';
  if (key.startsWith('.well-known/acme-challenge/')) return 'Google keeps ".well-known/acme-challenge/" to itself';
  if (key.startsWith(RESERVED)) return `"${RESERVED}" is where unfinished uploads lie`;
  return undefined;
}
