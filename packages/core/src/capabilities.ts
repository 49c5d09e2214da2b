import type { ChecksumAlgorithm } from './checksum.ts';
import type { PresignMethod } from './driver.ts';

/** `emulated` works, but is not atomic or costs more requests than one. */
export type Support = 'native' | 'emulated' | false;

/** What a store can do. Code asks these, never the provider's name. Constant for the life of a driver. */
export interface Capabilities {
  /** Conditional writes: create only (`absent`), compare and swap (`match`), and both on the completion of a multipart upload. */
  readonly put: { readonly absent: Support; readonly match: Support; readonly conditionalMultipart: Support };
  /** Delete only the named revision. */
  readonly deleteIf: Support;
  /** Copy only where the destination's and the source's revisions are the named ones. */
  readonly copyIf: Support;
  /** Replace headers and metadata without sending the bytes again. */
  readonly setHeaders: Support;
  /** How far a copy on the server's side reaches. */
  readonly copy: 'bucket' | 'account' | 'none';
  readonly rename: 'atomic' | 'copy-delete';
  /** How many copies one `copyMany` call should carry: 1 where each is a request of its own. */
  readonly copyBatch: number;
  /** How many deletions one `deleteMany` call may carry. */
  readonly deleteBatch: number;
  readonly list: {
    /** `utf8`: the store promises UTF-8 byte order of keys. */
    readonly order: 'utf8' | 'none';
    readonly startAfter: Support;
    readonly until: Support;
    /** `any`: every string may be the delimiter. */
    readonly delimiter: 'any' | '/';
    /** Most objects and prefixes in one page. */
    readonly maxPage: number;
    /** Listings side by side gain nothing: all are read by one thread, and cost it the same one behind another. */
    readonly serial?: true;
    /** The store has no listing: objects are found by their keys alone. */
    readonly unsupported?: true;
  };
  readonly multipart: {
    /** Least size of every part but the last, in bytes. */
    readonly minPart: number;
    /** Greatest size of a part, in bytes. */
    readonly maxPart: number;
    readonly maxParts: number;
    /** All parts but the last must have one size. */
    readonly equalParts: boolean;
    /** `expires`: the store has no abort; what was sent is dropped after a time of its own. */
    readonly abort: 'explicit' | 'expires';
    /** Parts in memory that begins at a page of it (`pageAlignedBuffer`) are written without a copy; others are written as well. */
    readonly pageAligned?: true;
  };
  readonly checksums: {
    /** Which of `PutOptions.checksum` the store itself compares before it accepts the object. */
    readonly verifies: readonly ChecksumAlgorithm[];
    /** Which come free with a listing. */
    readonly lists: readonly ChecksumAlgorithm[];
  };
  readonly presign: readonly PresignMethod[];
  readonly tags: Support;
  readonly metadata: Support;
  /** What metadata the store keeps as it is given, where that is not all: a write with other metadata is `InvalidArgument`. Values beyond printable ASCII, or with spaces at their ends, are none of it. */
  readonly metadataLimits?: {
    /** `token`: all that may be the name of a header (RFC 9110, 5.6.2). `identifier`: ASCII letters, digits and `_`, no digit first. */
    readonly names: 'token' | 'identifier';
    readonly emptyValues: boolean;
  };
  readonly versions: Support;
  readonly keys: {
    /** Longest key, in bytes of UTF-8. */
    readonly maxBytes: number;
    /** Longest part between two slashes, in bytes of UTF-8; absent where only the key counts. */
    readonly maxSegmentBytes?: number;
    /** Whether an object may lie at `a` and another at `a/b`. */
    readonly nested: boolean;
    /** Whether `A` and `a` are two keys. */
    readonly caseSensitive: boolean;
  };
  readonly lastModified: {
    /** Whether a writer may choose an object's modification time. */
    readonly set: Support;
    /** How far a time read back may be from the one that was set, in milliseconds. */
    readonly precisionMs: number;
  };
  readonly readOnly: boolean;
}
