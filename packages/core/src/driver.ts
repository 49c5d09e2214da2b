/**
 * The contract between a provider and the rest of Stowage. Every member is required; there is no base class and there are no defaults.
 *
 * What a driver may assume, because `Bucket` (or a layer) has seen to it:
 * - keys are not empty, well formed, without NUL and `.`/`..` segments, and pass the driver's own `checkKey`;
 * - ranges are well formed; `PutOptions.size` and the content agree, or the stream throws before its end;
 * - options that the driver's capabilities deny have been refused;
 * - a signal already aborted never reaches it.
 *
 * What every driver owes:
 * - failures are `StorageError`s with the right code and `retryable`, and hold no secret; an abort rethrows `signal.reason` untouched;
 * - it makes one attempt; retries, timeouts and limits are layers (a driver over an SDK turns the SDK's own retries off);
 * - a write becomes visible whole or not at all; one that fails, or whose source throws, leaves the old object in place;
 * - every returned `ObjectInfo` but a listing's has `headers`;
 * - listings come in UTF-8 byte order of keys where `capabilities.list.order` says so.
 */
import type { DriverBody } from './body.ts';
import type { ByteRange, ResolvedRange } from './byte-range.ts';
import type { Capabilities } from './capabilities.ts';
import type { Checksums } from './checksum.ts';
import type { Digest } from './digest.ts';
import type { ObjectHeaders, ObjectInfo, Revision } from './object-info.ts';
import type { StorageError } from './storage-error.ts';

/** What every operation takes. */
export interface Call {
  /** Ends the operation; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the operation rejects with `Timeout`; for a body that is read, until its next chunk. Default: none. Kept by the timeout layer, which `Bucket` applies. */
  readonly timeoutMs?: number;
  /** Which attempt of the operation this is, from 1. Set by the retry layer, for events; drivers ignore it. */
  readonly attempt?: number;
}

export interface ReadConditions {
  /** Only this revision, else `PreconditionFailed`. */
  readonly ifMatch?: Revision;
  /** Only another revision than this, else `NotModified`. */
  readonly ifNoneMatch?: Revision;
  /** Only if changed after, else `NotModified`. Stores compare whole seconds. */
  readonly ifModifiedSince?: Date;
  /** Only if not changed after, else `PreconditionFailed`. Stores compare whole seconds. */
  readonly ifUnmodifiedSince?: Date;
}

export interface HeadOptions extends Call, ReadConditions {
  /** A version other than the current one, where the store keeps them. */
  readonly version?: string;
}

export interface GetOptions extends HeadOptions {
  /** Default: the whole object. An end past the object's is clamped; a start at or past it is `InvalidRange`. */
  readonly range?: ByteRange;
  /**
   * Memory that the driver may put the content into, from its start, instead of its own; chunks that lie there are views of it, and a
   * driver need not use it; `bytes()` of the bucket's object gives the content there in any case. It must hold as many bytes as are asked
   * for. It is the caller's again once the content was read to its end; of a reading that failed or was given up, something may still be
   * written there later. Default: none.
   */
  readonly into?: Uint8Array;
  /** Compare the content with the checksum that the store keeps, when the whole object is read. Default true. `ChecksumMismatch` comes with the last chunk. */
  readonly verify?: boolean;
}

/** `absent`: create only, else `AlreadyExists`. A revision: replace only that, else `PreconditionFailed` (also where there is no object). */
export type WriteCondition = 'absent' | Revision;

export interface PutOptions extends Call, ObjectHeaders {
  readonly if?: WriteCondition;
  /** Exact number of bytes. A body that is shorter or longer fails with `InvalidArgument` and leaves the old object. Saves a store that must know it from buffering. */
  readonly size?: number;
  /** Expected checksums of the whole content; a mismatch fails with `ChecksumMismatch` and leaves the old object. */
  readonly checksum?: Checksums;
  /** Bytes a part, for content that goes in parts. Default: the driver's; raised where `maxParts` demands it. */
  readonly partSize?: number;
  /** Parts in flight at once; memory is bounded by `partSize * concurrency`. Default: the driver's. */
  readonly concurrency?: number;
  /** The modification time that the object shall have, where `capabilities.lastModified.set`. Default: now. */
  readonly lastModified?: Date;
  /** Called with the number of bytes accepted so far. */
  readonly onProgress?: (bytesAccepted: number) => void;
}

/** Where a copy reads: a base driver, free of layers, and the key as that driver knows it. */
export interface CopySource {
  readonly driver: BucketDriver;
  readonly key: string;
  readonly version?: string;
}

export interface CopyItem {
  readonly from: CopySource;
  readonly to: string;
  /** Condition on the destination. */
  readonly if?: WriteCondition;
  /** Copy only this revision of the source, else `PreconditionFailed`. */
  readonly sourceIf?: Revision;
  /** Absent: the source's headers are kept. Present: these replace all of them. */
  readonly headers?: ObjectHeaders;
  /** As in {@link PutOptions.lastModified}; default: now. */
  readonly lastModified?: Date;
}

export type CopyOutcome =
  | { readonly key: string; readonly ok: true; readonly info: ObjectInfo }
  | { readonly key: string; readonly ok: false; readonly error: StorageError };

export interface DeleteItem {
  readonly key: string;
  /** Delete only this revision, else `PreconditionFailed`. */
  readonly if?: Revision;
  readonly version?: string;
}

export type DeleteOutcome = { readonly key: string; readonly ok: true } | { readonly key: string; readonly ok: false; readonly error: StorageError };

export interface ListOptions extends Call {
  readonly prefix?: string;
  /** Exclusive. A common prefix is an entry, too: one that is not behind it is not given, whatever lies under it. */
  readonly startAfter?: string;
  /** Exclusive: a listing is the open interval from `startAfter` to `until`, in UTF-8 byte order. */
  readonly until?: string;
  /** Keys that hold it behind the prefix are given once, as a common prefix up to and with it. */
  readonly delimiter?: string;
  /** Most objects and prefixes in a page. Default and limit: `capabilities.list.maxPage`. */
  readonly limit?: number;
  /** Go on behind the page that gave it; with the same prefix, until and delimiter. Plain text, opaque. */
  readonly cursor?: string;
}

/** Something a listing met that is no object: it is told, never silently left out. */
export interface ListIssue {
  /** The key it would have, or for a folder the prefix with its slash; every key that begins so is unknown. */
  readonly key: string;
  /** `unreadable` and `invalid-name`: there may be objects that the listing lacks. The others are known to be no objects. */
  readonly kind: 'unreadable' | 'invalid-name' | 'symlink' | 'not-a-file';
  /** One line for people: what it is and what to do. */
  readonly message: string;
}

export interface ListPage {
  /** In UTF-8 byte order, as `prefixes` and `issues` are; every entry of a page comes behind every entry of the one before. */
  readonly objects: readonly ObjectInfo[];
  readonly prefixes: readonly string[];
  readonly issues: readonly ListIssue[];
  /** Where a later listing goes on; absent from the last page. */
  readonly cursor?: string;
}

export type PresignMethod = 'GET' | 'HEAD' | 'PUT' | 'DELETE';

export interface PresignOptions extends Call {
  readonly method: PresignMethod;
  readonly expiresInSeconds: number;
  /** Headers that the request must be sent with, and no other values of them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A whole request, not a URL: some stores want headers sent along, word for word. */
export interface PresignedRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The true end: never past the credentials' own. */
  readonly expiresAt: Date;
}

/** Names an unfinished upload. Plain JSON: it survives a restart. */
export interface UploadRef {
  readonly key: string;
  readonly id: string;
  /** ISO 8601. */
  readonly startedAt?: string;
}

export interface UploadedPart {
  /** From 0, in the order of the content. */
  readonly index: number;
  readonly size: number;
  /** What the store wants back on completion. */
  readonly token: string;
}

/** What goes with a part. */
export interface PartOptions extends Call {
  /** The CRC32 of the bytes, as `zlib.crc32` gives it, where the caller has reckoned it: a driver that sends or keeps one takes it as it is. */
  readonly crc32?: number;
}

export interface CompleteOptions extends Call {
  readonly if?: WriteCondition;
  readonly checksum?: Checksums;
  readonly lastModified?: Date;
}

/** A multipart upload. Invisible until completed; several writers may send parts. Disposing aborts it unless it was completed or detached. */
export interface Upload extends AsyncDisposable {
  readonly ref: UploadRef;
  /** A part sent again replaces the one before. */
  part(index: number, bytes: Uint8Array, o?: PartOptions): Promise<UploadedPart>;
  /** The parts that the store holds, in order: the truth on resume. */
  parts(o?: Call): Promise<readonly UploadedPart[]>;
  /** Makes the object of these parts; their indexes must run from 0 without a gap. None makes an empty object. Completing twice is `NotFound`. */
  complete(parts: readonly UploadedPart[], o?: CompleteOptions): Promise<ObjectInfo>;
  abort(o?: Call): Promise<void>;
  /** Leaves it open for a later `resumeUpload`. */
  detach(): UploadRef;
}

export type Permission = 'list' | 'read' | 'write' | 'delete' | 'list-uploads';
export type AccessReport = Readonly<Record<Permission, 'granted' | 'denied' | 'not-probed'>>;

/** What a `get` gives a layer or `Bucket`. */
export interface DriverObject {
  readonly info: ObjectInfo;
  /** The bytes that the body holds. */
  readonly range: ResolvedRange;
  /** Read once at most. Leaving the loop early frees what it holds. */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * A new digest of an algorithm that `info.checksums` tells and that only the driver can compute at speed: whoever reads the whole
   * content compares by it, over every attempt. Absent: by the cheapest that Node computes.
   */
  readonly digest?: () => Digest;
  /** Frees what the body holds (file, connection), read, half read or never begun: a generator that never began runs no `finally`. Idempotent, never rejects. */
  close(): Promise<void>;
}

/** What a provider implements. */
export interface BucketDriver {
  /** As in configuration: `minio`, `azure`, `google`, `fs`, `memory`. For messages; code asks `capabilities`. */
  readonly provider: string;
  readonly bucket: string;
  readonly capabilities: Capabilities;
  /** Why this store cannot hold the key, in words that go behind "this store cannot hold the key: "; undefined where it can. No I/O. */
  checkKey(key: string): string | undefined;
  head(key: string, o: HeadOptions): Promise<ObjectInfo>;
  /** Resolves when the store has answered; the body's chunks are the reader's own, never written to again. A body that ends short throws (`Unavailable`). */
  get(key: string, o: GetOptions): Promise<DriverObject>;
  /**
   * Replaces content and all headers. Content above the single-request limit, or of unknown size, goes in parts by itself. A stream
   * throws the signal's reason when that is aborted, also where its source is silent: the driver need not watch the signal to read it.
   */
  put(key: string, body: DriverBody, o: PutOptions): Promise<ObjectInfo>;
  startUpload(key: string, o: ObjectHeaders & Call): Promise<Upload>;
  /** `NotFound` where the store knows the upload no longer. */
  resumeUpload(ref: UploadRef, o: Call): Promise<Upload>;
  /** Unfinished uploads, this program's and others'. */
  listUploads(o: { readonly prefix?: string } & Call): AsyncIterable<UploadRef>;
  /** One outcome per item, in order; a missing key is `ok`. At most `capabilities.deleteBatch` items. Rejects only where nothing is known of any. */
  deleteMany(items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]>;
  /** Pages from `o.startAfter` or `o.cursor` to the end of the prefix; leaving the loop frees what they hold. At least one page, which may be empty. */
  list(o: ListOptions): AsyncIterable<ListPage>;
  /** One outcome per item, in order, on the server's side. Every `from.driver` has passed `canCopyFrom`. At most `capabilities.copyBatch` items. */
  copyMany(items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]>;
  /** Whether this store can copy from the other without the bytes passing through this program. `other` is a base driver. */
  canCopyFrom(other: BucketDriver): boolean;
  /** What a copy from here names as its source: a base driver answers itself and the key; layers pass through, and translate the key. */
  copySource(key: string): CopySource;
  /** Replaces all headers, metadata and tags; content and, where `lastModified.set`, the modification time stay. */
  setHeaders(key: string, headers: ObjectHeaders, o: Call & { readonly if?: Revision }): Promise<ObjectInfo>;
  presign(key: string, o: PresignOptions): Promise<PresignedRequest>;
  /** Which of list, read, write, delete, multipart listing these credentials may do: measured by safe probes, not guessed. */
  checkAccess(o: Call): Promise<AccessReport>;
  /** The provider's own client; its type is documented by the provider. */
  native(): unknown;
  close(): Promise<void>;
}

/** Changes how a driver behaves without changing what it means; stacks with others. */
export type Layer = (inner: BucketDriver) => BucketDriver;
