export type { Body, DriverBody } from './body.ts';
export type { Bucket, CopyOptions, GetRangesOptions, ObjectPlace, StoredObject } from './bucket.ts';
export { assertRange, resolveRange } from './byte-range.ts';
export type { ByteRange, ResolvedRange } from './byte-range.ts';
export type { Capabilities, Support } from './capabilities.ts';
export type { ChecksumAlgorithm, Checksums } from './checksum.ts';
export type {
  AccessReport,
  BucketDriver,
  Call,
  CompleteOptions,
  CopyItem,
  CopyOutcome,
  CopySource,
  DeleteItem,
  DeleteOutcome,
  DriverObject,
  GetOptions,
  HeadOptions,
  Layer,
  ListIssue,
  ListOptions,
  ListPage,
  Permission,
  PresignedRequest,
  PresignMethod,
  PresignOptions,
  PutOptions,
  ReadConditions,
  Upload,
  UploadedPart,
  UploadRef,
  WriteCondition,
} from './driver.ts';
export { afterPrefix, assertKey, compareKeys, keyFault, MAX_KEY_BYTES } from './keys.ts';
export { sameRevision } from './object-info.ts';
export type { ObjectHeaders, ObjectInfo, Revision } from './object-info.ts';
export type { Provider } from './provider.ts';
export { isStorageError, StorageError } from './storage-error.ts';
export type { ErrorCode, StorageErrorDetails } from './storage-error.ts';
