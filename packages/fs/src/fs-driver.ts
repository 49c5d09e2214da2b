import { availableParallelism } from 'node:os';
import * as nodeFs from 'node:fs';
import { basename, resolve } from 'node:path';
import {
  type AccessReport,
  type BucketDriver,
  type Call,
  type Capabilities,
  type CopyItem,
  type CopyOutcome,
  type CopySource,
  type DeleteItem,
  type DeleteOutcome,
  type DriverBody,
  type DriverObject,
  type GetOptions,
  type HeadOptions,
  isStorageError,
  type ListOptions,
  type ListPage,
  MAX_KEY_BYTES,
  type ObjectHeaders,
  type ObjectInfo,
  pickHeaders,
  type PutOptions,
  type Revision,
  StorageError,
  type Upload,
  type UploadRef,
} from '@stowage/core';
import { probeAccess } from './access.ts';
import { copyFiles, type CopyPlace } from './copying.ts';
import { CopyThreads } from './copy-threads.ts';
import { tryDelete } from './deleting.ts';
import { DiskWaits } from './disk-waits.ts';
import { type FileSystem, syncFolderIfThere } from './file-system.ts';
import { toStorageError } from './fs-error.ts';
import type { FsNative, FsOptions } from './fs-options.ts';
import { GroupSync } from './group-sync.ts';
import { listRoot, MAX_PAGE } from './listing.ts';
import { Uploads } from './multipart.ts';
import { NameFolding } from './name-folding.ts';
import { diskKeyFault, MAX_NAME_BYTES } from './names.ts';
import { removeEmptyOwnFolder } from './own-folder.ts';
import { type Place, placeOf, type Root } from './place.ts';
import { getFile, headFile } from './reading.ts';
import { openRoot } from './root.ts';
import { replaceHeaders } from './setting-headers.ts';
import { timePrecisionOf } from './time-precision.ts';
import { whileBusy } from './waiting.ts';
import { WalkThread } from './walk-thread.ts';
import { putFile } from './writing.ts';

/** Most files of one `copyMany`: enough that one wait for the disk is shared by many, and few enough to be watched. */
const COPY_BATCH = 1000;

function capabilitiesOf(timePrecisionMs: number, { constants }: FileSystem): Capabilities {
  return {
    put: { absent: 'native', match: 'native', conditionalMultipart: 'native' },
    deleteIf: 'native',
    copyIf: 'native',
    setHeaders: 'native',
    copy: 'account',
    rename: 'copy-delete',
    copyBatch: COPY_BATCH,
    deleteBatch: 1000,
    list: { order: 'utf8', startAfter: 'native', until: 'native', delimiter: 'any', maxPage: MAX_PAGE, serial: true },
    // A part is one buffer: 4 GiB is the most that Node makes by default.
    multipart: {
      minPart: 1,
      maxPart: 2 ** 32,
      maxParts: 1_000_000,
      equalParts: false,
      abort: 'explicit',
      ...(constants.O_DIRECT === undefined ? {} : { pageAligned: true }),
    },
    checksums: { verifies: [], lists: [] },
    presign: [],
    tags: 'native',
    metadata: 'native',
    versions: false,
    keys: { maxBytes: MAX_KEY_BYTES, maxSegmentBytes: MAX_NAME_BYTES, nested: false, caseSensitive: true },
    lastModified: { set: 'native', precisionMs: timePrecisionMs },
    readOnly: false,
  };
}

/** A folder as a bucket: every file in it is an object, every object a plain file. Before the first operation no more is done than to look at the folder's times. */
export function fsDriver(options: FsOptions): BucketDriver {
  if (process.platform === 'win32')
    throw new StorageError('Unsupported', 'folders on Windows are not supported: names, links and durable renames work differently there; use WSL', {
      provider: 'fs',
    });
  return new FsDriver(options);
}

class FsDriver implements BucketDriver {
  readonly provider = 'fs';
  readonly bucket: string;
  readonly capabilities: Capabilities;
  readonly #options: FsOptions;
  readonly #path: string;
  readonly #fs: FileSystem;
  readonly #durable: boolean;
  readonly #threads: number;
  #root: Root | undefined;
  #walkThread: WalkThread | undefined;
  #copyPlace: CopyPlace | undefined;
  #groupSync: GroupSync | undefined;
  #waits: DiskWaits | undefined;

  constructor(options: FsOptions) {
    this.#options = options;
    this.#path = resolve(options.root);
    this.bucket = options.bucket ?? basename(this.#path);
    this.#fs = options.fs ?? nodeFs;
    this.capabilities = capabilitiesOf(options.timePrecisionMs ?? (options.fs === undefined ? timePrecisionOf(this.#path) : 1), this.#fs);
    this.#durable = options.durability !== 'none';
    this.#threads = options.fs === undefined ? (options.threads ?? Math.min(4, availableParallelism())) : 0;
  }

  checkKey(key: string): string | undefined {
    return diskKeyFault(key, this.#path);
  }

  async head(key: string, o: HeadOptions): Promise<ObjectInfo> {
    return await this.#run('head', key, o, (root, place) => headFile(root, place, o));
  }

  async get(key: string, o: GetOptions): Promise<DriverObject> {
    const opened = await this.#run('get', key, o, (root, place) => getFile(root, place, o));
    return { ...opened, body: this.#told(opened.body, key, o) };
  }

  async put(key: string, body: DriverBody, o: PutOptions): Promise<ObjectInfo> {
    return await this.#run('put', key, o, (root, place) => putFile(root, place, body, o, this.#waitsAt(root)));
  }

  async startUpload(key: string, o: ObjectHeaders & Call): Promise<Upload> {
    return await this.#run('upload', key, o, (root) => this.#uploads(root).start(key, o));
  }

  async resumeUpload(ref: UploadRef, o: Call): Promise<Upload> {
    return await this.#run('upload', ref.key, o, (root) => this.#uploads(root).resume(ref));
  }

  async *listUploads(o: { readonly prefix?: string } & Call): AsyncGenerator<UploadRef, void, undefined> {
    yield* await this.#run('list', undefined, o, (root) => this.#uploads(root).list(o.prefix ?? ''));
  }

  async deleteMany(items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
    const root = await this.#run('delete', undefined, o, (opened) => opened);
    const outcomes: DeleteOutcome[] = [];
    const folders = new Set<string>();
    for (const item of items) {
      const { key } = item;
      try {
        const { folder } = await whileBusy(() => tryDelete(root, placeOf(root, key), item), o.signal);
        if (folder !== undefined) folders.add(folder);
        outcomes.push({ key, ok: true });
      } catch (error) {
        const failure = this.#failure(error, 'delete', key, o.signal);
        if (!isStorageError(failure)) throw failure;
        outcomes.push({ key, ok: false, error: failure });
      }
    }
    if (this.#durable) await this.#run('delete', undefined, o, () => this.#syncFolders(folders));
    return outcomes;
  }

  async *list(o: ListOptions): AsyncGenerator<ListPage, void, undefined> {
    try {
      const root = this.#open();
      if (this.#threads > 0) this.#walkThread ??= new WalkThread(root);
      yield* listRoot(root, this.#walkThread, this.#options.sweep ?? true, o);
    } catch (error) {
      throw this.#failure(error, 'list', undefined, o.signal);
    }
  }

  async copyMany(items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]> {
    return await this.#run('copy', undefined, o, (root) => {
      this.#copyPlace ??= {
        root,
        bucket: this.bucket,
        threads: this.#threads > 0 ? new CopyThreads(this.#threads) : undefined,
        groupSync: this.#groupSyncAt(root),
        durable: this.#durable,
      };
      return copyFiles(this.#copyPlace, items, o);
    });
  }

  canCopyFrom(other: BucketDriver): boolean {
    return other.provider === 'fs' && isNativeOf(other.native(), this.#fs);
  }

  copySource(key: string): CopySource {
    return { driver: this, key };
  }

  async setHeaders(key: string, headers: ObjectHeaders, o: Call & { readonly if?: Revision }): Promise<ObjectInfo> {
    return await this.#run('set-headers', key, o, (root, place) => replaceHeaders(root, place, pickHeaders(headers), o, this.#durable));
  }

  presign(key: string): Promise<never> {
    return Promise.reject(
      new StorageError('Unsupported', 'files have no URL that others could open; serve the folder over HTTP, or hand out a copy in a cloud bucket', {
        operation: 'presign',
        provider: 'fs',
        bucket: this.bucket,
        key,
      }),
    );
  }

  async checkAccess(o: Call): Promise<AccessReport> {
    return await this.#run('check-access', undefined, o, (root) => probeAccess(root));
  }

  native(): FsNative {
    return { root: this.#root?.path ?? this.#path, fs: this.#fs, followLinks: this.#options.symlinks !== 'skip' };
  }

  async close(): Promise<void> {
    await this.#walkThread?.close();
    await this.#copyPlace?.threads?.close();
    this.#groupSync?.close();
    if (this.#root !== undefined) removeEmptyOwnFolder(this.#fs, this.#root.path);
  }

  #open(): Root {
    return (this.#root ??= openRoot(this.#fs, this.#path, this.#options, new NameFolding()));
  }

  /** Undefined where nobody waits for the disk. */
  #waitsAt(root: Root): DiskWaits | undefined {
    return this.#durable ? (this.#waits ??= new DiskWaits(this.#fs, this.#groupSyncAt(root))) : undefined;
  }

  #groupSyncAt(root: Root): GroupSync {
    return (this.#groupSync ??= new GroupSync(this.#options.fs === undefined ? root.path : undefined));
  }

  #uploads(root: Root): Uploads {
    return new Uploads(root, this.#waitsAt(root), (error, operation, key, signal) => this.#failure(error, operation, key, signal));
  }

  async #syncFolders(folders: ReadonlySet<string>): Promise<void> {
    for (const folder of folders) await syncFolderIfThere(this.#fs, folder);
  }

  async #run<T>(operation: string, key: string | undefined, o: Call, work: (root: Root, place: Place) => T | Promise<T>): Promise<T> {
    try {
      const root = this.#open();
      return await work(root, placeOf(root, key ?? ''));
    } catch (error) {
      throw this.#failure(error, operation, key, o.signal);
    }
  }

  async *#told(body: AsyncIterable<Uint8Array>, key: string, o: Call): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body;
    } catch (error) {
      throw this.#failure(error, 'get', key, o.signal);
    }
  }

  #failure(error: unknown, operation: string, key: string | undefined, signal: AbortSignal | undefined): unknown {
    return toStorageError(error, { operation, bucket: this.bucket, ...(key === undefined ? {} : { key }) }, signal);
  }
}

/** Whether it is what this package's `native()` gives, over the same file system; also where it comes from another copy of this package. */
function isNativeOf(native: unknown, fs: FileSystem): boolean {
  return typeof native === 'object' && native !== null && 'root' in native && 'fs' in native && native.fs === fs;
}
