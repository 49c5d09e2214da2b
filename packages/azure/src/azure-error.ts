import { type ErrorCode, quoted, type StorageError } from '@stowage/core';
import { clockDifference, codeOfStatus, commonWords, doing, refusal, type RefusedAnswer, type RequestContext, saidWords, withoutSecrets } from '@stowage/wire';

/** What a refused request was answered with. */
export interface ServiceFault extends RefusedAnswer {
  readonly status: number;
  /** `x-ms-error-code`, or the document's own. */
  readonly code: string;
  readonly message: string;
  /** What the service says of a sign-in that failed. */
  readonly detail?: string | undefined;
  /** The `Date` header: the server's clock. */
  readonly date?: string | undefined;
}

/** What the request was, for the words of its error. */
export interface FaultContext extends RequestContext {
  readonly signIn: string;
  /** Texts that must not appear. */
  readonly secrets: () => readonly string[];
}

/** https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes and …/common-rest-api-error-codes */
const CODES: Readonly<Record<string, ErrorCode>> = {
  BlobNotFound: 'NotFound',
  ResourceNotFound: 'NotFound',
  ContainerNotFound: 'BucketNotFound',
  ContainerBeingDeleted: 'BucketNotFound',
  ContainerAlreadyExists: 'AlreadyExists',
  ContainerDisabled: 'AccessDenied',
  BlobAlreadyExists: 'AlreadyExists',
  UnauthorizedBlobOverwrite: 'AccessDenied',
  ConditionNotMet: 'PreconditionFailed',
  TargetConditionNotMet: 'PreconditionFailed',
  SourceConditionNotMet: 'PreconditionFailed',
  InvalidRange: 'InvalidRange',
  AuthenticationFailed: 'Unauthenticated',
  InvalidAuthenticationInfo: 'Unauthenticated',
  NoAuthenticationInformation: 'Unauthenticated',
  InvalidSasToken: 'Unauthenticated',
  AuthorizationFailure: 'AccessDenied',
  AuthorizationPermissionMismatch: 'AccessDenied',
  AuthorizationProtocolMismatch: 'AccessDenied',
  AuthorizationResourceTypeMismatch: 'AccessDenied',
  AuthorizationServiceMismatch: 'AccessDenied',
  AuthorizationSourceIPMismatch: 'AccessDenied',
  InsufficientAccountPermissions: 'AccessDenied',
  KeyBasedAuthenticationNotPermitted: 'AccessDenied',
  PublicAccessNotPermitted: 'AccessDenied',
  AccountIsDisabled: 'AccessDenied',
  BlobArchived: 'AccessDenied',
  BlobBeingRehydrated: 'AccessDenied',
  BlobImmutableDueToPolicy: 'AccessDenied',
  BlobImmutableDueToLegalHold: 'AccessDenied',
  LeaseIdMissing: 'AccessDenied',
  LeaseIdMismatchWithBlobOperation: 'AccessDenied',
  ServerBusy: 'RateLimited',
  AccountBeingCreated: 'Unavailable',
  InternalError: 'Unavailable',
  OperationTimedOut: 'Unavailable',
  Md5Mismatch: 'ChecksumMismatch',
  Crc64Mismatch: 'ChecksumMismatch',
  InvalidMd5: 'InvalidArgument',
  InvalidBlockId: 'InvalidArgument',
  InvalidBlockList: 'InvalidArgument',
  InvalidBlobOrBlock: 'InvalidArgument',
  BlockCountExceedsLimit: 'InvalidArgument',
  RequestBodyTooLarge: 'InvalidArgument',
  InvalidMetadata: 'InvalidArgument',
  MetadataTooLarge: 'InvalidArgument',
  EmptyMetadataKey: 'InvalidArgument',
  InvalidTag: 'InvalidArgument',
  TagsTooLarge: 'InvalidArgument',
  InvalidHeaderValue: 'InvalidArgument',
  InvalidQueryParameterValue: 'InvalidArgument',
  InvalidBlobTier: 'InvalidArgument',
  CannotVerifyCopySource: 'Unavailable',
  InvalidBlobType: 'Unsupported',
  SnapshotsPresent: 'PreconditionFailed',
  FeatureVersionMismatch: 'Unsupported',
  UnsupportedHeader: 'Unsupported',
  UnsupportedHttpVerb: 'Unsupported',
  InvalidUri: 'InvalidKey',
  InvalidResourceName: 'InvalidKey',
  OutOfRangeInput: 'InvalidKey',
  RequestUrlFailedToParse: 'InvalidKey',
  InvalidInput: 'InvalidArgument',
  AccountAlreadyExists: 'Config',
};

/** A refused request as Stowage tells it: in plain words, without secrets. */
export function serviceError(fault: ServiceFault, context: FaultContext): StorageError {
  const code = refine(CODES[fault.code] ?? codeOfStatus(fault.status), fault, context);
  return refusal('azure', code, words(code, fault, context), fault, context);
}

function refine(code: ErrorCode, { status, code: own, retryAfter: wait }: ServiceFault, { condition, key }: FaultContext): ErrorCode {
  // 304 and 412 may carry one and the same code.
  if (status === 304) return 'NotModified';
  if (condition === 'absent' && (code === 'PreconditionFailed' || code === 'AlreadyExists') && own !== 'SourceConditionNotMet') return 'AlreadyExists';
  // A condition on a revision of what is not there.
  if (condition === 'revision' && (own === 'BlobNotFound' || code === 'AlreadyExists')) return 'PreconditionFailed';
  if (code === 'Unavailable' && (status === 503 || status === 429) && wait !== undefined) return 'RateLimited';
  // A name that breaks the rules is the container's where no blob was named.
  if (code === 'InvalidKey' && key === undefined) return 'Config';
  return code;
}

function words(code: ErrorCode, fault: ServiceFault, context: FaultContext): string {
  const { bucket, key, endpoint } = context;
  const where = key === undefined ? `the container ${quoted(bucket)}` : `${quoted(key)} in ${quoted(bucket)}`;
  const special = SPECIAL[fault.code]?.(where, context);
  if (special !== undefined) return special;
  // Behind the sentence the service repeats its request id and time.
  const said = saidWords([fault.code, fault.message.split(/\r?\n|RequestId:/)[0] ?? ''], context.secrets());
  switch (code) {
    case 'NotFound':
      return key === undefined ? `there is nothing at ${endpoint} that answers for ${where}${said}` : `there is no blob ${where}`;
    case 'BucketNotFound':
      return `there is no container ${quoted(bucket)} at ${endpoint}; check its name and the account`;
    case 'Unauthenticated':
      return signInWords(fault, context, said);
    case 'AccessDenied':
      return `these credentials may not ${doing(context.operation)} ${where}${said}`;
    case 'InvalidKey':
      return `the service does not take ${where} as a name${said}`;
    case 'Config':
      return `${endpoint} does not answer as Blob Storage does, or does not take the container name ${quoted(bucket)} (status ${fault.status})${said}`;
    default:
      return (
        commonWords(code, where, said, fault.status, context) ??
        `${endpoint} refused to ${doing(context.operation)} ${where} with status ${fault.status}${said}`
      );
  }
}

const SPECIAL: Readonly<Record<string, (where: string, context: FaultContext) => string>> = {
  ContainerBeingDeleted: (_where, { bucket }) =>
    `the container ${quoted(bucket)} is being deleted, which takes half a minute or more; then it can be made again`,
  BlobArchived: (where) => `${where} is archived and cannot be read before it is rehydrated to another tier`,
  BlobBeingRehydrated: (where) => `${where} is being rehydrated from the archive; this takes hours`,
  LeaseIdMissing: (where) => `${where} is leased by another program: it cannot be changed before the lease ends`,
  LeaseIdMismatchWithBlobOperation: (where) => `${where} is leased by another program: it cannot be changed before the lease ends`,
  SnapshotsPresent: (where) => `${where} has snapshots, and they were not to be deleted with it; set deleteSnapshots to delete both`,
  InvalidBlobType: (where) => `${where} is a page blob or an append blob, which takes no blocks; delete it first`,
  InvalidBlobOrBlock: (where) =>
    `${where} holds blocks of another program that were never committed, and blocks of two programs do not mix: they go with the next whole write, or after a week`,
  PublicAccessNotPermitted: (_where, { endpoint }) => `${endpoint} allows no anonymous access; sign in`,
  KeyBasedAuthenticationNotPermitted: (_where, { endpoint }) => `${endpoint} has account keys and their SAS switched off; sign in by managed identity`,
  AccountIsDisabled: (_where, { endpoint }) => `the account at ${endpoint} is disabled`,
  AuthorizationFailure: (where, { operation, endpoint }) =>
    `these credentials may not ${doing(operation)} ${where}: they lack the permission, or the firewall of ${endpoint} does not let this machine in`,
  AuthorizationSourceIPMismatch: () => 'the SAS is for other addresses than this machine has (sip)',
  AuthorizationProtocolMismatch: () => 'the SAS is for https alone (spr=https); write the endpoint with https://',
  AuthorizationResourceTypeMismatch: (where, { operation }) =>
    `the SAS may not ${doing(operation)} ${where}: its resource types (srt) lack one; a container needs "c", a blob "o"`,
  AuthorizationServiceMismatch: () => 'the SAS is not for Blob Storage (ss lacks "b")',
  CannotVerifyCopySource: (where) => `the service could not read the source of the copy to ${where}: it must reach the source's address, and be let in there`,
};

/** AuthenticationErrorDetail says why, and repeats the whole string that was signed: only its kind is told. */
function signInWords(fault: ServiceFault, context: FaultContext, said: string): string {
  const { endpoint, signIn } = context;
  const why = `${fault.detail ?? ''} ${fault.message}`;
  if (/date (?:header|in the request)|request date header too old|within 15 minutes/i.test(why))
    return `the clocks differ: ${clockDifference(fault.date)}; set this machine's clock right`;
  if (signIn === 'sas') {
    if (/expir|signed expiry|not valid in the time|must be after|time frame/i.test(why))
      return `${endpoint} finds the SAS expired, or not valid yet, by its own clock (${serverTime(fault.date)}); get a new one`;
    return `${endpoint} does not accept the signature of the SAS: it was changed, cut, made for another container, or its key or policy was replaced; get a new one`;
  }
  if (signIn === 'account-key') return `${endpoint} refused the signature: the account key is not one of this account's two; copy it again from the portal`;
  if (signIn === 'anonymous') return `${endpoint} does not let anonymous requests in; sign in`;
  return `${endpoint} does not accept the token: ${/audience/i.test(why) ? 'it is for another service or account' : /tenant|issuer/i.test(why) ? "it is of another tenant than the account's" : 'it is expired or not known there'}${said}`;
}

function serverTime(date: string | undefined): string {
  const server = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(server) ? 'which it does not tell' : new Date(server).toISOString();
}

/** Whatever answers at the endpoint is no Blob Storage: a web page with status 200. */
export function notBlobStorage(context: FaultContext, status: number, contentType: string | undefined): StorageError {
  const { endpoint } = context;
  const got =
    contentType === undefined ? `status ${status} without an ETag` : `status ${status} with ${quoted(withoutSecrets(contentType, context.secrets()), 40)}`;
  return refusal('azure', 'Config', `${endpoint} does not answer as Blob Storage does (${got}): check endpoint and port`, { status }, context);
}
