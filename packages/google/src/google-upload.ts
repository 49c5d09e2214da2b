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
import { conditionKind, inParallel, orderedParts, signalOf, UploadState } from '@stowage/wire';
import { generationMatch } from './conditions.ts';
import { resourceFrom } from './convert-headers.ts';
import { LISTED_FIELDS, type ObjectResource, WRITTEN_FIELDS } from './convert-object.ts';
import { combinedCrc32c, crc32cText, crc32cValue } from './crc32c.ts';
import { deleteObjects } from './delete-objects.ts';
import { listPage, MAX_PAGE } from './list-objects.ts';
import { headObject, named } from './read-object.ts';
import { indexOfPart, OPEN, partName, partsPrefix } from './reserved-names.ts';
import type { ServiceClient } from './service-client.ts';
import { readMarker, writeMarker } from './upload-marker.ts';
import { assertOwn, insertObject, writtenInfo } from './write-object.ts';

/** Sources of one compose: https://cloud.google.com/storage/docs/composite-objects */
const MAX_SOURCES = 32;
/** What five digits and a reasonable tree of composes hold. */
export const MAX_PARTS = 10_000;

/** Begins an upload whose object shall have these headers. */
export async function startUpload(client: ServiceClient, key: string, headers: ObjectHeaders, o: Call): Promise<GoogleUpload> {
  return new GoogleUpload(client, await writeMarker(client, key, headers, o), headers);
}

/** An upload of this or another process. Throws `NotFound` where it was completed or aborted. */
export async function resumeUpload(client: ServiceClient, ref: UploadRef, o: Call): Promise<GoogleUpload> {
  const { headers } = await readMarker(client, ref, o, 'resumeUpload');
  return new GoogleUpload(client, ref, headers);
}

interface HeldPart {
  readonly name: string;
  readonly generation: string;
  readonly size: number;
  readonly crc32c: string;
}

/** Parts are objects of their own until one compose makes the object of them, under its condition. */
export class GoogleUpload implements Upload {
  readonly ref: UploadRef;
  readonly #client: ServiceClient;
  readonly #headers: ObjectHeaders;
  readonly #state: UploadState;

  constructor(client: ServiceClient, ref: UploadRef, headers: ObjectHeaders) {
    this.#client = client;
    this.ref = ref;
    this.#state = new UploadState(ref.key);
    this.#headers = headers;
  }

  async part(index: number, bytes: Uint8Array, o: Call = {}): Promise<UploadedPart> {
    if (!Number.isInteger(index) || index < 0 || index >= MAX_PARTS)
      throw new StorageError('InvalidArgument', `expected a part's index from 0 to ${MAX_PARTS - 1}, got ${index}`, { key: this.ref.key });
    this.#state.assertOpen();
    const { storageClass } = this.#headers;
    // Composed objects have the class of their components.
    const headers = storageClass === undefined ? {} : { storageClass };
    const { revision, checksums } = await insertObject(this.#client, partName(this.ref.id, index), bytes, { ...signalOf(o), headers }, 'part');
    return { index, size: bytes.byteLength, token: `${checksums.crc32c}.${revision.version}` };
  }

  async parts(o: Call = {}): Promise<readonly UploadedPart[]> {
    this.#state.assertOpen();
    const held = await this.#held(o);
    return [...held.entries()].map(([index, { size, crc32c, generation }]) => ({ index, size, token: `${crc32c}.${generation}` }));
  }

  async complete(parts: readonly UploadedPart[], o: CompleteOptions = {}): Promise<ObjectInfo> {
    this.#state.assertOpen();
    const { key, id } = this.ref;
    if (o.checksum !== undefined && Object.keys(o.checksum).some((name) => name !== 'crc32c'))
      throw new StorageError('Unsupported', 'of an upload in parts Google keeps crc32c alone; leave other checksums out, or compare the object after', { key });
    await readMarker(this.#client, this.ref, o, 'complete');
    const sources = this.#sources(parts, await this.#held(o));
    const whole = sources.reduce((sum, { crc32c, size }) => combinedCrc32c(sum, crc32cValue(crc32c) ?? 0, size), 0);
    assertOwn(key, crc32cText(whole), o.checksum);
    const size = sources.reduce((sum, part) => sum + part.size, 0);
    const written =
      sources.length === 0
        ? await insertObject(this.#client, key, new Uint8Array(), { ...signalOf(o), headers: this.#headers, if: o.if }, 'complete')
        : await this.#compose(await this.#gathered(id, sources, o), { size, crc32c: crc32cText(whole) }, o);
    this.#state.completed();
    await this.#cleared(o);
    return written;
  }

  async abort(o: Call = {}): Promise<void> {
    // The marker goes first: an upload without one is over, whatever of it is still to be removed.
    await deleteObjects(this.#client, [{ key: OPEN + this.ref.id }], signalOf(o));
    this.#state.aborted();
    await this.#removeParts(o);
  }

  detach(): UploadRef {
    this.#state.detach();
    return this.ref;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.isOpen) await this.abort();
  }

  /** By index, in order. */
  async #held(o: Call): Promise<Map<number, HeldPart>> {
    const held = new Map<number, HeldPart>();
    await this.#eachPart(o, ({ name, generation, size = '0', crc32c = '' }) => {
      const index = indexOfPart(this.ref.id, name);
      if (index !== undefined) held.set(index, { name, generation, size: Number(size), crc32c });
    });
    return held;
  }

  async #eachPart(o: Call, each: (resource: ObjectResource) => void): Promise<void> {
    let pageToken: string | undefined;
    do {
      const page = await listPage(
        this.#client,
        { ...signalOf(o), prefix: partsPrefix(this.ref.id), limit: MAX_PAGE, fields: LISTED_FIELDS, pageToken },
        'parts',
      );
      for (const item of page.items ?? []) each(item);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  /** The held parts that were named, in order; what is not held as it was named is refused. */
  #sources(parts: readonly UploadedPart[], held: ReadonlyMap<number, HeldPart>): HeldPart[] {
    const { key } = this.ref;
    return orderedParts(key, parts).map(({ index, token }) => {
      const part = held.get(index);
      if (part === undefined || `${part.crc32c}.${part.generation}` !== token)
        throw new StorageError(
          'InvalidArgument',
          `part ${index} of ${JSON.stringify(key)} is not held as it was named: it was sent again, or belongs to another upload`,
          { key },
        );
      return part;
    });
  }

  /** 32 at most, by composing the parts of each 32 before. */
  async #gathered(id: string, sources: readonly HeldPart[], o: Call, level: number = 1): Promise<readonly HeldPart[]> {
    if (sources.length <= MAX_SOURCES) return sources;
    const groups = Array.from({ length: Math.ceil(sources.length / MAX_SOURCES) }, (_, i) => sources.slice(i * MAX_SOURCES, (i + 1) * MAX_SOURCES));
    const { storageClass } = this.#headers;
    const gathered = await inParallel(groups, 8, async (group, i) => {
      const name = `${partsPrefix(id)}composed-${level}-${i}`;
      const made = await this.#composed(name, group, storageClass === undefined ? {} : { storageClass }, undefined, o);
      return { name, generation: made.generation, size: Number(made.size), crc32c: made.crc32c ?? '' };
    });
    return await this.#gathered(id, gathered, o, level + 1);
  }

  async #compose(sources: readonly HeldPart[], expected: { readonly size: number; readonly crc32c: string }, o: CompleteOptions): Promise<ObjectInfo> {
    const { key } = this.ref;
    try {
      const made = await this.#composed(key, sources, resourceFrom(this.#headers, key), o.if, o);
      return writtenInfo(key, made, this.#headers);
    } catch (error) {
      return await this.#settled(error, expected, o);
    }
  }

  async #composed(name: string, sources: readonly HeldPart[], destination: object, condition: CompleteOptions['if'], o: Call): Promise<ObjectResource> {
    const context = this.#client.context('complete', this.ref.key, { condition: conditionKind(condition) });
    const sourceObjects = sources.map(({ name: part, generation }) => ({ name: part, generation }));
    const made = await this.#client.json<ObjectResource>({
      method: 'POST',
      path: `${this.#client.objectPath(name)}/compose`,
      query: { ifGenerationMatch: generationMatch(condition), fields: WRITTEN_FIELDS },
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: Buffer.from(JSON.stringify({ sourceObjects, destination })),
      context,
      ...signalOf(o),
    });
    return named(made, context);
  }

  /** A completion whose answer was lost may have worked: the object that is there now decides. */
  async #settled(error: unknown, { size, crc32c }: { readonly size: number; readonly crc32c: string }, o: CompleteOptions): Promise<ObjectInfo> {
    const lost = isStorageError(error) && (error.code === 'Unavailable' || error.code === 'Timeout');
    if (!lost || o.signal?.aborted === true) throw error;
    let found: ObjectInfo;
    try {
      found = await headObject(this.#client, this.ref.key, signalOf(o), 'complete');
    } catch (looking) {
      // What cannot be looked at stays as it was told.
      if (isStorageError(looking)) throw error;
      throw looking;
    }
    const since = new Date(this.ref.startedAt ?? Date.now());
    // Same content from before this upload began is somebody else's.
    if (found.size !== size || found.checksums.crc32c !== crc32c || found.lastModified < since) throw error;
    return found;
  }

  /** Done is done: what cannot be removed now is found by `listUploads`, or by the bucket's lifecycle rule. */
  async #cleared(o: Call): Promise<void> {
    try {
      await deleteObjects(this.#client, [{ key: OPEN + this.ref.id }], signalOf(o));
      await this.#removeParts(o);
    } catch (error) {
      if (!isStorageError(error)) throw error;
    }
  }

  /** By generation, so that no noncurrent versions stay behind. */
  async #removeParts(o: Call): Promise<void> {
    const left: { key: string; version: string }[] = [];
    await this.#eachPart(o, ({ name, generation }) => left.push({ key: name, version: generation }));
    const outcomes = left.length === 0 ? [] : await deleteObjects(this.#client, left, signalOf(o));
    for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
  }
}
