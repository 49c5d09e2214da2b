import { createHash } from 'node:crypto';

export const KEY = 'films/long one.bin';
export const PARTS = 20;
export const LANES = 4;
const PART_BYTES = 512 * 1024;

/** Bytes of a part, no two of which are alike. */
export function partContent(index: number): Buffer {
  const bytes = Buffer.alloc(index === PARTS - 1 ? 12_345 : PART_BYTES, createHash('sha512').update(`part ${index}`).digest());
  bytes.writeUInt32BE(index);
  return bytes;
}

export function wholeHash(): string {
  const hash = createHash('sha256');
  for (let index = 0; index < PARTS; index++) hash.update(partContent(index));
  return hash.digest('hex');
}
