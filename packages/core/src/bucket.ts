import type { Body } from './body.ts';
import type { ByteRange, ResolvedRange } from './byte-range.ts';
import type { Capabilities } from './capabilities.ts';
import type {
  AccessReport,
  BucketDriver,
  Call,
  CopyItem,
  CopyOutcome,
  DeleteItem,
  DeleteOutcome,
  GetOptions,
  HeadOptions,
  Layer,
  ListOptions,
  ListPage,
  PresignedRequest,
  PresignOptions,
  PutOptions,
  Upload,
  UploadRef,
  WriteCondition,
} from './driver.ts';
import type { ObjectHeaders, ObjectInfo, Revision } from './object-info.ts';

/** An object that was opened for reading. Read it once, by one of its forms, or dispose it: an unread body holds a connection. */
export interface StoredObject extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly info: ObjectInfo;
  /** The bytes that the body holds. */
  readonly range: ResolvedRange;
  /** All of it in memory; more than `maxBytes` throws `InvalidArgument` before reading. Default: no limit. */
  bytes(maxBytes?: number): Promise<Uint8Array>;
  text(): Promise<string>;
  json<T = unknown>(): Promise<T>;
  /** As a stream of Node, for files and sockets. */
  toNode(): NodeJS.ReadableStream;
  /** As a web stream, for `Response`; costs several times a plain iteration. */
  toWeb(): ReadableStream<Uint8Array>;
}

export interface CopyOptions extends Call {
  readonly if?: WriteCondition;
  readonly sourceIf?: Revision;
  readonly version?: string;
  /** Absent: the source's headers are kept. Present: these replace all of them. */
  readonly headers?: ObjectHeaders;
  readonly lastModified?: Date;
}

export interface GetRangesOptions extends HeadOptions {
  /** Ranges nearer to each other than this many bytes are read by one request. Default 65,536. */
  readonly coalesceGap?: number;
}

/** An object in another bucket, for copies. */
export interface ObjectPlace {
  readonly bucket: Bucket;
  readonly key: string;
}

/**
 * What a user holds: one bucket of one store. Validates keys and options before any request, fills defaults, and gives every
 * failure as a {@link StorageError}. The options of each method are documented where they are defined.
 */
export interface Bucket extends AsyncDisposable {
  readonly name: string;
  readonly provider: string;
  readonly capabilities: Capabilities;
  /** The driver with all layers, for engines that work at that level. */
  readonly driver: BucketDriver;
  /** The same bucket seen through more layers; the last one is the outermost. Closing either closes both. */
  with(...layers: Layer[]): Bucket;
  /** Why this store, or any, cannot hold the key; undefined where it can. No I/O. */
  checkKey(key: string): string | undefined;
  head(key: string, o?: HeadOptions): Promise<ObjectInfo>;
  exists(key: string, o?: Call): Promise<boolean>;
  get(key: string, o?: GetOptions): Promise<StoredObject>;
  /** Several ranges of one revision of one object, in the order asked. */
  getRanges(key: string, ranges: readonly ByteRange[], o?: GetRangesOptions): Promise<Uint8Array[]>;
  put(key: string, body: Body, o?: PutOptions): Promise<ObjectInfo>;
  upload(key: string, o?: ObjectHeaders & Call): Promise<Upload>;
  resumeUpload(ref: UploadRef, o?: Call): Promise<Upload>;
  listUploads(o?: { readonly prefix?: string } & Call): AsyncIterable<UploadRef>;
  /** A missing key is no error. */
  delete(key: string, o?: Call & { readonly if?: Revision; readonly version?: string }): Promise<void>;
  /** One outcome per item, in order. */
  deleteMany(items: Iterable<string | DeleteItem> | AsyncIterable<string | DeleteItem>, o?: Call): AsyncIterable<DeleteOutcome>;
  /** Every object under the prefix, in UTF-8 byte order where the store promises it. Throws where objects may be missing (a folder that cannot be read, a name that is no key): use `listPages` to go on past these. */
  list(o?: Omit<ListOptions, 'cursor' | 'limit' | 'delimiter'>): AsyncIterable<ObjectInfo>;
  /** The listing page by page, issues among them. */
  listPages(o?: ListOptions): AsyncIterable<ListPage>;
  /** One page, for people who page. */
  listPage(o?: ListOptions): Promise<ListPage>;
  copy(from: string | ObjectPlace, to: string, o?: CopyOptions): Promise<ObjectInfo>;
  /** Copies on the server's side, several at once; one outcome per item, in order. Items of one destination key may end in any order. */
  copyMany(items: readonly CopyItem[], o?: Call): Promise<readonly CopyOutcome[]>;
  /** Whether objects of the other bucket can be copied here on the server's side. */
  canCopyFrom(other: Bucket): boolean;
  /** Copy, then delete the source if it is still the revision that was copied. */
  move(from: string, to: string, o?: CopyOptions): Promise<ObjectInfo>;
  setHeaders(key: string, headers: ObjectHeaders, o?: Call & { readonly if?: Revision }): Promise<ObjectInfo>;
  presign(key: string, o: PresignOptions): Promise<PresignedRequest>;
  checkAccess(o?: Call): Promise<AccessReport>;
  /** The provider's own client, past every check. */
  native(): unknown;
  close(): Promise<void>;
}
