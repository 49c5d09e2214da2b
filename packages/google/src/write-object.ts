import { randomUUID } from 'node:crypto';
import { type Call, type Checksums, type ObjectHeaders, type ObjectInfo, StorageError, type WriteCondition } from '@stowage/core';
import { conditionKind, signalOf } from '@stowage/wire';
import { generationMatch } from './conditions.ts';
import { resourceFrom } from './convert-headers.ts';
import { listedInfo, type ObjectResource, WRITTEN_FIELDS } from './convert-object.ts';
import { crc32cOf, crc32cText } from './crc32c.ts';
import { named } from './read-object.ts';
import type { ServiceClient } from './service-client.ts';

export interface WriteOptions extends Call {
  readonly headers: ObjectHeaders;
  readonly if?: WriteCondition | undefined;
  readonly checksum?: Checksums | undefined;
}

/** Below it one buffer is cheaper than three pieces. */
const JOINED = 256 * 1024;

/** Content in one request, with its CRC32C and the caller's MD5, which the service compares: https://cloud.google.com/storage/docs/uploads-downloads */
export async function insertObject(client: ServiceClient, key: string, bytes: Uint8Array, o: WriteOptions, operation: string = 'put'): Promise<ObjectInfo> {
  const crc32c = crc32cText(crc32cOf(bytes));
  assertOwn(key, crc32c, o.checksum);
  const { md5 } = o.checksum ?? {};
  const resource = resourceFrom(o.headers, key);
  const boundary = `stowage-${randomUUID()}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify({ name: key, ...resource, crc32c, ...(md5 === undefined ? {} : { md5Hash: md5 }) })}` +
      `\r\n--${boundary}\r\nContent-Type: ${resource.contentType}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const context = client.context(operation, key, { condition: conditionKind(o.if), ownChecksum: md5 !== undefined });
  const written = await client.json<ObjectResource>({
    method: 'POST',
    path: client.uploadPath(),
    query: { uploadType: 'multipart', ifGenerationMatch: generationMatch(o.if), fields: WRITTEN_FIELDS },
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: bytes.byteLength <= JOINED ? Buffer.concat([head, bytes, tail]) : [head, bytes, tail],
    context,
    ...signalOf(o),
  });
  return writtenInfo(key, named(written, context), o.headers);
}

/** The service tells what it has; the headers are those that were sent. */
export function writtenInfo(key: string, resource: ObjectResource, headers: ObjectHeaders): ObjectInfo {
  return { ...listedInfo(resource), key, headers: { contentType: 'application/octet-stream', ...headers } };
}

/** A CRC32C that the caller named is compared here, before the last byte leaves: nobody else has computed it. */
export function assertOwn(key: string, crc32c: string, checksum: Checksums | undefined): void {
  const expected = checksum?.crc32c;
  if (expected !== undefined && expected !== crc32c)
    throw new StorageError('ChecksumMismatch', `the content of ${JSON.stringify(key)} has crc32c ${crc32c}, expected ${expected}`, { key, retryable: false });
}
