import type { Capabilities } from '@stowage/core';
import type { AzureSettings } from './azure-options.ts';

const MIB = 1024 * 1024;

/** https://learn.microsoft.com/en-us/azure/storage/blobs/scalability-targets */
export const MAX_BLOCKS = 50_000;
export const MAX_BLOCK_BYTES: number = 4000 * MIB;
/** https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs#uri-parameters */
export const MAX_PAGE = 5000;
/** https://learn.microsoft.com/en-us/rest/api/storageservices/blob-batch#remarks */
const MAX_BATCH = 256;
/** https://learn.microsoft.com/en-us/rest/api/storageservices/copy-blob-from-url */
export const MAX_SINGLE_COPY: number = 256 * MIB;

const MAX_KEY_BYTES = 1024;
const MAX_SEGMENTS = 254;

/** The first version that lists from a name on; others would ignore the question, and all that comes before is read. */
export const STARTS_FROM = '2026-02-06';

/** What the account can do with these credentials: only a key, or an identity that is given one, can sign for others. */
export function capabilitiesOf({ signIn, versioned, serviceVersion }: Pick<AzureSettings, 'signIn' | 'versioned' | 'serviceVersion'>): Capabilities {
  return {
    put: { absent: 'native', match: 'native', conditionalMultipart: 'native' },
    deleteIf: 'native',
    copyIf: 'native',
    // Properties, metadata and tags are requests of their own.
    setHeaders: 'emulated',
    copy: 'account',
    rename: 'copy-delete',
    copyBatch: 1,
    deleteBatch: MAX_BATCH,
    // The service sorts by UTF-16; the driver puts the few keys right that this puts wrong.
    list: { order: 'utf8', startAfter: serviceVersion >= STARTS_FROM ? 'native' : 'emulated', until: 'emulated', delimiter: 'any', maxPage: MAX_PAGE },
    multipart: { minPart: 1, maxPart: MAX_BLOCK_BYTES, maxParts: MAX_BLOCKS, equalParts: false, abort: 'expires' },
    checksums: { verifies: ['md5'], lists: ['md5'] },
    presign: signIn.kind === 'account-key' || signIn.kind === 'managed-identity' ? ['GET', 'HEAD', 'PUT', 'DELETE'] : [],
    tags: 'native',
    metadata: 'native',
    metadataLimits: { names: 'identifier', emptyValues: false },
    versions: versioned ? 'native' : false,
    keys: { maxBytes: MAX_KEY_BYTES, nested: true, caseSensitive: true },
    lastModified: { set: false, precisionMs: 1000 },
    readOnly: false,
  };
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Why Azure cannot keep the key; undefined where it can. The service takes some of these and gives them another name: a backslash
 * becomes a slash, dots at the end of a segment go.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#blob-names
 */
export function checkBlobKey(key: string): string | undefined {
  const bytes = key.length * 3 <= MAX_KEY_BYTES ? 0 : Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes, at most ${MAX_KEY_BYTES} are allowed`;
  if (key.includes('\\')) return 'it has a backslash, which Azure turns into a slash';
  if (/\.(?:\/|$)/.test(key)) return 'a part of it ends in a dot, which Azure drops';
  const control = CONTROL.exec(key);
  if (control !== null)
    return `it has the control character U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}, which Azure does not allow in names`;
  if (key.split('/', MAX_SEGMENTS + 1).length > MAX_SEGMENTS) return `it has more than ${MAX_SEGMENTS} parts between slashes`;
  return undefined;
}
