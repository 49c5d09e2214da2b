import { createHash } from 'node:crypto';
import { StorageError, type UploadedPart } from '@stowage/core';

/** What a completion must name of each part. */
export interface PartMark {
  readonly etag: string;
  readonly crc32: string | undefined;
}

const TOKEN = /^("[^"]+")(?:;crc32=([A-Za-z0-9+/]{6}==))?$/;

export function partToken(etag: string, crc32: string | undefined): string {
  return crc32 === undefined ? etag : `${etag};crc32=${crc32}`;
}

export function readToken(key: string, { index, token }: UploadedPart): PartMark {
  const match = TOKEN.exec(token);
  if (match === null)
    throw new StorageError('InvalidArgument', `part ${index} of ${JSON.stringify(key)} is not one that the store named; ask parts() for those`, { key });
  return { etag: match[1] as string, crc32: match[2] };
}

/** The ETag of the object that these parts make, where theirs are MD5s: the MD5 of the MD5s, and their number. */
export function expectedEtag(marks: readonly PartMark[]): string | undefined {
  const hash = createHash('md5');
  for (const { etag } of marks) {
    if (!/^"[0-9a-f]{32}"$/.test(etag)) return undefined;
    hash.update(etag.slice(1, 33), 'hex');
  }
  return `"${hash.digest('hex')}-${marks.length}"`;
}
