export { ATTEMPT_CHANNEL } from './attempt-events.ts';
export type { AttemptEvent } from './attempt-events.ts';
export type { Body, DriverBody } from './body.ts';
export type { Bucket, CopyOptions, GetRangesOptions, ObjectPlace, StoredObject } from './bucket.ts';
export type { BucketCreation, BucketExposure } from './bucket-creation.ts';
export { assertRange, resolveRange } from './byte-range.ts';
export type { ByteRange, ResolvedRange } from './byte-range.ts';
export type { Capabilities, Support } from './capabilities.ts';
export type { ChecksumAlgorithm, Checksums } from './checksum.ts';
export { crc32Base64, crc32OfParts } from './crc32-of-parts.ts';
export { assertReadConditions, assertRevision, assertWriteCondition } from './conditions.ts';
export type { CurrentObject } from './conditions.ts';
export type { Diagnosis, DiagnosisFact, MissingPermission } from './diagnosis.ts';
export { assertDigests, cheapestDigest, createDigest } from './digest.ts';
export type { Digest } from './digest.ts';
export type { ConfigPlace, ConfigProblem } from './config/config-problem.ts';
export { missingProvider, PROVIDER_PACKAGES } from './config/provider-names.ts';
export type { ContestedBucket, MainStorage, StorageConfig, StorageEntry } from './config/storage-config.ts';
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
  PartOptions,
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
export { pickHeaders } from './headers.ts';
export { afterPrefix, assertKey, commonPrefix, compareKeys, keyFault, MAX_KEY_BYTES } from './keys.ts';
export { aroundDriver } from './layers/around.ts';
export type { Around, AroundHooks, DriverCall } from './layers/around.ts';
export { concurrencyLayer, occupancyLayer } from './layers/concurrency.ts';
export type { Occupancy } from './layers/concurrency.ts';
export { delegate } from './layers/delegate.ts';
export { faultLayer } from './layers/faults.ts';
export type { Fault } from './layers/faults.ts';
export { prefixLayer } from './layers/prefix.ts';
export { readOnlyCapabilities, readOnlyLayer } from './layers/read-only.ts';
export { retryLayer } from './layers/retry.ts';
export type { RetryOptions } from './layers/retry.ts';
export { throttleLayer } from './layers/throttle.ts';
export type { ThrottleOptions } from './layers/throttle.ts';
export { timeoutLayer } from './layers/timeout.ts';
export { formatLink, formatLinkPrefix } from './links/format-link.ts';
export type { FormatLinkOptions } from './links/format-link.ts';
export { STANDARD_SCHEMES } from './links/link.ts';
export type { Link, LinkFault, LinkPrefix, LinkSchemes, ObjectLink, UrlLink } from './links/link.ts';
export { parseLink, parseLinkPrefix, tryParseLink, tryParseLinkPrefix } from './links/parse-link.ts';
export type { ParsedLink, ParsedLinkPrefix, ParseLinkOptions } from './links/parse-link.ts';
export { parseStoreUrl } from './links/store-url.ts';
export type { StoreUrl } from './links/store-url.ts';
export { makeFolder } from './make-folder.ts';
export type { FolderMaker } from './make-folder.ts';
export { memoryDriver } from './memory/memory-driver.ts';
export type { MemoryOptions } from './memory/memory-driver.ts';
export { sameRevision } from './object-info.ts';
export type { ObjectHeaders, ObjectInfo, Revision } from './object-info.ts';
export { openBucket } from './open-bucket.ts';
export type { OpenOptions } from './open-bucket.ts';
export { pageAlignedBuffer } from './page-aligned-buffer.ts';
export type { ConfigContext, Provider } from './provider.ts';
export { isStorageError, StorageError } from './storage-error.ts';
export type { ErrorCode, StorageErrorDetails } from './storage-error.ts';
export { createStorages } from './storages.ts';
export type { ResolvedLink, Storages, StoragesOptions } from './storages.ts';
export { formatDuration, parseDuration } from './units/duration.ts';
export { formatSize, parseSize } from './units/size.ts';
export { quoted } from './wording/quoted.ts';
export { shownKey } from './wording/shown-key.ts';
