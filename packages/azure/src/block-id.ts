/**
 * Names of blocks. All blocks of one blob must have names of one length; these say whose upload they are and where they stand, so that a
 * block that is sent again takes the place of the one before, and a list of blocks tells what is there.
 *
 * 24 bytes: `STWG`, 16 bytes of the upload (its time in milliseconds in the first 6, chance in the rest), 4 bytes of the index.
 */
import { randomBytes } from 'node:crypto';
import { type ObjectHeaders, StorageError, type UploadRef } from '@stowage/core';
import { pick } from './pick.ts';

const MAGIC = Buffer.from('STWG');
const BYTES = 24;

/** In the place of the index: the upload was begun. */
export const STARTED = 0xffffffff;
/** In the place of the index: the upload was aborted. */
export const ABORTED = 0xfffffffe;

/** Blocks that this program did not name. */
const FOREIGN = 'uncommitted-blocks';

/** A new upload: 32 hex digits. */
export function newUploadId(now: number = Date.now()): string {
  const id = randomBytes(16);
  id.writeUIntBE(now, 0, 6);
  return id.toString('hex');
}

export function blockId(uploadId: string, index: number): string {
  const id = Buffer.alloc(BYTES);
  MAGIC.copy(id);
  id.write(uploadId, 4, 'hex');
  id.writeUInt32BE(index, 20);
  return id.toString('base64');
}

/** What a block's name says; undefined for one of another program. */
export function readBlockId(id: string): { readonly uploadId: string; readonly index: number } | undefined {
  const bytes = Buffer.from(id, 'base64');
  if (bytes.byteLength !== BYTES || !bytes.subarray(0, 4).equals(MAGIC)) return undefined;
  return { uploadId: bytes.toString('hex', 4, 20), index: bytes.readUInt32BE(20) };
}

/** The upload that a block belongs to. */
export function refOfBlocks(key: string, id: string): UploadRef & { readonly index?: number } {
  const known = readBlockId(id);
  if (known === undefined) return { key, id: FOREIGN };
  return { key, id: known.uploadId, startedAt: startOf(known.uploadId), index: known.index };
}

function startOf(uploadId: string): string {
  return new Date(Number.parseInt(uploadId.slice(0, 12), 16)).toISOString();
}

/** A reference holds the headers too: Azure is told of them at the end of an upload, which may be another process's. */
export function uploadRef(key: string, uploadId: string, headers: ObjectHeaders): UploadRef {
  const kept = Object.keys(headers).length === 0 ? '' : `.${Buffer.from(JSON.stringify(headers)).toString('base64url')}`;
  return { key, id: uploadId + kept, startedAt: startOf(uploadId) };
}

/** Throws `NotFound` for an id that no upload of this program has. */
export function readUploadRef({ key, id }: UploadRef): { readonly uploadId: string; readonly headers: ObjectHeaders } {
  const [, uploadId, kept] = /^([0-9a-f]{32})(?:\.([\w-]+))?$/.exec(id) ?? [];
  if (uploadId === undefined)
    throw new StorageError(
      'NotFound',
      id === FOREIGN
        ? `the blocks of ${JSON.stringify(key)} were sent by another program, which alone knows their order; they go with the next whole write, or after a week`
        : `there is no upload ${JSON.stringify(id.slice(0, 60))} of ${JSON.stringify(key)}`,
      { key },
    );
  return { uploadId, headers: kept === undefined ? {} : headersOf(key, kept) };
}

const TEXTS = ['contentType', 'cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage', 'storageClass'] as const;

function headersOf(key: string, kept: string): ObjectHeaders {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(kept, 'base64url').toString('utf8'));
  } catch {
    // Cut or changed by hand: it names no upload.
    throw new StorageError('NotFound', `the id of the upload of ${JSON.stringify(key)} was changed: its headers cannot be read`, { key });
  }
  const given = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const texts = Object.fromEntries(TEXTS.flatMap((name) => (typeof given[name] === 'string' ? [[name, given[name]]] : [])));
  return { ...texts, ...pick('metadata', textsOf(given['metadata'])), ...pick('tags', textsOf(given['tags'])) };
}

function textsOf(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
