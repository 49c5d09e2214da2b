import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BucketDriver, isStorageError, openBucket, type ObjectInfo, type ByteRange } from '@stowage/core';

/** Answers as a plain web server over a folder does: HEAD, GET, one range, conditions, and nothing else. Shares no code with the client. */
export async function serveStatic(files: BucketDriver, incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/', headers } = incoming;
  const key = decodeURIComponent(url.slice(1).split('?')[0] ?? '');
  if (method !== 'GET' && method !== 'HEAD') return void answer.writeHead(405, { allow: 'GET, HEAD' }).end();
  let info: ObjectInfo;
  try {
    info = await openBucket(files).head(key);
  } catch (error) {
    const status = isStorageError(error, 'NotFound') ? 404 : 500;
    return void answer.writeHead(status, { 'content-type': 'text/html' }).end('<h1>none</h1>');
  }
  const etag = `"${Buffer.from(info.revision.etag ?? '').toString('hex')}"`;
  const base = { etag, 'last-modified': info.lastModified.toUTCString(), 'accept-ranges': 'bytes' };
  const refused = refusalOf(headers, etag, info.lastModified);
  if (refused !== undefined) return void answer.writeHead(refused, base).end();
  const range = rangeOf(headers['range'], info.size);
  if (range === 'unsatisfiable') return void answer.writeHead(416, { ...base, 'content-range': `bytes */${info.size}` }).end();
  const { start, end } = range ?? { start: 0, end: info.size };
  answer.writeHead(range === undefined ? 200 : 206, {
    ...base,
    'content-type': info.headers?.contentType ?? 'application/octet-stream',
    'content-length': end - start,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${info.size}` }),
  });
  if (method === 'HEAD' || start === end) return void answer.end();
  const object = await openBucket(files).get(key, { verify: false, range: { start, end } satisfies ByteRange });
  object
    .toNode()
    .on('error', () => answer.destroy())
    .pipe(answer);
}

/** RFC 9110, 13.2.2, with times compared by the whole second. */
function refusalOf(headers: IncomingMessage['headers'], etag: string, lastModified: Date): number | undefined {
  const second = Math.floor(lastModified.getTime() / 1000);
  const at = (name: 'if-modified-since' | 'if-unmodified-since'): number => Math.floor(Date.parse(headers[name] ?? '') / 1000);
  if (headers['if-match'] !== undefined ? headers['if-match'] !== etag : second > at('if-unmodified-since')) return 412;
  if (headers['if-none-match'] !== undefined ? headers['if-none-match'] === etag : second <= at('if-modified-since')) return 304;
  return undefined;
}

function rangeOf(header: string | undefined, size: number): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (parts === null || (parts[1] === '' && parts[2] === '')) return undefined;
  const [, first = '', last = ''] = parts;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size);
  return start >= size || end <= start ? 'unsatisfiable' : { start, end };
}
