import {
  assertReadConditions,
  type ByteRange,
  type Call,
  type Digest,
  type DriverObject,
  type GetOptions,
  type HeadOptions,
  type ObjectInfo,
  StorageError,
} from '@stowage/core';
import { headerOf, signalOf } from '@stowage/wire';
import { generationOf, needsLook } from './conditions.ts';
import { HEAD_FIELDS, infoOf, type ObjectResource, readAnswer, type ReadAnswer } from './convert-object.ts';
import { Crc32cDigest } from './crc32c.ts';
import { type FaultContext, notGoogle } from './google-error.ts';
import type { ServiceClient } from './service-client.ts';

/** The object's resource, as it is now or in the version named. */
export async function lookAt(client: ServiceClient, key: string, o: Call & { readonly version?: string }, operation: string = 'head'): Promise<ObjectResource> {
  const request = {
    method: 'GET' as const,
    path: client.objectPath(key),
    query: { fields: HEAD_FIELDS, generation: o.version },
    context: client.context(operation, key),
    ...signalOf(o),
  };
  return named(await client.json<ObjectResource>(request), request.context);
}

export async function headObject(client: ServiceClient, key: string, o: HeadOptions, operation?: string): Promise<ObjectInfo> {
  const info = { ...infoOf(await lookAt(client, key, o, operation)), key };
  assertReadConditions(key, info, o);
  return info;
}

/**
 * Bytes come through the XML API: the JSON API's media downloads leave metadata out. Google keeps content encodings, but unpacks gzip
 * for whoever does not say that it takes it: https://cloud.google.com/storage/docs/transcoding
 */
export async function openObject(client: ServiceClient, key: string, o: GetOptions): Promise<DriverObject> {
  // Judged here, and pinned: the bytes are of the generation that was looked at.
  const looked = needsLook(o) ? await headObject(client, key, o, 'get') : undefined;
  const wanted = looked?.revision ?? o.ifMatch;
  const context = client.context('get', key, o.ifMatch === undefined ? {} : { condition: 'revision' });
  const { status, headers, body } = await client.send({
    method: 'GET',
    path: client.xmlPath(key),
    ...(o.version === undefined ? {} : { query: { generation: o.version } }),
    headers: {
      'accept-encoding': 'gzip',
      ...(o.range === undefined ? {} : { range: rangeHeader(o.range) }),
      ...(wanted === undefined ? {} : { 'x-goog-if-generation-match': generationOf(wanted) }),
    },
    context,
    ...signalOf(o),
  });
  try {
    const answer = readAnswer(key, headers);
    if (answer === undefined) throw notGoogle(context, status, headerOf(headers, 'content-type'));
    assertReadConditions(key, answer.info, o.ifMatch === undefined ? {} : { ifMatch: o.ifMatch });
    assertAsStored(context, answer, headers['x-guploader-response-body-transformations'] !== undefined, status, o.range);
    const info = answer.foreignText ? { ...answer.info, headers: (await headObject(client, key, versionOf(answer, o))).headers ?? {} } : answer.info;
    const { range } = answer;
    body.expected = range.end - range.start;
    body.explain = (error): unknown => client.failure(error, context, o.signal);
    return { info, range, body, ...(answer.crc32c === undefined ? {} : { digest: (): Digest => new Crc32cDigest() }), close: async () => body.close() };
  } catch (error) {
    body.close();
    throw error;
  }
}

function versionOf({ info }: ReadAnswer, o: GetOptions): HeadOptions {
  return { ...signalOf(o), version: generationOf(info.revision) };
}

function rangeHeader(range: ByteRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`;
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
}

/** What was changed on its way is not what is stored: sizes, ranges and checksums would all be wrong. */
function assertAsStored(context: FaultContext, { info }: ReadAnswer, transformed: boolean, status: number, range: ByteRange | undefined): void {
  if (transformed)
    throw new StorageError(
      'Unavailable',
      `${context.endpoint} unpacked ${JSON.stringify(info.key)} on its way; a proxy between may drop the Accept-Encoding header`,
      { status },
    );
  if (range === undefined) return;
  // Emulators answer a suffix of nothing with nothing.
  if (info.size === 0) throw new StorageError('InvalidRange', `${JSON.stringify(info.key)} has no bytes, so no range of it can be read`, { status });
  if (status === 206) return;
  const all = 'suffix' in range ? range.suffix >= info.size : range.start === 0 && (range.end ?? info.size) >= info.size;
  if (!all)
    throw new StorageError(
      'Unavailable',
      `the service answered a read of a range of ${JSON.stringify(info.key)} with all of it; a proxy between may drop the Range header`,
      {
        status,
      },
    );
}

/** An answer without a generation is none of Cloud Storage's. */
export function named<T extends Pick<ObjectResource, 'generation'>>(resource: T, context: FaultContext): T {
  if (typeof resource !== 'object' || resource === null || typeof resource.generation !== 'string') throw notGoogle(context, 200, undefined);
  return resource;
}
