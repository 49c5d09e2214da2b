import type { Call, Checksums, GetOptions, HeadOptions, ObjectHeaders, ResolvedRange, WriteCondition } from '@stowage/core';
import type { ObjectAnswer } from './convert-answer.ts';
import type { PartMark } from './part-token.ts';
import type { ListedPage } from './xml/listing.ts';

/** What goes with content that is written in one request. */
export interface WriteRequest extends Call {
  readonly headers: ObjectHeaders;
  readonly if?: WriteCondition | undefined;
  readonly crc32?: string | undefined;
  readonly md5?: string | undefined;
  /** Instead of the crc32, where the caller gave it. */
  readonly sha256?: string | undefined;
}

export interface PartRequest extends Call {
  readonly uploadId: string;
  /** From 1. */
  readonly number: number;
  readonly crc32?: string | undefined;
}

export interface BeginRequest extends Call {
  readonly headers: ObjectHeaders;
  /** Whether parts will carry a CRC32, and the store shall keep that of the whole. */
  readonly crc32: boolean;
}

export interface CompletionRequest extends Call {
  readonly uploadId: string;
  /** In order. */
  readonly parts: readonly PartMark[];
  readonly if?: WriteCondition | undefined;
  /** Of the whole. */
  readonly crc32?: string | undefined;
  /** Whether the caller named it: sending again cannot help then. */
  readonly ownChecksum: boolean;
}

/** What a copy on the server's side reads. */
export interface CopyFrom {
  /** As `x-amz-copy-source` names it: bucket, key and version, percent-encoded. */
  readonly source: string;
  /** The revision that was looked at; another one is not copied. */
  readonly sourceEtag: string;
}

export interface CopyRequest extends Call, CopyFrom {
  /** `keep`: the source's stay, but for the storage class, which must be named. `replace`: these instead of all of the source's. */
  readonly directive: 'keep' | 'replace';
  readonly headers: ObjectHeaders;
  /** On the destination, where the store judges it. */
  readonly if?: WriteCondition | undefined;
}

export interface CopyPartRequest extends Call, CopyFrom {
  readonly uploadId: string;
  /** From 1. */
  readonly number: number;
  readonly range: ResolvedRange;
}

export interface CopyAnswer {
  readonly etag: string;
  readonly lastModified: Date;
}

export interface ListRequest extends Call {
  readonly prefix?: string | undefined;
  readonly startAfter?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly limit: number;
  readonly token?: string | undefined;
}

/** An answer with its body, which must be read to its end or closed. */
export interface OpenAnswer {
  readonly answer: ObjectAnswer;
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface WriteAnswer {
  readonly etag: string;
  readonly version: string | undefined;
  readonly sealed: boolean;
  /** When the store answered. */
  readonly date: Date;
}

/** The calls that make out nearly all requests. Two implementations that behave alike: signed requests of our own, and the SDK. */
export interface ObjectCalls {
  head(key: string, o: HeadOptions): Promise<ObjectAnswer>;
  get(key: string, o: GetOptions): Promise<OpenAnswer>;
  put(key: string, bytes: Uint8Array, o: WriteRequest): Promise<WriteAnswer>;
  /** The part's ETag. */
  part(key: string, bytes: Uint8Array, o: PartRequest): Promise<string>;
  /** The name of the upload that was begun. */
  beginUpload(key: string, o: BeginRequest): Promise<string>;
  /** The ETag of the object that was made, where the store tells it. */
  completeUpload(key: string, o: CompletionRequest): Promise<string | undefined>;
  /** Up to 5 GiB. A condition that fails is `PreconditionFailed`, whichever it was. */
  copy(key: string, o: CopyRequest): Promise<CopyAnswer>;
  /** The part's ETag. */
  copyPart(key: string, o: CopyPartRequest): Promise<string>;
  list(o: ListRequest): Promise<ListedPage>;
}

/** The checksum that a single write carries: SHA-256 where the caller named it, else CRC32. S3 takes one of them; MD5 goes in a header of its own. */
export function writeChecksums(expected: Checksums | undefined, crc32: string | undefined): Pick<WriteRequest, 'crc32' | 'md5' | 'sha256'> {
  const { md5, sha256 } = expected ?? {};
  return { md5, ...(sha256 === undefined ? { crc32: expected?.crc32 ?? crc32 } : { sha256 }) };
}
