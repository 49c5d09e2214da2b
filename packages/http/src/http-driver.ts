import { type BucketDriver, type Capabilities, type DeleteOutcome, StorageError } from '@stowage/core';
import { type GuardedClient, guardedClient } from './guarded-fetch/index.ts';
import type { HttpOptions } from './http-options.ts';
import { HttpReader } from './http-reader.ts';
import { MAX_URL_BYTES, urlFault } from './url-key.ts';

const CAPABILITIES: Capabilities = {
  put: { absent: false, match: false, conditionalMultipart: false },
  deleteIf: false,
  copyIf: false,
  setHeaders: false,
  copy: 'none',
  rename: 'copy-delete',
  copyBatch: 1,
  deleteBatch: 1,
  list: { order: 'none', startAfter: false, until: false, delimiter: '/', maxPage: 1, unsupported: true },
  multipart: { minPart: 1, maxPart: 1, maxParts: 1, equalParts: false, abort: 'explicit' },
  checksums: { verifies: [], lists: [] },
  presign: [],
  tags: false,
  metadata: false,
  versions: false,
  keys: { maxBytes: MAX_URL_BYTES, nested: true, caseSensitive: true },
  lastModified: { set: false, precisionMs: 1000 },
  readOnly: true,
};

/** Public links as one bucket to read from: its keys are whole URLs. No I/O. Throws `Config` for options that cannot be used. */
export function httpDriver(options: HttpOptions = {}, bucket = 'public'): BucketDriver {
  const client: GuardedClient = guardedClient(options);
  const reader = new HttpReader(client, options);
  const refused = (operation: string, key?: string): StorageError =>
    new StorageError('Unsupported', `${operation}: public links are read, and nothing else`, {
      operation,
      provider: 'http',
      bucket,
      ...(key === undefined ? {} : { key }),
    });
  const refuse = (operation: string, key?: string): Promise<never> => Promise.reject(refused(operation, key));
  const driver: BucketDriver = {
    provider: 'http',
    bucket,
    capabilities: CAPABILITIES,
    checkKey: urlFault,
    head: (key, o) => reader.head(key, o),
    get: (key, o) => reader.get(key, o),
    put: (key) => refuse('put', key),
    startUpload: (key) => refuse('startUpload', key),
    resumeUpload: (ref) => refuse('resumeUpload', ref.key),
    // oxlint-disable-next-line require-yield -- there is nothing to give
    async *listUploads(): AsyncGenerator<never, void, undefined> {
      throw refused('listUploads');
    },
    deleteMany: async (items) => items.map(({ key }): DeleteOutcome => ({ key, ok: false, error: refused('delete', key) })),
    // oxlint-disable-next-line require-yield -- there is nothing to give
    async *list(): AsyncGenerator<never, void, undefined> {
      throw refused('list');
    },
    copyMany: async (items) => items.map(({ to }) => ({ key: to, ok: false, error: refused('copy', to) })),
    canCopyFrom: () => false,
    copySource: (key) => ({ driver, key }),
    setHeaders: (key) => refuse('setHeaders', key),
    presign: (key) => refuse('presign', key),
    // Whether a link may be read is told by reading it: there is no link to probe with.
    checkAccess: async () => ({ list: 'not-probed', read: 'not-probed', write: 'denied', delete: 'denied', 'list-uploads': 'denied' }),
    native: () => client,
    close: () => client.close(),
  };
  return driver;
}
