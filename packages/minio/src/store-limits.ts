import { type Capabilities, MAX_KEY_BYTES, type Support } from '@stowage/core';

/**
 * What is known of a server beyond the protocol, for a server cannot be asked. Measured (MinIO of February 2026, Versity's gateway
 * 1.8) or read from its documentation (AWS); `s3` is what every server can be expected to do.
 */
export type StoreKind = 'aws' | 'minio' | 'versitygw' | 's3';

export interface StoreLimits {
  readonly capabilities: Capabilities;
  /** As {@link BucketDriver.checkKey}. */
  checkKey(key: string): string | undefined;
  /** Whether single deletions take `If-Match`. */
  readonly conditionalDelete: boolean;
  /** Whether a copy takes a condition on its destination. */
  readonly conditionalCopy: boolean;
  /** Whether CRC32 is sent with what is written, and kept and compared by the store. */
  readonly crc32: boolean;
  /** Whether listings of uploads take any prefix; MinIO gives only those of the very key. */
  readonly uploadsByPrefix: boolean;
  /**
   * Whether listings are those of MinIO, which (measured) refuses prefixes that no key of it can have, and those that end in a dot
   * segment, as that of `a/.hidden` does; and ends a listing of one key a page where the prefix is itself a key.
   */
  readonly minioListing: boolean;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_SINGLE_COPY: number = 5 * GIB;
export const MAX_PARTS = 10_000;
export const MIN_PART: number = 5 * MIB;

interface Differences {
  readonly deleteIf: Support;
  readonly copyIf: Support;
  readonly nested: boolean;
  readonly maxSegmentBytes?: number;
  readonly delimiter?: 'any' | '/';
}

function capabilities({ deleteIf, copyIf, nested, maxSegmentBytes, delimiter = 'any' }: Differences): Capabilities {
  return {
    put: { absent: 'native', match: 'native', conditionalMultipart: 'native' },
    deleteIf,
    copyIf,
    setHeaders: 'native',
    copy: 'account',
    rename: 'copy-delete',
    copyBatch: 1,
    deleteBatch: 1000,
    list: { order: 'utf8', startAfter: 'native', until: 'native', delimiter, maxPage: 1000 },
    multipart: { minPart: MIN_PART, maxPart: 5 * GIB, maxParts: MAX_PARTS, equalParts: false, abort: 'explicit' },
    checksums: { verifies: ['crc32', 'md5', 'sha256'], lists: [] },
    presign: ['GET', 'HEAD', 'PUT', 'DELETE'],
    tags: 'native',
    metadata: 'native',
    metadataLimits: { names: 'token', emptyValues: true },
    versions: false,
    keys: { maxBytes: MAX_KEY_BYTES, nested, caseSensitive: true, ...(maxSegmentBytes === undefined ? {} : { maxSegmentBytes }) },
    lastModified: { set: false, precisionMs: 1000 },
    readOnly: false,
  };
}

const tooLong = (key: string): string | undefined => {
  const bytes = Buffer.byteLength(key);
  return bytes > MAX_KEY_BYTES ? `it has ${bytes} bytes, at most ${MAX_KEY_BYTES} are allowed` : undefined;
};

/** The rules of a store that keeps each segment as a file's name. */
function fileNameFault(key: string): string | undefined {
  const long = tooLong(key);
  if (long !== undefined) return long;
  // Written as "a/b" and "lead", says the server's own answer, with success.
  if (key.startsWith('/')) return 'it begins with a slash, which this server drops';
  if (key.includes('//')) return 'it has two slashes in a row, which this server merges or refuses';
  for (const segment of key.split('/')) {
    const bytes = Buffer.byteLength(segment);
    if (bytes > 255) return `it has ${bytes} bytes between two slashes, at most 255 are allowed`;
  }
  return undefined;
}

function minioFault(key: string): string | undefined {
  const fault = fileNameFault(key);
  if (fault !== undefined) return fault;
  // Its own way to keep names that end in a slash: "a__XLDIR__" is listed as "a/", and what is under it not at all.
  if (/__XLDIR__(?:\/|$)/.test(key)) return 'it has "__XLDIR__" at the end of a segment, by which this server marks folders';
  // The server takes a backslash for a slash where it looks for dot segments.
  return /(?:^|[\\/])\.\.?(?:[\\/]|$)/.test(key) ? 'it has a "." or ".." beside a backslash, which this server refuses' : undefined;
}

const UNLISTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

function versitygwFault(key: string): string | undefined {
  const fault = fileNameFault(key);
  if (fault !== undefined) return fault;
  if (key.endsWith('/')) return 'it ends in a slash: this server keeps such keys as folders, without content';
  // It answers listings without EncodingType, and XML has no such characters.
  return UNLISTABLE.test(key) ? 'it has a control character, which listings of this server cannot hold' : undefined;
}

const LIMITS: Readonly<Record<StoreKind, StoreLimits>> = {
  aws: {
    capabilities: capabilities({ deleteIf: 'native', copyIf: 'native', nested: true }),
    checkKey: tooLong,
    conditionalDelete: true,
    conditionalCopy: true,
    crc32: true,
    uploadsByPrefix: true,
    minioListing: false,
  },
  minio: {
    capabilities: capabilities({ deleteIf: 'emulated', copyIf: 'emulated', nested: false, maxSegmentBytes: 255, delimiter: '/' }),
    checkKey: minioFault,
    conditionalDelete: false,
    conditionalCopy: false,
    crc32: true,
    uploadsByPrefix: false,
    minioListing: true,
  },
  versitygw: {
    capabilities: capabilities({ deleteIf: 'native', copyIf: 'emulated', nested: false, maxSegmentBytes: 255 }),
    checkKey: versitygwFault,
    conditionalDelete: true,
    conditionalCopy: false,
    crc32: true,
    uploadsByPrefix: true,
    minioListing: false,
  },
  s3: {
    capabilities: capabilities({ deleteIf: 'emulated', copyIf: 'emulated', nested: true }),
    checkKey: tooLong,
    conditionalDelete: false,
    conditionalCopy: false,
    // An unknown header is left alone by servers that do not know it; Content-MD5 is known to all.
    crc32: true,
    uploadsByPrefix: true,
    minioListing: false,
  },
};

export function storeLimits(kind: StoreKind): StoreLimits {
  return LIMITS[kind];
}

/** What the configuration says of the buckets themselves: which ETags are MD5s, and whether versions are kept. */
export function withOptions(limits: StoreLimits, { etagIsMd5, versioned }: { readonly etagIsMd5: boolean; readonly versioned: boolean }): StoreLimits {
  const { capabilities: known } = limits;
  return { ...limits, capabilities: { ...known, versions: versioned ? 'native' : false, checksums: { ...known.checksums, lists: etagIsMd5 ? ['md5'] : [] } } };
}
