import { type ErrorCode, quoted, type StorageError } from '@stowage/core';
import { codeOfStatus, commonWords, doing, refusal, type RefusedAnswer, type RequestContext, saidWords, withoutSecrets } from '@stowage/wire';

/** What is known of a refused request, whichever of the two APIs refused it. */
export interface ServiceFault extends RefusedAnswer {
  readonly status: number;
  /** The reason of the JSON API (`conditionNotMet`) or the code of the XML API (`NoSuchKey`); empty where the answer had none. */
  readonly reason: string;
  readonly message: string;
}

/** What the request was, for the words of its error. */
export interface FaultContext extends RequestContext {
  /** Who asked. */
  readonly who: string;
  readonly anonymous: boolean;
  /** Texts that must not appear. */
  readonly secrets: readonly string[];
}

/** https://cloud.google.com/storage/docs/json_api/v1/status-codes and …/xml-api/reference-status */
const REASONS: Readonly<Record<string, ErrorCode>> = {
  rateLimitExceeded: 'RateLimited',
  userRateLimitExceeded: 'RateLimited',
  SlowDown: 'RateLimited',
  TooManyRequests: 'RateLimited',
  requestedRangeNotSatisfiable: 'InvalidRange',
  InvalidRange: 'InvalidRange',
  conditionNotMet: 'PreconditionFailed',
  PreconditionFailed: 'PreconditionFailed',
  notModified: 'NotModified',
  NoSuchKey: 'NotFound',
  NoSuchBucket: 'BucketNotFound',
  InvalidBucketName: 'Config',
  BadDigest: 'ChecksumMismatch',
  InvalidDigest: 'InvalidArgument',
  KeyTooLong: 'InvalidKey',
  InvalidURI: 'InvalidKey',
  SignatureDoesNotMatch: 'Unauthenticated',
  ExpiredToken: 'Unauthenticated',
  authError: 'Unauthenticated',
  expired: 'Unauthenticated',
  AuthenticationRequired: 'Unauthenticated',
  InvalidSecurity: 'Unauthenticated',
  AccessDenied: 'AccessDenied',
  forbidden: 'AccessDenied',
  insufficientPermissions: 'AccessDenied',
  objectUnderActiveHold: 'AccessDenied',
  retentionPolicyNotMet: 'AccessDenied',
  accountDisabled: 'AccessDenied',
  userProjectMissing: 'Config',
  UserProjectMissing: 'Config',
  notImplemented: 'Unsupported',
};

/** What these statuses mean here beyond what they mean everywhere; 410 is a session that the service has dropped. */
const STATUSES: Readonly<Record<number, ErrorCode>> = {
  400: 'InvalidArgument',
  410: 'Unavailable',
  411: 'InvalidArgument',
  413: 'InvalidArgument',
};

/** A refused request as Stowage tells it: in plain words, without secrets, and without the error underneath. */
export function serviceError(fault: ServiceFault, context: FaultContext): StorageError {
  const code = refined(fault, context);
  return refusal('google', code, words(code, fault, context), fault, context);
}

function refined({ status, reason, message, retryAfter: wait }: ServiceFault, { condition, operation, anonymous }: FaultContext): ErrorCode {
  const code = REASONS[reason] ?? STATUSES[status] ?? codeOfStatus(status);
  // Of an object it says that two changes met.
  if (status === 409 && operation === 'createBucket') return 'AlreadyExists';
  if (code === 'PreconditionFailed' && condition === 'absent') return 'AlreadyExists';
  if (code === 'NotFound' && (/bucket does not exist/i.test(message) || operation === 'list' || operation === 'listUploads')) return 'BucketNotFound';
  // A condition on a generation of what is not there.
  if (code === 'NotFound' && condition === 'revision') return 'PreconditionFailed';
  if (code === 'Unavailable' && status === 503 && wait !== undefined) return 'RateLimited';
  // Whoever does not sign in is answered 401 for what is not open to everyone.
  if (code === 'Unauthenticated' && anonymous) return 'AccessDenied';
  if (status === 400 && /doesn't match calculated|does not match calculated/i.test(message)) return 'ChecksumMismatch';
  if (status === 400 && /object name|unicode characters/i.test(message)) return 'InvalidKey';
  if (status === 400 && /invalid bucket name/i.test(message)) return 'Config';
  if (status === 403 && /SSL is required/i.test(message)) return 'Config';
  return code;
}

function words(code: ErrorCode, fault: ServiceFault, context: FaultContext): string {
  const { bucket, key, endpoint, who } = context;
  const where = key === undefined ? `the bucket ${quoted(bucket)}` : `${quoted(key)} in ${quoted(bucket)}`;
  const said = saidWords([fault.reason, fault.message], context.secrets);
  if (code === 'Unavailable' && fault.status === 410) return `${endpoint} has dropped the upload of ${where}; begin it again`;
  switch (code) {
    case 'NotFound':
      return `there is no object ${where}`;
    case 'BucketNotFound':
      return `there is no bucket ${quoted(bucket)} at ${endpoint}; check its name`;
    case 'AccessDenied':
      if (context.anonymous)
        return `${where} is not open to everyone for that (${context.operation}), and nobody is signed in; configure credentials_path or sign_in`;
      return fault.reason === 'retentionPolicyNotMet' || fault.reason === 'objectUnderActiveHold'
        ? `${where} is held by a retention policy or a hold and cannot be replaced or deleted${said}`
        : `${who} may not ${doing(context.operation)} ${where}${said}`;
    case 'Unauthenticated':
      return `${endpoint} does not accept the sign-in of ${who}: its token has expired or was revoked${said}`;
    case 'Config':
      if (/project/i.test(fault.reason)) return `the bucket ${quoted(bucket)} has its readers pay: name the project that pays as user_project${said}`;
      if (fault.status >= 300 && fault.status < 400) return `${endpoint} sends requests elsewhere: it is no endpoint of Cloud Storage; check endpoint${said}`;
      return `${endpoint} cannot serve the bucket ${quoted(bucket)}${said}`;
    default:
      return (
        commonWords(code, where, said, fault.status, context) ??
        `${endpoint} refused to ${doing(context.operation)} ${where} with status ${fault.status}${said}`
      );
  }
}

/** The error in an answer's body, JSON or XML; empty where it is neither. */
export function faultOf(status: number, body: string): Pick<ServiceFault, 'status' | 'reason' | 'message'> {
  if (body.startsWith('{')) {
    try {
      const { error } = JSON.parse(body) as { error?: { message?: unknown; errors?: readonly { reason?: unknown }[] } };
      const reason = error?.errors?.[0]?.reason;
      return { status, reason: typeof reason === 'string' ? reason : '', message: typeof error?.message === 'string' ? error.message : '' };
    } catch {
      return { status, reason: '', message: '' };
    }
  }
  const reason = /<Code>([^<]*)<\/Code>/.exec(body)?.[1] ?? '';
  const message = /<(?:Details|Message)>([^<]*)<\/(?:Details|Message)>/.exec(body)?.[1] ?? '';
  return { status, reason, message: message === '' && !body.includes('<') ? body.slice(0, 300) : message };
}

/** Whatever answers at the endpoint is no Cloud Storage. */
export function notGoogle(context: FaultContext, status: number, contentType: string | undefined): StorageError {
  const { endpoint } = context;
  const got = `status ${status}${contentType === undefined ? '' : ` with ${quoted(withoutSecrets(contentType, context.secrets), 40)}`}`;
  const message = `${endpoint} does not answer as Cloud Storage does (${got}): check endpoint; the default is storage.googleapis.com`;
  return refusal('google', 'Config', message, { status }, context);
}
