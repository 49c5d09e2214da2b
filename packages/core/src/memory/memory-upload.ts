import type { CompleteOptions, Upload, UploadedPart, UploadRef } from '../driver.ts';
import type { ObjectHeaders, ObjectInfo } from '../object-info.ts';
import { StorageError } from '../storage-error.ts';

/** An unfinished upload as it is kept. */
export interface MemoryUpload {
  readonly ref: UploadRef;
  readonly headers: ObjectHeaders;
  readonly parts: Map<number, { readonly bytes: Uint8Array; readonly token: string }>;
}

/** Where uploads live while they are unfinished, and how one becomes an object. */
export interface UploadHost {
  readonly uploads: Map<string, MemoryUpload>;
  nextToken(): string;
  commit(upload: MemoryUpload, bytes: Uint8Array, o: CompleteOptions): ObjectInfo;
}

/** A handle on an unfinished upload; several may be open on one. */
export function memoryUpload(host: UploadHost, { ref }: MemoryUpload): Upload {
  let settled = false;
  const held = (): MemoryUpload => {
    const upload = host.uploads.get(ref.id);
    if (upload === undefined || upload.ref.key !== ref.key)
      throw new StorageError('NotFound', `the upload ${JSON.stringify(ref.id)} of ${JSON.stringify(ref.key)} was completed, aborted or never begun`, {
        key: ref.key,
      });
    return upload;
  };
  return {
    ref,
    async part(index, bytes, o): Promise<UploadedPart> {
      o?.signal?.throwIfAborted();
      const token = host.nextToken();
      // `slice` of a Buffer is a view of the caller's memory.
      held().parts.set(index, { bytes: new Uint8Array(bytes), token });
      return { index, size: bytes.byteLength, token };
    },
    async parts(o): Promise<readonly UploadedPart[]> {
      o?.signal?.throwIfAborted();
      return [...held().parts].map(([index, { bytes, token }]) => ({ index, size: bytes.byteLength, token })).sort((a, b) => a.index - b.index);
    },
    async complete(parts, o = {}): Promise<ObjectInfo> {
      o.signal?.throwIfAborted();
      const upload = held();
      const info = host.commit(upload, Buffer.concat(orderedParts(upload, parts)), o);
      host.uploads.delete(ref.id);
      settled = true;
      return info;
    },
    async abort(o): Promise<void> {
      o?.signal?.throwIfAborted();
      host.uploads.delete(ref.id);
      settled = true;
    },
    detach(): UploadRef {
      settled = true;
      return ref;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (!settled) host.uploads.delete(ref.id);
      settled = true;
    },
  };
}

function orderedParts(upload: MemoryUpload, parts: readonly UploadedPart[]): Uint8Array[] {
  const { key } = upload.ref;
  const ordered = [...parts].sort((a, b) => a.index - b.index);
  return ordered.map((part, position) => {
    if (part.index !== position)
      throw new StorageError('InvalidArgument', `the parts of ${JSON.stringify(key)} must run from 0 without a gap: part ${position} is missing`, { key });
    const held = upload.parts.get(part.index);
    if (held?.token !== part.token)
      throw new StorageError('InvalidArgument', `part ${part.index} of ${JSON.stringify(key)} is not the one that the store holds; ask parts() for those`, {
        key,
      });
    return held.bytes;
  });
}
