// The configuration's own entry, `@stowage/core/config`: what it needs to check files (zod, yaml) costs a start of 50 ms, which
// programs that only open buckets, and worker threads, do not pay.
export { CACHE_DEFAULTS } from './cache-settings.ts';
export type { CacheLimits, CacheSettings } from './cache-settings.ts';
export type { ConfigPlace, ConfigProblem } from './config-problem.ts';
export { remoteLinksJsonSchema } from './entry-schema.ts';
export { parseEnvFile } from './env-file.ts';
export type { EnvFile } from './env-file.ts';
export { loadConfig } from './load-config.ts';
export type { LoadConfigOptions, LoadedConfig } from './load-config.ts';
export { DEFAULT_DATA_PATH, readEnvironment } from './main-storage.ts';
export type { EnvironmentOptions, EnvironmentSettings } from './main-storage.ts';
export { missingProvider, PROVIDER_PACKAGES } from './provider-names.ts';
export type { Environment, ReferenceSources } from './references.ts';
export { checkRemoteLinks, parseRemoteLinks } from './remote-links.ts';
export type { RemoteLinks, RemoteLinksOptions } from './remote-links.ts';
export type { ContestedBucket, MainStorage, StorageConfig, StorageEntry } from './storage-config.ts';
export type { ReadFile } from './text-file.ts';
