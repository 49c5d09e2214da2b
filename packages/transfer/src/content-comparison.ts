import { type Bucket, type Call, cheapestDigest, type ObjectInfo } from '@stowage/core';
import { listedRevision } from './copy-condition.ts';

/** What was found, and how many bytes had to be read for it. */
export interface ContentVerdict {
  readonly equal: boolean;
  readonly bytesRead: number;
}

/**
 * Whether two listed objects of one size have one content.
 *
 * Where one listing gives a checksum that can be computed here, only the other side is read. Otherwise both are read at once and
 * compared byte by byte: both streams pass through this process in any case, so that a hash would only add its own cost and, if
 * it is a fast one, a chance of error; and the first difference ends the reading. Reads name the listed revisions, and throw
 * what the stores throw. Without `trustChecksums`, both are read whatever the listings say.
 */
export async function sameContent(
  source: Bucket,
  destination: Bucket,
  from: ObjectInfo,
  to: ObjectInfo,
  call: Call,
  trustChecksums = true,
): Promise<ContentVerdict> {
  if (!trustChecksums) return sameBytes(source, destination, from, to, call);
  if (cheapestDigest(from.checksums) !== undefined) return matchesChecksum(destination, to, from, call);
  if (cheapestDigest(to.checksums) !== undefined) return matchesChecksum(source, from, to, call);
  return sameBytes(source, destination, from, to, call);
}

async function matchesChecksum(bucket: Bucket, info: ObjectInfo, { checksums }: ObjectInfo, call: Call): Promise<ContentVerdict> {
  const digest = cheapestDigest(checksums);
  const object = await bucket.get(info.key, { ...call, ...listedRevision(info) });
  for await (const chunk of object) digest?.update(chunk);
  return { equal: digest !== undefined && digest.value() === checksums[digest.algorithm], bytesRead: info.size };
}

async function sameBytes(source: Bucket, destination: Bucket, from: ObjectInfo, to: ObjectInfo, call: Call): Promise<ContentVerdict> {
  const a = await source.get(from.key, { ...call, ...listedRevision(from) });
  try {
    const b = await destination.get(to.key, { ...call, ...listedRevision(to) });
    try {
      return await compareStreams(a, b);
    } finally {
      await b[Symbol.asyncDispose]();
    }
  } finally {
    await a[Symbol.asyncDispose]();
  }
}

async function compareStreams(a: AsyncIterable<Uint8Array>, b: AsyncIterable<Uint8Array>): Promise<ContentVerdict> {
  const left = a[Symbol.asyncIterator]();
  const right = b[Symbol.asyncIterator]();
  let x: Uint8Array | undefined;
  let y: Uint8Array | undefined;
  let bytesRead = 0;
  for (;;) {
    [x, y] = await Promise.all([x ?? nextBytes(left), y ?? nextBytes(right)]);
    if (x === undefined || y === undefined) return { equal: x === y, bytesRead };
    const common = Math.min(x.byteLength, y.byteLength);
    bytesRead += 2 * common;
    if (Buffer.compare(x.subarray(0, common), y.subarray(0, common)) !== 0) return { equal: false, bytesRead };
    x = common === x.byteLength ? undefined : x.subarray(common);
    y = common === y.byteLength ? undefined : y.subarray(common);
  }
}

/** The next chunk that holds anything; undefined at the end. */
async function nextBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return undefined;
    if (next.value.byteLength > 0) return next.value;
  }
}
