import { type ErrorCode, quoted, StorageError } from '@stowage/core';
import { clockDifference, codeOfStatus, commonWords, doing, refusal, type RefusedAnswer, type RequestContext, saidWords, withoutSecrets } from '@stowage/wire';

/** What is known of a refused request, whichever client sent it. */
export interface ServiceFault extends RefusedAnswer {
  readonly status: number;
  /** S3's own code, as in the error document; empty where the answer had none. */
  readonly code: string;
  readonly message: string;
  readonly region?: string | undefined;
  /** The `Date` header: the server's clock. */
  readonly date?: string | undefined;
  readonly server?: string | undefined;
}

/** What the request was, for the words of its error. */
export interface FaultContext extends RequestContext {
  readonly region: string;
  /** Texts that must not appear: the secret key and the session token. */
  readonly secrets: readonly string[];
}

/** Codes of AWS, MinIO, Ceph, Versity's gateway and R2, as their documentation and sources list them. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  NoSuchKey: 'NotFound',
  NoSuchUpload: 'NotFound',
  NoSuchVersion: 'NotFound',
  NoSuchBucketPolicy: 'NotFound',
  NoSuchPublicAccessBlockConfiguration: 'NotFound',
  BucketAlreadyExists: 'AlreadyExists',
  BucketAlreadyOwnedByYou: 'AlreadyExists',
  TooManyBuckets: 'OutOfSpace',
  NotFound: 'NotFound',
  NoSuchBucket: 'BucketNotFound',
  PreconditionFailed: 'PreconditionFailed',
  NotModified: 'NotModified',
  InvalidRange: 'InvalidRange',
  AccessDenied: 'AccessDenied',
  AllAccessDisabled: 'AccessDenied',
  AccountProblem: 'AccessDenied',
  InvalidAccessKeyId: 'Unauthenticated',
  InvalidClientTokenId: 'Unauthenticated',
  SignatureDoesNotMatch: 'Unauthenticated',
  ExpiredToken: 'Unauthenticated',
  ExpiredTokenException: 'Unauthenticated',
  InvalidToken: 'Unauthenticated',
  // MinIO's own name for it.
  InvalidTokenId: 'Unauthenticated',
  TokenRefreshRequired: 'Unauthenticated',
  InvalidSecurity: 'Unauthenticated',
  NotSignedUp: 'Unauthenticated',
  RequestTimeTooSkewed: 'Unauthenticated',
  RequestExpired: 'Unauthenticated',
  SlowDown: 'RateLimited',
  SlowDownRead: 'RateLimited',
  SlowDownWrite: 'RateLimited',
  Throttling: 'RateLimited',
  ThrottlingException: 'RateLimited',
  TooManyRequests: 'RateLimited',
  RequestLimitExceeded: 'RateLimited',
  BandwidthLimitExceeded: 'RateLimited',
  // Two writes of one key met; this one had no effect.
  ConditionalRequestConflict: 'RateLimited',
  OperationAborted: 'RateLimited',
  InternalError: 'Unavailable',
  ServiceUnavailable: 'Unavailable',
  RequestTimeout: 'Unavailable',
  IncompleteBody: 'Unavailable',
  XMinioServerNotInitialized: 'Unavailable',
  BadDigest: 'ChecksumMismatch',
  XAmzContentChecksumMismatch: 'ChecksumMismatch',
  XAmzContentSHA256Mismatch: 'ChecksumMismatch',
  InvalidPart: 'InvalidArgument',
  InvalidPartOrder: 'InvalidArgument',
  EntityTooSmall: 'InvalidArgument',
  EntityTooLarge: 'InvalidArgument',
  InvalidArgument: 'InvalidArgument',
  InvalidTag: 'InvalidArgument',
  InvalidDigest: 'InvalidArgument',
  InvalidStorageClass: 'InvalidArgument',
  MetadataTooLarge: 'InvalidArgument',
  KeyTooLongError: 'InvalidKey',
  InvalidURI: 'InvalidKey',
  InvalidObjectName: 'InvalidKey',
  XMinioInvalidObjectName: 'InvalidKey',
  XMinioInvalidResourceName: 'InvalidKey',
  ObjectParentIsFile: 'KeyConflict',
  ExistingObjectIsDirectory: 'KeyConflict',
  XMinioParentIsObject: 'KeyConflict',
  XMinioObjectExistsAsDirectory: 'KeyConflict',
  QuotaExceeded: 'OutOfSpace',
  XMinioStorageFull: 'OutOfSpace',
  XMinioAdminBucketQuotaExceeded: 'OutOfSpace',
  InsufficientCapacity: 'OutOfSpace',
  NotImplemented: 'Unsupported',
  MethodNotAllowed: 'Unsupported',
  AuthorizationHeaderMalformed: 'Config',
  PermanentRedirect: 'Config',
  TemporaryRedirect: 'Config',
  Redirect: 'Config',
  IllegalLocationConstraintException: 'Config',
  InvalidBucketName: 'Config',
  InvalidRegion: 'Config',
  InvalidLocationConstraint: 'Config',
};

/** A refused request as Stowage tells it: in plain words, without secrets, and without the error underneath, which holds them. */
export function serviceError(fault: ServiceFault, context: FaultContext): StorageError {
  const code = refine(CODES[fault.code] ?? codeOfStatus(fault.status), fault, context);
  return refusal('minio', code, words(code, fault, context), fault, context);
}

function refine(
  code: ErrorCode,
  { status, code: own, retryAfter: wait, message, region }: ServiceFault,
  { condition, region: asked, key }: FaultContext,
): ErrorCode {
  // Every S3 server says that it is the bucket which is not there: this is something else. The SDK makes the name of the code up.
  if (status === 404 && (own === '' || own === 'NotFound') && key === undefined) return 'Config';
  if (condition !== undefined && code === 'PreconditionFailed') return condition === 'absent' ? 'AlreadyExists' : 'PreconditionFailed';
  // A condition on a revision of what is not there: AWS, MinIO and Versity answer 404.
  if (condition === 'revision' && own === 'NoSuchKey') return 'PreconditionFailed';
  if (code === 'Unavailable' && (status === 503 || status === 429) && wait !== undefined) return 'RateLimited';
  if (message.includes('HTTP request to an HTTPS server') || message.includes('HTTP request was sent to HTTPS port')) return 'Config';
  if (message.includes('must be made to API port')) return 'Config';
  if (own === 'InvalidRequest' || own === 'MalformedXML') return 'InvalidArgument';
  if (region !== undefined && region !== asked && status >= 300) return 'Config';
  return code;
}

function words(code: ErrorCode, fault: ServiceFault, context: FaultContext): string {
  const { bucket, key, endpoint, region } = context;
  const where = key === undefined ? `the bucket ${quoted(bucket)}` : `${quoted(key)} in ${quoted(bucket)}`;
  const said = saidWords([fault.code, fault.message], context.secrets);
  if (fault.code === 'RequestTimeTooSkewed' || fault.code === 'RequestExpired')
    return `the clocks differ: ${clockDifference(fault.date)}; set this machine's clock right`;
  if (fault.code === 'NoSuchUpload') return `the upload of ${where} was completed, aborted or never begun`;
  if (fault.code === 'InvalidObjectState') return `${where} is archived and cannot be read before it is restored`;
  if (fault.code === 'InvalidAccessKeyId' || fault.code === 'InvalidClientTokenId')
    return `${endpoint} does not know this access key; check access_key and that the endpoint is the one that issued it`;
  if (fault.code === 'SignatureDoesNotMatch')
    return `${endpoint} refused the signature: the secret key does not belong to the access key; copy secret_key again`;
  if (fault.code.startsWith('ExpiredToken') || fault.code === 'TokenRefreshRequired') return 'the session has expired; get new temporary credentials';
  if (fault.code === 'InvalidToken' || fault.code === 'InvalidTokenId')
    return `${endpoint} does not accept the session token: it is damaged, of another service, or the keys are permanent and need none`;
  switch (code) {
    case 'NotFound':
      return `there is no object ${where}`;
    case 'BucketNotFound':
      return `there is no bucket ${quoted(bucket)} at ${endpoint}; check its name and the endpoint`;
    case 'AccessDenied':
      return `these credentials may not ${doing(context.operation)} ${where}${said}`;
    case 'KeyConflict':
      return `${where} cannot lie beside an object that the store holds: one of two such as "a" and "a/b"`;
    case 'Config':
      return configWords(fault, context, said);
    default:
      return (
        commonWords(code, where, said, fault.status, context) ??
        `${endpoint} (region ${region}) refused to ${doing(context.operation)} ${where} with status ${fault.status}${said}`
      );
  }
}

function configWords(fault: ServiceFault, { endpoint, region, bucket }: FaultContext, said: string): string {
  if (fault.region !== undefined && fault.region !== region)
    return `the bucket ${quoted(bucket)} lies in the region ${quoted(fault.region)}, and ${quoted(region)} is configured; set region: ${fault.region.replace(/[^\w-]/g, '')}`;
  if (fault.message.includes('must be made to API port'))
    return `${endpoint} is the port of MinIO's console, for browsers; the S3 port is another one, 9000 by default`;
  if (fault.message.includes('HTTPS')) return `${endpoint} speaks https; write the endpoint with https:// before it`;
  if (fault.status === 404) return `${endpoint} does not answer as an S3 server does (status 404 without an error of S3): check endpoint and port`;
  if (fault.code === 'AuthorizationHeaderMalformed')
    return `${endpoint} does not take requests signed for the region ${quoted(region)}; set region to the bucket's own${said}`;
  if (fault.status >= 300 && fault.status < 400)
    return `${endpoint} sends requests for the bucket ${quoted(bucket)} elsewhere: it lies in another region, or this is no S3 endpoint; check endpoint and region${said}`;
  return `${endpoint} does not take the bucket name ${quoted(bucket)}${said}`;
}

/** Whatever answers at the endpoint is no S3 server: MinIO's console answers every request with 200 and a web page. */
export function notS3(
  context: FaultContext,
  answer: { readonly status: number; readonly contentType?: string | undefined; readonly server?: string | undefined },
): StorageError {
  const { endpoint } = context;
  const console = answer.server?.includes('MinIO Console') === true;
  const hint = console ? "this is the port of MinIO's console, for browsers; the S3 port is another one, 9000 by default" : 'check endpoint and port';
  const got =
    answer.contentType === undefined
      ? `status ${answer.status} without an ETag`
      : `status ${answer.status} with ${quoted(withoutSecrets(answer.contentType, context.secrets), 40)}`;
  return refusal('minio', 'Config', `${endpoint} does not answer as an S3 server does (${got}): ${hint}`, { status: answer.status }, context);
}

/** A success that does not hold what it must: it may be cut off, or something between changes answers. Asking again decides. */
export function withoutResult(context: FaultContext, status = 200, expected = 'an ETag'): StorageError {
  return refusal('minio', 'Unavailable', `${context.endpoint} answered without the result that was expected (${expected})`, { status }, context);
}

/** What another request learnt, as the failure of this operation. */
export function asOperation(
  { code, message, provider, bucket, retryable, status, requestId, retryAfterMs }: StorageError,
  operation: string,
  key: string | undefined,
): StorageError {
  return new StorageError(code, message, {
    operation,
    provider,
    retryable,
    ...(key === undefined ? {} : { key }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(status === undefined ? {} : { status }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
