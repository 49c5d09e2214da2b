import { join } from 'node:path';
import { type BucketDriver, type Provider, StorageError } from '@stowage/core';
import { createFolder } from './create-folder.ts';
import { fsDriver } from './fs-driver.ts';
import type { FsOptions } from './fs-options.ts';

/** An entry of the configuration: a folder under a storage ID. */
export interface FsConfig {
  readonly path: string;
  /** The name in links: `fs://<storageId>/<key>`. Absent: any name opens the folder. */
  readonly storageId?: string;
  readonly create?: boolean;
  readonly symlinks?: 'files' | 'skip';
  readonly durability?: 'full' | 'none';
}

/** Folders of this machine: `fs://local-datasets/a/b.jpg` is `<path>/a/b.jpg`. */
export const fs: Provider<FsConfig> = {
  name: 'fs',
  schemes: ['fs'],
  parseConfig,
  open: openFolder,
  async createBucket(config, bucket, call) {
    assertName(config, bucket);
    return await createFolder(config.path, bucket, call);
  },
};

/** The platform's own layout: bucket `<bucket>` of the data folder is `DATA_PATH/storage/<bucket>`. */
export function platformRoot(dataPath: string, bucket: string): string {
  if (bucket === '' || bucket === '.' || bucket === '..' || bucket.includes('/') || bucket.includes('\0'))
    throw new StorageError('InvalidArgument', `expected a bucket's name to be the name of one folder; got ${JSON.stringify(bucket)}`, { provider: 'fs' });
  return join(dataPath, 'storage', bucket);
}

const FIELDS: ReadonlySet<string> = new Set(['provider', 'path', 'storage_id', 'create', 'symlinks', 'durability']);

function parseConfig(entry: unknown): FsConfig {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw fault('', 'a mapping with provider and path', entry);
  const fields = new Map<string, unknown>(Object.entries(entry));
  for (const name of fields.keys())
    if (!FIELDS.has(name)) throw new StorageError('Config', `${name}: unknown field; known are ${[...FIELDS].join(', ')}`, { provider: 'fs' });
  const provider = fields.get('provider');
  if (provider !== undefined && provider !== 'fs') throw fault('provider', 'fs', provider);
  const path = fields.get('path');
  if (typeof path !== 'string' || !path.startsWith('/')) throw fault('path', 'an absolute path of a folder', path);
  const storageId = text(fields.get('storage_id'));
  const create = fields.get('create');
  if (create !== undefined && typeof create !== 'boolean') throw fault('create', 'true or false', create);
  const symlinks = fields.get('symlinks');
  if (symlinks !== undefined && symlinks !== 'files' && symlinks !== 'skip') throw fault('symlinks', 'files or skip', symlinks);
  const durability = fields.get('durability');
  if (durability !== undefined && durability !== 'full' && durability !== 'none') throw fault('durability', 'full or none', durability);
  return {
    path,
    ...(storageId === undefined ? {} : { storageId }),
    ...(create === undefined ? {} : { create }),
    ...(symlinks === undefined ? {} : { symlinks }),
    ...(durability === undefined ? {} : { durability }),
  };
}

function text(storageId: unknown): string | undefined {
  if (storageId === undefined || (typeof storageId === 'string' && storageId !== '' && !storageId.includes('/'))) return storageId;
  throw fault('storage_id', 'a name without a slash', storageId);
}

/** Names the field and what was expected; of the value, only its kind. */
function fault(field: string, expected: string, value: unknown): StorageError {
  const got =
    value === null
      ? 'nothing'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'string'
          ? 'another text'
          : value === undefined
            ? 'nothing'
            : `a ${typeof value}`;
  return new StorageError('Config', `${field === '' ? '' : `${field}: `}expected ${expected}; got ${got}`, { provider: 'fs' });
}

function assertName({ storageId }: FsConfig, bucket: string): void {
  if (storageId !== undefined && bucket !== storageId)
    throw new StorageError(
      'Config',
      `the folder is known as ${JSON.stringify(storageId)}; got ${JSON.stringify(bucket)}: links to it are fs://${storageId}/…`,
      { provider: 'fs', bucket },
    );
}

function openFolder(config: FsConfig, bucket: string): BucketDriver {
  assertName(config, bucket);
  const { path, create, symlinks, durability } = config;
  const options: FsOptions = {
    root: path,
    bucket,
    ...(create === undefined ? {} : { create }),
    ...(symlinks === undefined ? {} : { symlinks }),
    ...(durability === undefined ? {} : { durability }),
  };
  return fsDriver(options);
}
