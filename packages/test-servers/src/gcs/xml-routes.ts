import { gunzipSync } from 'node:zlib';
import { ApiError, conditionNotMet, noSuchObject } from './api-error.ts';
import { Content, type HeldObject, type ObjectStore, type Writable } from './object-store.ts';
import { bodyChunks, type Exchange } from './request.ts';
import { assertHashes } from './uploads.ts';

/** The XML API's own names: https://cloud.google.com/storage/docs/xml-api/reference-headers */
const HEADER_OF = {
  contentType: 'content-type',
  cacheControl: 'cache-control',
  contentDisposition: 'content-disposition',
  contentEncoding: 'content-encoding',
  contentLanguage: 'content-language',
  storageClass: 'x-goog-storage-class',
  customTime: 'x-goog-custom-time',
} as const;

/** GET and HEAD: https://cloud.google.com/storage/docs/xml-api/get-object-download */
export async function readObject(exchange: Exchange, store: ObjectStore, bucket: string, name: string): Promise<void> {
  const { incoming, answer, query, method } = exchange;
  const held = store.get(bucket, name, query.get('generation') ?? undefined);
  assertMatch(incoming.headers['x-goog-if-generation-match'], held);
  await sendObject(exchange, held, headersOf(held));
  if (method === 'HEAD') answer.end();
}

/** The `alt=media` of the JSON API: the same bytes without the metadata (https://cloud.google.com/storage/docs/json_api/v1/objects/get). */
export async function readMedia(exchange: Exchange, store: ObjectStore, bucket: string, name: string): Promise<void> {
  const held = store.get(bucket, name, exchange.query.get('generation') ?? undefined);
  assertMatch(exchange.query.get('ifGenerationMatch') ?? undefined, held);
  const headers = Object.fromEntries(Object.entries(headersOf(held)).filter(([header]) => !header.startsWith('x-goog-meta-')));
  await sendObject(exchange, held, headers);
}

/** PUT: https://cloud.google.com/storage/docs/xml-api/put-object-upload */
export async function writeObject(exchange: Exchange, store: ObjectStore, bucket: string, name: string): Promise<void> {
  const { headers } = exchange.incoming;
  const content = new Content();
  await bodyChunks(exchange, (chunk) => content.add(chunk));
  const hashes = one(headers['x-goog-hash']) ?? '';
  assertHashes(content, /md5=([^,\s]+)/.exec(hashes)?.[1], /crc32c=([^,\s]+)/.exec(hashes)?.[1]);
  const held = store.put(bucket, name, content, propertiesOf(headers), { generationMatch: one(headers['x-goog-if-generation-match']) });
  exchange.answer.writeHead(200, { 'x-goog-generation': held.generation, etag: `"${held.md5Hash}"`, 'content-length': 0 }).end();
}

export function removeObject(exchange: Exchange, store: ObjectStore, bucket: string, name: string): void {
  store.delete(bucket, name, exchange.query.get('generation') ?? undefined, {
    generationMatch: one(exchange.incoming.headers['x-goog-if-generation-match']),
  });
  exchange.answer.writeHead(204).end();
}

function assertMatch(wanted: string | string[] | undefined, held: HeldObject): void {
  const generation = one(wanted);
  if (generation === '0') throw noSuchObject(held.bucket, held.name);
  if (generation !== undefined && generation !== held.generation) throw conditionNotMet();
}

function headersOf({ properties, generation, metageneration, crc32c, md5Hash, content, updated, componentCount }: HeldObject): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, header] of Object.entries(HEADER_OF)) {
    const value = properties[name as keyof typeof HEADER_OF];
    if (value !== undefined) out[header] = value;
  }
  // Header values are bytes; what is not ASCII comes as UTF-8.
  for (const [name, value] of Object.entries(properties.metadata ?? {})) out[`x-goog-meta-${name}`] = Buffer.from(value).toString('latin1');
  return {
    ...out,
    'x-goog-generation': generation,
    'x-goog-metageneration': String(metageneration),
    'x-goog-hash': `crc32c=${crc32c}${md5Hash === undefined ? '' : `,md5=${md5Hash}`}`,
    'x-goog-stored-content-length': String(content.size),
    'x-goog-stored-content-encoding': properties.contentEncoding ?? 'identity',
    'last-modified': updated.toUTCString(),
    etag: md5Hash === undefined ? `"-${generation}"` : `"${Buffer.from(md5Hash, 'base64').toString('hex')}"`,
    'accept-ranges': 'bytes',
    ...(componentCount === undefined ? {} : { 'x-goog-component-count': String(componentCount) }),
  };
}

async function sendObject({ incoming, answer, method }: Exchange, held: HeldObject, headers: Record<string, string>): Promise<void> {
  const { content, properties } = held;
  // https://cloud.google.com/storage/docs/transcoding: whoever does not take gzip gets it unpacked, whole and without a length.
  const gzip = properties.contentEncoding === 'gzip' && !/\bgzip\b/.test(one(incoming.headers['accept-encoding']) ?? '');
  if (gzip && !/no-transform/.test(properties.cacheControl ?? '')) {
    const { 'content-encoding': _, ...rest } = headers;
    answer.writeHead(200, { ...rest, 'x-guploader-response-body-transformations': 'gunzipped', warning: '214 UploadServer gunzipped' });
    if (method === 'GET') answer.end(gunzipSync(Buffer.concat(content.chunks)));
    return;
  }
  const range = rangeOf(one(incoming.headers.range), content.size);
  const { start, end } = range ?? { start: 0, end: content.size };
  answer.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${content.size}` }),
  });
  if (method !== 'GET') return;
  for (const slice of content.slices(start, end)) {
    if (answer.destroyed) return;
    if (!answer.write(slice)) await drained(answer);
  }
  answer.end();
}

function drained(answer: Exchange['answer']): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      answer.off('drain', settle).off('close', settle);
      resolve();
    };
    answer.on('drain', settle).on('close', settle);
  });
}

/** RFC 9110, 14.1.2; what is no range is left out of account. */
function rangeOf(header: string | undefined, size: number): { readonly start: number; readonly end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  if (start >= size) throw new ApiError(416, 'requestedRangeNotSatisfiable', 'The requested range cannot be satisfied.');
  const last = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return { start, end: last + 1 };
}

function propertiesOf(headers: Exchange['incoming']['headers']): Writable {
  const out: Record<string, unknown> = { contentType: 'application/octet-stream' };
  for (const [name, header] of Object.entries(HEADER_OF)) {
    const value = one(headers[header]);
    if (value !== undefined) out[name] = value;
  }
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (name.startsWith('x-goog-meta-')) metadata[name.slice(12)] = one(value) ?? '';
  return Object.keys(metadata).length === 0 ? out : { ...out, metadata };
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
