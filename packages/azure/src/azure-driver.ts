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
  type ObjectHeaders,
  type ObjectInfo,
  pickHeaders,
  type PresignedRequest,
  type PresignOptions,
  type PutOptions,
  type Revision,
  StorageError,
  type Upload,
  type UploadRef,
} from '@stowage/core';
import {
  ChunkReader,
  conditionKind,
  inParallel,
  isBytes,
  partSizeFor,
  type Piece,
  piecesOf,
  piecesOfStream,
  sendPieces,
  type SendPlan,
  signalOf,
  writeConditionHeaders,
} from '@stowage/wire';
import { probeAccess } from './access-probe.ts';
import { type AzureOptions, type AzureSettings, azureSettings } from './azure-options.ts';
import { capabilitiesOf, checkBlobKey } from './blob-limits.ts';
import { newUpload, resumeUpload, startUpload } from './block-upload.ts';
import { checksumsOf, modifiedOf, revisionOf } from './convert-answer.ts';
import { keptHeaders, requestHeaders } from './convert-headers.ts';
import { COPY_RULES, copyFromOther, copyInAccount, type CopyRules } from './copy-blob.ts';
import { deleteBlobs } from './delete-blobs.ts';
import { listPages, listUploads } from './list-blobs.ts';
import { pick } from './pick.ts';
import { BlobPresigner } from './presign-blob.ts';
import { getBlob, headBlob } from './read-blob.ts';
import { containerClient } from './sdk-client.ts';
import { setHeaders } from './set-headers.ts';
import { StoreConnection } from './wire/store-connection.ts';

/** Copies of several blobs at once, should more than one be given. */
const COPIES_AT_ONCE = 8;

/** One container of Azure Blob Storage. No I/O. Throws `Config` where an option cannot work. */
export function azureDriver(options: AzureOptions, container: string): BucketDriver {
  return new AzureDriver(options, container);
}

export class AzureDriver implements BucketDriver {
  readonly provider = 'azure';
  readonly bucket: string;
  readonly capabilities: Capabilities;
  readonly store: StoreConnection;
  readonly presigner: BlobPresigner;
  readonly #settings: AzureSettings;
  readonly #signIn: AzureOptions['signIn'];
  readonly #copies: CopyRules;

  constructor(options: AzureOptions, container: string, copies: CopyRules = COPY_RULES) {
    this.bucket = container;
    this.#signIn = options.signIn;
    this.#settings = azureSettings(options);
    this.capabilities = capabilitiesOf(this.#settings);
    this.store = new StoreConnection(this.#settings, container);
    this.presigner = new BlobPresigner(this.store);
    this.#copies = copies;
  }

  checkKey(key: string): string | undefined {
    return checkBlobKey(key);
  }

  head(key: string, o: HeadOptions): Promise<ObjectInfo> {
    return headBlob(this.store, key, o);
  }

  get(key: string, o: GetOptions): Promise<DriverObject> {
    return getBlob(this.store, key, o);
  }

  async put(key: string, body: DriverBody, o: PutOptions): Promise<ObjectInfo> {
    const partSize = partSizeFor(o.partSize ?? this.#settings.partSize, o.size ?? (isBytes(body) ? body.byteLength : undefined), this.capabilities.multipart);
    const plan = { concurrency: o.concurrency ?? this.#settings.concurrency, ...pick('signal', o.signal), ...pick('onProgress', o.onProgress) };
    if (isBytes(body))
      return body.byteLength <= partSize ? await this.#putAtOnce(key, body, o) : await this.#putInBlocks(key, piecesOf(body, partSize), plan, o);
    const reader = new ChunkReader(body);
    try {
      const first = await reader.next(partSize, o.size);
      if (first.last) return await this.#putAtOnce(key, first.bytes, o);
      return await this.#putInBlocks(key, piecesOfStream(reader, first.bytes, partSize, this.capabilities.multipart), plan, o);
    } finally {
      await reader.close();
    }
  }

  async #putAtOnce(key: string, bytes: Uint8Array, o: PutOptions): Promise<ObjectInfo> {
    const kept = pickHeaders(o);
    const md5 = o.checksum?.md5;
    const headers = {
      ...requestHeaders(kept, key),
      'x-ms-blob-type': 'BlockBlob',
      ...writeConditionHeaders(o.if),
      ...(md5 === undefined ? {} : { 'content-md5': md5 }),
    };
    const context = this.store.context('put', key, { condition: conditionKind(o.if), ownChecksum: md5 !== undefined });
    const answered = await this.store.done({ ...signalOf(o), method: 'PUT', key, headers, body: bytes, right: 'create', context });
    o.onProgress?.(bytes.byteLength);
    return {
      key,
      size: bytes.byteLength,
      lastModified: modifiedOf(answered),
      revision: revisionOf(answered),
      checksums: checksumsOf(answered),
      headers: keptHeaders(kept),
    };
  }

  async #putInBlocks(key: string, pieces: AsyncIterable<Piece>, plan: SendPlan, o: PutOptions): Promise<ObjectInfo> {
    const upload = newUpload(this.store, key, pickHeaders(o));
    const parts = await sendPieces(upload, pieces, plan);
    try {
      // The checksums were compared with the content on its way here; the MD5 is kept with the blob.
      return await upload.commit(parts, { ...signalOf(o), ...pick('if', o.if) }, o.checksum?.md5);
    } catch (error) {
      if (!isStorageError(error, 'NotFound')) throw error;
      throw new StorageError('Unavailable', `another write of ${JSON.stringify(key)} ended first, which drops the blocks of this one; write it again`, { key });
    }
  }

  startUpload(key: string, o: ObjectHeaders & Call): Promise<Upload> {
    return startUpload(this.store, key, pickHeaders(o), signalOf(o));
  }

  resumeUpload(ref: UploadRef, o: Call): Promise<Upload> {
    return resumeUpload(this.store, ref, signalOf(o));
  }

  listUploads(o: { readonly prefix?: string } & Call): AsyncIterable<UploadRef> {
    return listUploads(this.store, o.prefix ?? '', signalOf(o));
  }

  deleteMany(items: readonly DeleteItem[], o: Call): Promise<readonly DeleteOutcome[]> {
    return deleteBlobs(this.store, items, signalOf(o));
  }

  list(o: ListOptions): AsyncIterable<ListPage> {
    return listPages(this.store, o);
  }

  copyMany(items: readonly CopyItem[], o: Call): Promise<readonly CopyOutcome[]> {
    return inParallel(items, COPIES_AT_ONCE, async (item): Promise<CopyOutcome> => {
      try {
        return { key: item.to, ok: true, info: await this.#copy(item, signalOf(o)) };
      } catch (error) {
        if (isStorageError(error)) return { key: item.to, ok: false, error };
        throw error;
      }
    });
  }

  async #copy(item: CopyItem, o: Call): Promise<ObjectInfo> {
    const { driver, key, version } = item.from;
    if (!(driver instanceof AzureDriver) || !this.#sharesAccount(driver)) return await copyFromOther(this.store, item, this.#copies, o);
    const source = await driver.head(key, { ...o, ...pick('version', version) });
    return await copyInAccount(this.store, item, { store: driver.store, presigner: driver.presigner, key, version }, source, this.#copies, o);
  }

  canCopyFrom(other: BucketDriver): boolean {
    if (other instanceof AzureDriver && this.#sharesAccount(other)) return true;
    return this.#settings.copyFromUrls && other.capabilities.presign.includes('GET');
  }

  /** The source is read with its own credentials, whichever these are. */
  #sharesAccount(other: AzureDriver): boolean {
    const mine = this.#settings.endpoint;
    return other.#settings.endpoint.href === mine.href && other.#settings.account === this.#settings.account;
  }

  copySource(key: string): CopySource {
    return { driver: this, key };
  }

  async setHeaders(key: string, headers: ObjectHeaders, o: Call & { readonly if?: Revision }): Promise<ObjectInfo> {
    const current = await this.head(key, { ...signalOf(o), ...pick('ifMatch', o.if) });
    return await setHeaders(this.store, current, headers, o.if, signalOf(o));
  }

  presign(key: string, o: PresignOptions): Promise<PresignedRequest> {
    return this.presigner.presign(key, o);
  }

  checkAccess(o: Call): Promise<AccessReport> {
    return probeAccess(this.store, o);
  }

  /** A promise of the SDK's `ContainerClient`, which is loaded when it is first asked for. */
  native(): unknown {
    return containerClient(this.store, this.#signIn.kind === 'account-key' ? this.#signIn.key : undefined);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
