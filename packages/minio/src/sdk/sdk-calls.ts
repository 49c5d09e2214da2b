import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { type Call, type Checksums, type GetOptions, type HeadOptions, type ObjectHeaders, type ReadConditions, StorageError } from '@stowage/core';
import { conditionKind, etagOf, networkError, rangeHeader } from '@stowage/wire';
import { wantsChecksums, writeConditionInput } from '../conditions.ts';
import { type ObjectAnswer, withoutChunking, isOwnClass } from '../convert-answer.ts';
import { commandHeaders } from '../convert-headers.ts';
import { type FaultContext, notS3, withoutResult } from '../minio-error.ts';
import type {
  BeginRequest,
  CompletionRequest,
  CopyAnswer,
  CopyPartRequest,
  CopyRequest,
  ListRequest,
  ObjectCalls,
  OpenAnswer,
  PartRequest,
  WriteAnswer,
  WriteRequest,
} from '../object-calls.ts';
import type { StoreConnection } from '../store-connection.ts';
import { bodyLength } from '../content-length.ts';
import { decodedUrl } from '../xml/text.ts';
import { type ListedPage, md5OfEtag, quotedEtag } from '../xml/listing.ts';
import type { SdkClient } from './sdk-client.ts';

/** The hot calls through `@aws-sdk/client-s3`: slower, and known to everyone. */
export class SdkCalls implements ObjectCalls {
  readonly #store: StoreConnection;
  readonly #client: SdkClient;

  constructor(store: StoreConnection, client: SdkClient) {
    this.#store = store;
    this.#client = client;
  }

  async head(key: string, o: HeadOptions): Promise<ObjectAnswer> {
    const context = this.#store.context('head', key);
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      ChecksumMode: 'ENABLED' as const,
      ...readConditionInput(o),
      ...(o.version === undefined ? {} : { VersionId: o.version }),
    };
    return answerOfOutput(await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.HeadObjectCommand(input), send)), context);
  }

  async get(key: string, o: GetOptions): Promise<OpenAnswer> {
    const context = this.#store.context('get', key);
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      ...readConditionInput(o),
      ...(o.version === undefined ? {} : { VersionId: o.version }),
      ...(o.range === undefined ? {} : { Range: rangeHeader(o.range) }),
    };
    const output = await this.#client.call(context, o, (client, sdk, send) => {
      const command = new sdk.GetObjectCommand(input);
      const asking = { step: 'build', name: 'askForChecksums' } as const;
      if (wantsChecksums(o))
        command.middlewareStack.add(
          (next) => (args) => {
            askForChecksums(args.request);
            return next(args);
          },
          asking,
        );
      return client.send(command, send);
    });
    // In Node the body is the answer itself.
    const body = output.Body as Readable;
    const close = async (): Promise<void> => {
      body.destroy();
    };
    // An abort after the answer began ends the body; a body that nobody reads may fail unheard.
    body.on('error', ignored);
    const onAbort = (): unknown => body.destroy();
    o.signal?.addEventListener('abort', onAbort, { once: true });
    body.once('close', () => o.signal?.removeEventListener('abort', onAbort));
    try {
      const answer = answerOfOutput(output, context);
      return { answer, status: output.$metadata.httpStatusCode ?? 200, body: explained(body, context, o, bodyLength(answer, context)), close };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async put(key: string, bytes: Uint8Array, o: WriteRequest): Promise<WriteAnswer> {
    const context = this.#store.context('put', key, { condition: conditionKind(o.if) });
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      Body: bytes,
      ...commandHeaders(o.headers, key),
      ...writeConditionInput(o.if),
      ...(o.crc32 === undefined ? {} : { ChecksumCRC32: o.crc32 }),
      ...(o.sha256 === undefined ? {} : { ChecksumSHA256: o.sha256 }),
      ...(o.md5 === undefined ? {} : { ContentMD5: o.md5 }),
    };
    const output = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.PutObjectCommand(input), send));
    const sealed = output.ServerSideEncryption !== undefined && output.ServerSideEncryption !== 'AES256';
    return { etag: answeredTag(output.ETag, context), version: output.VersionId, sealed, date: new Date() };
  }

  async part(key: string, bytes: Uint8Array, o: PartRequest): Promise<string> {
    const context = this.#store.context('part', key);
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      UploadId: o.uploadId,
      PartNumber: o.number,
      Body: bytes,
      ...(o.crc32 === undefined ? {} : { ChecksumCRC32: o.crc32 }),
    };
    const output = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.UploadPartCommand(input), send));
    return answeredTag(output.ETag, context);
  }

  async beginUpload(key: string, o: BeginRequest): Promise<string> {
    const context = this.#store.context('startUpload', key);
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      ...commandHeaders(o.headers, key),
      ...(o.crc32 ? { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: 'FULL_OBJECT' as const } : {}),
    };
    const { UploadId } = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.CreateMultipartUploadCommand(input), send));
    if (UploadId === undefined) throw new StorageError('Unavailable', `${context.endpoint} began an upload without naming it`, { key });
    return UploadId;
  }

  async completeUpload(key: string, o: CompletionRequest): Promise<string | undefined> {
    const context = this.#store.context('complete', key, { condition: conditionKind(o.if), ownChecksum: o.ownChecksum });
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      UploadId: o.uploadId,
      MultipartUpload: {
        Parts: o.parts.map(({ etag, crc32 }, i) => ({ PartNumber: i + 1, ETag: etag, ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32 }) })),
      },
      ...writeConditionInput(o.if),
      ...(o.crc32 === undefined ? {} : { ChecksumCRC32: o.crc32, ChecksumType: 'FULL_OBJECT' as const }),
    };
    const { ETag } = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.CompleteMultipartUploadCommand(input), send));
    return ETag === undefined ? undefined : quotedEtag(ETag);
  }

  async copy(key: string, o: CopyRequest): Promise<CopyAnswer> {
    const context = this.#store.context('copy', key, { condition: 'revision' });
    const { storageClass } = o.headers;
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      CopySource: o.source,
      CopySourceIfMatch: o.sourceEtag,
      ...(o.directive === 'replace'
        ? { ...commandHeaders(o.headers, key), MetadataDirective: 'REPLACE' as const, TaggingDirective: 'REPLACE' as const }
        : storageClass === undefined
          ? {}
          : { StorageClass: storageClass as 'STANDARD' }),
      ...writeConditionInput(o.if),
    };
    const { CopyObjectResult } = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.CopyObjectCommand(input), send));
    return { etag: resultTag(CopyObjectResult?.ETag, context), lastModified: CopyObjectResult?.LastModified ?? new Date() };
  }

  async copyPart(key: string, o: CopyPartRequest): Promise<string> {
    const context = this.#store.context('copy', key, { condition: 'revision' });
    const input = {
      Bucket: this.#store.bucket,
      Key: key,
      UploadId: o.uploadId,
      PartNumber: o.number,
      CopySource: o.source,
      CopySourceIfMatch: o.sourceEtag,
      CopySourceRange: rangeHeader(o.range),
    };
    const { CopyPartResult } = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.UploadPartCopyCommand(input), send));
    return resultTag(CopyPartResult?.ETag, context);
  }

  async list(o: ListRequest): Promise<ListedPage> {
    const context = this.#store.context('list');
    const input = {
      Bucket: this.#store.bucket,
      EncodingType: 'url' as const,
      MaxKeys: o.limit,
      ...(o.prefix === undefined || o.prefix === '' ? {} : { Prefix: o.prefix }),
      ...(o.delimiter === undefined ? {} : { Delimiter: o.delimiter }),
      ...(o.token !== undefined ? { ContinuationToken: o.token } : o.startAfter === undefined ? {} : { StartAfter: o.startAfter }),
    };
    const output = await this.#client.call(context, o, (client, sdk, send) => client.send(new sdk.ListObjectsV2Command(input), send));
    if (output.IsTruncated === undefined && output.KeyCount === undefined && output.Name === undefined) throw notS3(context, { status: 200 });
    if (output.IsTruncated === true && (output.NextContinuationToken ?? '') === '')
      throw new StorageError('Unavailable', `${context.endpoint} gave a listing that cannot be trusted: it says that more follows and does not say where`, {
        operation: 'list',
        provider: 'minio',
        bucket: context.bucket,
      });
    // The SDK leaves keys as the store wrote them, and says so.
    const text = output.EncodingType === 'url' ? decodedUrl : (raw: string): string => raw;
    const { etagIsMd5 } = this.#store.settings;
    return {
      objects: (output.Contents ?? []).map(({ Key = '', Size = 0, LastModified = new Date(0), ETag }) => {
        const etag = ETag === undefined ? undefined : quotedEtag(ETag);
        return {
          key: text(Key),
          size: Size,
          lastModified: LastModified,
          revision: etag === undefined ? {} : { etag },
          checksums: etagIsMd5 ? md5OfEtag(etag) : {},
        };
      }),
      prefixes: (output.CommonPrefixes ?? []).map(({ Prefix = '' }) => text(Prefix)),
      token: output.IsTruncated === true ? output.NextContinuationToken : undefined,
    };
  }
}

/**
 * Not by `ChecksumMode`: the SDK would then compare by itself, in JavaScript at 0.6 GB/s, over one attempt alone, and fail as if the
 * connection had. Whoever reads compares.
 */
function askForChecksums(request: unknown): void {
  if (typeof request === 'object' && request !== null && 'headers' in request)
    Object.assign(request.headers as Record<string, string>, { 'x-amz-checksum-mode': 'ENABLED' });
}

function ignored(): void {
  // Who reads the body is told; who does not has nothing to lose.
}

async function* explained(body: Readable, context: FaultContext, { signal }: Call, length: number): AsyncIterable<Uint8Array> {
  let got = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      got += chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : networkError('minio', error, context);
  }
  if (signal?.aborted === true) throw signal.reason;
  if (got < length) throw networkError('minio', new Error('short body'), context);
}

function answeredTag(etag: string | undefined, context: FaultContext): string {
  if (etag === undefined) throw notS3(context, { status: 200 });
  return quotedEtag(etag);
}

/** A copy without its result may not have been made. */
function resultTag(etag: string | undefined, context: FaultContext): string {
  if (etag === undefined || etag === '') throw withoutResult(context);
  return quotedEtag(etag);
}

function answerOfOutput(o: HeadObjectCommandOutput | GetObjectCommandOutput, context: FaultContext): ObjectAnswer {
  return {
    etag: answeredTag(o.ETag, context),
    version: o.VersionId,
    lastModified: o.LastModified,
    length: o.ContentLength,
    contentRange: o.ContentRange,
    headers: headersOf(o),
    checksums: checksumsOf(o),
    tagCount: o.TagCount ?? 0,
    sealed: (o.ServerSideEncryption !== undefined && o.ServerSideEncryption !== 'AES256') || o.SSECustomerAlgorithm !== undefined,
  };
}

function headersOf(o: HeadObjectCommandOutput | GetObjectCommandOutput): ObjectHeaders {
  const contentEncoding = withoutChunking(o.ContentEncoding);
  return {
    ...(o.ContentType === undefined ? {} : { contentType: o.ContentType }),
    ...(o.CacheControl === undefined ? {} : { cacheControl: o.CacheControl }),
    ...(o.ContentDisposition === undefined ? {} : { contentDisposition: o.ContentDisposition }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(o.ContentLanguage === undefined ? {} : { contentLanguage: o.ContentLanguage }),
    ...(isOwnClass(o.StorageClass) ? { storageClass: o.StorageClass } : {}),
    ...(o.Metadata === undefined || Object.keys(o.Metadata).length === 0 ? {} : { metadata: o.Metadata }),
  };
}

function checksumsOf(o: HeadObjectCommandOutput | GetObjectCommandOutput): Checksums {
  if (o.ChecksumType === 'COMPOSITE' || o.ContentRange !== undefined) return {};
  const kept = { crc32: o.ChecksumCRC32, crc32c: o.ChecksumCRC32C, crc64nvme: o.ChecksumCRC64NVME, sha256: o.ChecksumSHA256 };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined && !value.includes('-')));
}

function readConditionInput(o: ReadConditions): { IfMatch?: string; IfNoneMatch?: string; IfModifiedSince?: Date; IfUnmodifiedSince?: Date } {
  return {
    ...(o.ifMatch === undefined ? {} : { IfMatch: etagOf(o.ifMatch) }),
    ...(o.ifNoneMatch === undefined ? {} : { IfNoneMatch: etagOf(o.ifNoneMatch) }),
    ...(o.ifModifiedSince === undefined ? {} : { IfModifiedSince: o.ifModifiedSince }),
    ...(o.ifUnmodifiedSince === undefined ? {} : { IfUnmodifiedSince: o.ifUnmodifiedSince }),
  };
}
