import { createHash } from 'node:crypto';
import type { StoredObject } from '@stowage/core';
import { fileTypeFromBuffer } from 'file-type';
import { imageSize } from 'image-size';

/** What the content itself says. */
export interface ContentFacts {
  /** Base64 of the SHA-256. */
  readonly hash: string;
  readonly size: number;
  /** By the first bytes; undefined where they are of no known kind. */
  readonly mime?: string;
  /** Pixels; of images alone, and where the first bytes tell them. */
  readonly width?: number;
  readonly height?: number;
}

/** How much of the content is kept for its type and dimensions: past the previews and profiles that JPEGs begin with. */
const HEAD_BYTES = 256 * 1024;
const NRRD = Buffer.from('NRRD000');

/** Reads content once, from its first byte to its last, in memory of one chunk and {@link HEAD_BYTES}. */
export async function readFacts(object: StoredObject): Promise<ContentFacts> {
  const hash = createHash('sha256');
  const head: Uint8Array[] = [];
  let kept = 0;
  let size = 0;
  for await (const chunk of object) {
    hash.update(chunk);
    size += chunk.byteLength;
    if (kept < HEAD_BYTES) {
      head.push(chunk);
      kept += chunk.byteLength;
    }
  }
  const start = Buffer.concat(head).subarray(0, HEAD_BYTES);
  const mime = start.subarray(0, NRRD.length).equals(NRRD) ? 'image/nrrd' : (await fileTypeFromBuffer(start))?.mime;
  return { hash: hash.digest('base64'), size, ...(mime === undefined ? {} : { mime }), ...(mime?.startsWith('image/') ? dimensions(start) : {}) };
}

function dimensions(head: Uint8Array): { readonly width?: number; readonly height?: number } {
  try {
    const { width, height } = imageSize(head);
    return Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0 ? { width, height } : {};
  } catch {
    // A kind that has none, or one that keeps them at its end: they stay unknown.
    return {};
  }
}
