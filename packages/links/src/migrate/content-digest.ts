import { createHash } from 'node:crypto';
import { type Bucket, type Call, cheapestDigest, type ObjectInfo } from '@stowage/core';

/**
 * Where objects that were moved keep the SHA-256 of their content, in base64: stores keep none of what came in parts. Letters and digits
 * alone: Azure keeps no name with a dash, and proxies drop headers with an underscore.
 */
export const HASH_METADATA = 'stowagesha256';

/** Base64 of the SHA-256 of one revision of an object. Throws what the store throws. */
export async function hashOf(bucket: Bucket, info: ObjectInfo, call: Call): Promise<string> {
  const hash = createHash('sha256');
  await using object = await bucket.get(info.key, { ...call, ifMatch: info.revision });
  for await (const chunk of object) hash.update(chunk);
  return hash.digest('base64');
}

/**
 * Whether an object at the target has this content: by the SHA-256 that its store or its metadata keeps, else by another checksum
 * that its store keeps, for which the source is read, else by reading it. Sizes are compared before.
 */
export async function hasContent(
  target: Bucket,
  there: ObjectInfo,
  source: { readonly bucket: Bucket; readonly info: ObjectInfo; readonly hash: string },
  call: Call,
): Promise<boolean> {
  if (there.size !== source.info.size) return false;
  const kept = there.checksums.sha256 ?? there.headers?.metadata?.[HASH_METADATA];
  if (kept !== undefined) return kept === source.hash;
  const digest = cheapestDigest(there.checksums);
  if (digest === undefined) return (await hashOf(target, there, call)) === source.hash;
  await using object = await source.bucket.get(source.info.key, { ...call, ifMatch: source.info.revision });
  for await (const chunk of object) digest.update(chunk);
  return digest.value() === there.checksums[digest.algorithm];
}
