import {
  type Call,
  type CompleteOptions,
  isStorageError,
  type ObjectHeaders,
  type ObjectInfo,
  StorageError,
  type Upload,
  type UploadedPart,
  type UploadRef,
} from '@stowage/core';
import { type AnswerHeaders, conditionKind, orderedParts, UploadState, writeConditionHeaders } from '@stowage/wire';
import { ABORTED, blockId, newUploadId, readBlockId, readUploadRef, STARTED, uploadRef } from './block-id.ts';
import { blockListBody, heldBlocks, type HeldBlocks } from './block-list.ts';
import { MAX_BLOCK_BYTES, MAX_BLOCKS } from './blob-limits.ts';
import { modifiedOf, revisionOf } from './convert-answer.ts';
import { keptHeaders, requestHeaders } from './convert-headers.ts';
import { pick } from './pick.ts';
import type { StoreConnection } from './wire/store-connection.ts';

const MARK = Buffer.from('-');
/** What stands for a part of no bytes, which Azure has no block for. */
const EMPTY_PART = 'empty';

/** An upload that others can find: a block of one byte says that it was begun. */
export async function startUpload(store: StoreConnection, key: string, headers: ObjectHeaders, o: Call): Promise<BlockUpload> {
  const upload = newUpload(store, key, headers);
  await upload.mark(STARTED, o);
  return upload;
}

/** An upload that nobody else shall go on with: nothing is sent before its first block. */
export function newUpload(store: StoreConnection, key: string, headers: ObjectHeaders): BlockUpload {
  // Refused here, and not when everything has been sent.
  requestHeaders(headers, key);
  const uploadId = newUploadId();
  return new BlockUpload(store, uploadRef(key, uploadId, headers), uploadId, headers);
}

/** An upload of this or another process. Throws `NotFound` where the service holds none of its blocks. */
export async function resumeUpload(store: StoreConnection, ref: UploadRef, o: Call): Promise<BlockUpload> {
  const { uploadId, headers } = readUploadRef(ref);
  const upload = new BlockUpload(store, ref, uploadId, headers);
  await upload.assertHeld(o);
  return upload;
}

export class BlockUpload implements Upload {
  readonly ref: UploadRef;
  readonly #store: StoreConnection;
  readonly #uploadId: string;
  readonly #headers: ObjectHeaders;
  readonly #state: UploadState;

  constructor(store: StoreConnection, ref: UploadRef, uploadId: string, headers: ObjectHeaders) {
    this.#store = store;
    this.ref = ref;
    this.#state = new UploadState(ref.key);
    this.#uploadId = uploadId;
    this.#headers = headers;
  }

  async part(index: number, bytes: Uint8Array, o: Call = {}): Promise<UploadedPart> {
    const { key } = this.ref;
    if (!Number.isInteger(index) || index < 0 || index >= MAX_BLOCKS)
      throw new StorageError('InvalidArgument', `expected a part's index from 0 to ${MAX_BLOCKS - 1}, got ${index}`, { key });
    if (bytes.byteLength > MAX_BLOCK_BYTES)
      throw new StorageError(
        'InvalidArgument',
        `part ${index} of ${JSON.stringify(key)} has ${bytes.byteLength} bytes, at most ${MAX_BLOCK_BYTES} are allowed`,
        { key },
      );
    this.#state.assertOpen();
    if (bytes.byteLength === 0) return { index, size: 0, token: EMPTY_PART };
    const token = blockId(this.#uploadId, index);
    await this.#store.done(this.#blockRequest(token, { ...o, body: bytes }));
    return { index, size: bytes.byteLength, token };
  }

  /** A part that the service fetches by itself. `headers`: its source. */
  async partFrom(index: number, size: number, headers: Readonly<Record<string, string>>, o: Call): Promise<UploadedPart> {
    const token = blockId(this.#uploadId, index);
    await this.#store.done(this.#blockRequest(token, { ...o, headers }));
    return { index, size, token };
  }

  /** Leaves a block that says what happened to the upload, for whoever looks. */
  async mark(index: typeof STARTED | typeof ABORTED, o: Call): Promise<void> {
    await this.#store.done(this.#blockRequest(blockId(this.#uploadId, index), { ...o, body: MARK }));
  }

  #blockRequest(
    token: string,
    { body, headers = {}, ...o }: Call & { readonly body?: Uint8Array; readonly headers?: Readonly<Record<string, string>> },
  ): Parameters<StoreConnection['done']>[0] {
    const { key } = this.ref;
    const context = this.#store.context('part', key);
    return {
      ...pick('signal', o.signal),
      method: 'PUT',
      key,
      query: { comp: 'block', blockid: token },
      headers,
      ...pick('body', body),
      right: 'write',
      context,
    };
  }

  async parts(o: Call = {}): Promise<readonly UploadedPart[]> {
    this.#state.assertOpen();
    return this.#partsIn(await this.#held(o));
  }

  /** Throws `NotFound` where the upload is over. Who may not look takes it for open. */
  async assertHeld(o: Call): Promise<void> {
    let held: HeldBlocks;
    try {
      held = await this.#held(o);
    } catch (error) {
      if (isStorageError(error, 'AccessDenied')) return;
      throw error;
    }
    const indexes = held.uncommitted.flatMap(({ id }) => this.#indexOf(id) ?? []);
    if (indexes.length === 0 || indexes.includes(ABORTED)) throw this.#gone();
  }

  /** The blocks of several uploads of one key lie together, and a commit of any drops them all. */
  async complete(parts: readonly UploadedPart[], o: CompleteOptions = {}): Promise<ObjectInfo> {
    this.#state.assertOpen();
    const { key } = this.ref;
    if (o.checksum !== undefined)
      throw new StorageError('Unsupported', 'Azure compares no checksum of an upload\'s whole content; leave "checksum" out, or compare the object after', {
        key,
      });
    return await this.commit(parts, o, undefined);
  }

  /** As {@link complete}; `md5` is kept as that of the content, which the caller has compared. */
  async commit(parts: readonly UploadedPart[], o: CompleteOptions, md5: string | undefined): Promise<ObjectInfo> {
    const { key } = this.ref;
    const ordered = this.#ordered(parts);
    const ids = ordered.filter(({ size }) => size > 0).map(({ token }) => token);
    const context = this.#store.context('complete', key, { condition: conditionKind(o.if) });
    const headers = {
      ...requestHeaders(this.#headers, key),
      ...writeConditionHeaders(o.if),
      ...(md5 === undefined ? {} : { 'x-ms-blob-content-md5': md5 }),
      'content-type': 'application/xml',
    };
    const request = {
      ...pick('signal', o.signal),
      method: 'PUT' as const,
      key,
      query: { comp: 'blocklist' },
      headers,
      body: blockListBody(ids),
      right: 'write' as const,
      context,
    };
    let answered: AnswerHeaders;
    try {
      answered = await this.#store.done(request);
    } catch (error) {
      answered = await this.#settled(error, ids, o);
    }
    this.#state.completed();
    return {
      key,
      size: ordered.reduce((sum, part) => sum + part.size, 0),
      lastModified: modifiedOf(answered),
      revision: revisionOf(answered),
      checksums: md5 === undefined ? {} : { md5 },
      headers: keptHeaders(this.#headers),
    };
  }

  /**
   * Azure drops blocks that are not committed a week after the last one, and no sooner; a mark says that these are not wanted any more.
   * What is done here never touches the blob that may lie at the key.
   */
  async abort(o: Call = {}): Promise<void> {
    if (this.#state.hasEnded) return;
    await this.mark(ABORTED, o);
    this.#state.aborted();
  }

  detach(): UploadRef {
    this.#state.detach();
    return this.ref;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.isOpen) await this.abort();
  }

  #held(o: Call): Promise<HeldBlocks> {
    return heldBlocks(this.#store, this.ref.key, this.#store.context('parts', this.ref.key), pick('signal', o.signal));
  }

  /** The index in a block's name; undefined for a block of another upload. */
  #indexOf(id: string): number | undefined {
    const known = readBlockId(id);
    return known?.uploadId === this.#uploadId ? known.index : undefined;
  }

  #partsIn({ uncommitted }: HeldBlocks): UploadedPart[] {
    return uncommitted
      .flatMap(({ id, size }) => {
        const index = this.#indexOf(id);
        return index === undefined || index >= ABORTED ? [] : [{ index, size, token: id }];
      })
      .sort((a, b) => a.index - b.index);
  }

  #ordered(parts: readonly UploadedPart[]): UploadedPart[] {
    const { key } = this.ref;
    const ordered = orderedParts(key, parts);
    for (const [position, part] of ordered.entries()) {
      if (part.token !== (part.size === 0 ? EMPTY_PART : blockId(this.#uploadId, position)))
        throw new StorageError('InvalidArgument', `part ${position} of ${JSON.stringify(key)} is none of this upload; ask parts() for those`, { key });
    }
    return ordered;
  }

  /**
   * A commit whose answer was lost may have worked: the blob then is made of these very blocks, whose names nobody else uses. One that
   * lacks blocks which were sent is over, wholly or in part.
   */
  async #settled(error: unknown, ids: readonly string[], o: CompleteOptions): Promise<AnswerHeaders> {
    if (o.signal?.aborted === true || !isStorageError(error)) throw error;
    const lost = error.code === 'Unavailable' || error.code === 'Timeout';
    const missing = error.code === 'InvalidArgument' && error.status === 400;
    if ((!lost && !missing) || ids.length === 0) throw error;
    let held: HeldBlocks;
    try {
      held = await this.#held(o);
    } catch (looking) {
      // What cannot be looked at stays as it was told.
      if (isStorageError(looking)) throw error;
      throw looking;
    }
    if (held.committed.length === ids.length && held.committed.every(({ id }, i) => id === ids[i])) return held.headers;
    const left = new Set(this.#partsIn(held).map(({ token }) => token));
    if (missing && ids.some((id) => !left.has(id))) throw this.#gone();
    throw error;
  }

  #gone(): StorageError {
    return new StorageError(
      'NotFound',
      `the upload of ${JSON.stringify(this.ref.key)} is over: it was completed or aborted, another write of the key dropped its blocks, or they expired`,
      { key: this.ref.key },
    );
  }
}
