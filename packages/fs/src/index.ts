export type { FileStats, FileSystem, FolderEntry } from './file-system.ts';
export { fsDriver } from './fs-driver.ts';
export type { FsNative, FsOptions } from './fs-options.ts';
export { fs, platformRoot } from './fs-provider.ts';
export type { FsConfig } from './fs-provider.ts';
export { keyToPath } from './names.ts';
export { sweepTemporaries } from './sweep.ts';
