import type { Checksums } from './checksum.ts';

/**
 * Opaque token of one state of one object. S3 and Azure: an ETag. Google: a generation. Disk: built from inode, time and size.
 * Compare two with {@link sameRevision}, give them back in conditions, never parse them.
 */
export interface Revision {
  readonly etag?: string;
  readonly version?: string;
}

/** What is kept with an object beside its bytes. */
export interface ObjectHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly storageClass?: string;
  /** Names are ASCII and compared in lower case, in which they come back; values come back as they were given, or are refused. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/** One object as a listing or a `head` tells it. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes, as stored: a content encoding is left as it is. */
  readonly size: number;
  readonly lastModified: Date;
  readonly revision: Revision;
  readonly checksums: Checksums;
  /** Absent in listings, present from every other operation. */
  readonly headers?: ObjectHeaders;
}

/** Whether both name one state. Two empty revisions are not the same: nothing is known of either. */
export function sameRevision(a: Revision, b: Revision): boolean {
  if (a.version !== undefined && b.version !== undefined) return a.version === b.version;
  return a.etag !== undefined && a.etag === b.etag;
}
