import { randomBytes } from 'node:crypto';
import { ApiError, invalid } from './api-error.ts';
import { assertConditions, Content, type Conditions, type HeldObject, type ObjectStore, type Writable } from './object-store.ts';
import { resourceOf, selected, writableOf } from './object-resource.ts';
import { answerJson, bodyBytes, bodyChunks, bodyJson, conditionsOf, type Exchange } from './request.ts';

/** Every chunk but the last is a multiple of it: https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload */
const CHUNK_UNIT = 256 * 1024;

type Wanted = Writable & { md5Hash?: string; crc32c?: string };

interface Session {
  readonly bucket: string;
  readonly name: string;
  readonly wanted: Wanted;
  readonly conditions: Conditions;
  readonly fields: string | null;
  content: Content;
  done: HeldObject | undefined;
}

/** The three ways of `objects.insert`: https://cloud.google.com/storage/docs/uploads-downloads */
export class Uploads {
  readonly #store: ObjectStore;
  readonly #sessions = new Map<string, Session>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async insert(exchange: Exchange, bucket: string): Promise<void> {
    const { query } = exchange;
    if (query.get('uploadType') === 'resumable') return await this.#begin(exchange, bucket);
    const conditions = conditionsOf(query);
    const { wanted, name, content } = query.get('uploadType') === 'media' ? await media(exchange) : await multipart(exchange);
    answerJson(exchange, selected(resourceOf(this.#keep(bucket, name, content, wanted, conditions)), query.get('fields')));
  }

  #keep(bucket: string, name: string, content: Content, { md5Hash, crc32c, ...properties }: Wanted, conditions: Conditions): HeldObject {
    assertHashes(content, md5Hash, crc32c);
    return this.#store.put(bucket, name, content, properties, conditions);
  }

  async #begin(exchange: Exchange, bucket: string): Promise<void> {
    const { incoming, query, answer } = exchange;
    const { name: named, ...wanted } = writableOf(await bodyJson(exchange));
    const name = query.get('name') ?? named;
    if (name === undefined) throw new ApiError(400, 'required', 'Required');
    const conditions = conditionsOf(query);
    assertConditions(this.#store.find(bucket, name), conditions);
    const type = incoming.headers['x-upload-content-type'];
    const id = randomBytes(24).toString('base64url');
    const contentType = wanted.contentType ?? (typeof type === 'string' ? type : 'application/octet-stream');
    const session = { bucket, name, wanted: { ...wanted, contentType }, conditions, fields: query.get('fields'), content: new Content(), done: undefined };
    this.#sessions.set(id, session);
    const location = `http://${incoming.headers.host}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`;
    answer.writeHead(200, { location, 'x-guploader-uploadid': id, 'content-length': 0 }).end();
  }

  /** A chunk, a question of how much is there, or an end. */
  async resume(exchange: Exchange): Promise<void> {
    const { incoming, query, method, answer } = exchange;
    const id = query.get('upload_id') ?? '';
    const session = this.#sessions.get(id);
    if (session === undefined) throw new ApiError(404, 'notFound', 'Upload session was not found.');
    if (method === 'DELETE') {
      this.#sessions.delete(id);
      answer.writeHead(499, { 'content-length': 0 }).end();
      return;
    }
    if (session.done !== undefined) {
      await bodyChunks(exchange, () => undefined);
      return answerJson(exchange, selected(resourceOf(session.done), session.fields));
    }
    const range = contentRange(incoming.headers['content-range']);
    await receive(exchange, session.content, range.start);
    const { content } = session;
    const ended = range.total !== undefined && content.size === range.total;
    if (!ended) {
      if (range.total !== undefined && content.size > range.total) throw invalid('More bytes than the total.');
      // Google's Go client takes no 308, and says so.
      const override = incoming.headers['x-guploader-no-308'] === undefined ? {} : { 'x-http-status-code-override': '308' };
      const headers = { ...override, ...(content.size === 0 ? {} : { range: `bytes=0-${content.size - 1}` }), 'content-length': 0 };
      answer.writeHead('x-http-status-code-override' in override ? 200 : 308, headers).end();
      return;
    }
    const sent = hashHeader(incoming.headers['x-goog-hash']);
    session.done = this.#keep(session.bucket, session.name, content, { ...session.wanted, ...sent }, session.conditions);
    answerJson(exchange, selected(resourceOf(session.done), session.fields));
  }
}

/** What the session has is never taken twice: bytes before its end are passed over, a gap is refused. */
async function receive(exchange: Exchange, content: Content, start: number | undefined): Promise<void> {
  if (start !== undefined && start > content.size) throw new ApiError(503, 'backendError', 'The chunk does not begin where the last one ended.');
  let over = start === undefined ? 0 : content.size - start;
  let pending: Buffer[] = [];
  let waiting = 0;
  const keep = (bytes: Buffer): void => {
    pending.push(bytes);
    waiting += bytes.byteLength;
    if (waiting < CHUNK_UNIT) return;
    const whole = Buffer.concat(pending);
    const kept = whole.byteLength - (whole.byteLength % CHUNK_UNIT);
    // A connection that breaks leaves multiples of the unit, as on the service.
    content.add(whole.subarray(0, kept));
    pending = [whole.subarray(kept)];
    waiting = whole.byteLength - kept;
  };
  await bodyChunks(exchange, (chunk) => {
    const passed = Math.min(over, chunk.byteLength);
    over -= passed;
    if (passed < chunk.byteLength) keep(chunk.subarray(passed));
  });
  const rest = Buffer.concat(pending);
  const total = contentRange(exchange.incoming.headers['content-range']).total;
  if (rest.byteLength > 0 && total === undefined) throw invalid(`A chunk that is not the last must be a multiple of ${CHUNK_UNIT} bytes.`);
  if (rest.byteLength > 0) content.add(rest);
}

function contentRange(header: string | undefined): { readonly start: number | undefined; readonly total: number | undefined } {
  if (header === undefined) return { start: 0, total: undefined };
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header);
  if (match === null) throw invalid(`Failed to parse Content-Range header.`);
  return { start: match[1] === undefined ? undefined : Number(match[1]), total: match[3] === '*' ? undefined : Number(match[3]) };
}

function hashHeader(header: string | string[] | undefined): { md5Hash?: string; crc32c?: string } {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const crc32c = /crc32c=([^,\s]+)/.exec(text)?.[1];
  const md5Hash = /md5=([^,\s]+)/.exec(text)?.[1];
  return { ...(crc32c === undefined ? {} : { crc32c }), ...(md5Hash === undefined ? {} : { md5Hash }) };
}

export function assertHashes(content: Content, md5Hash: string | undefined, crc32c: string | undefined): void {
  if (crc32c !== undefined && crc32c !== content.crc32c) throw invalid(`Provided CRC32C "${crc32c}" doesn't match calculated CRC32C "${content.crc32c}".`);
  if (md5Hash !== undefined && md5Hash !== content.md5) throw invalid(`Provided MD5 hash "${md5Hash}" doesn't match calculated MD5 hash "${content.md5}".`);
}

async function media(exchange: Exchange): Promise<{ wanted: Wanted; name: string; content: Content }> {
  const name = exchange.query.get('name');
  if (name === null) throw new ApiError(400, 'required', 'Required');
  const content = new Content();
  await bodyChunks(exchange, (chunk) => content.add(chunk));
  return {
    name,
    content,
    wanted: { contentType: exchange.incoming.headers['content-type'] ?? 'application/octet-stream', ...hashHeader(exchange.incoming.headers['x-goog-hash']) },
  };
}

/** `multipart/related`, two parts (RFC 2387): the resource, then the bytes. */
async function multipart(exchange: Exchange): Promise<{ wanted: Wanted; name: string; content: Content }> {
  const { incoming, query } = exchange;
  const boundary = /^multipart\/related;.*boundary="?([^";]+)"?/i.exec(incoming.headers['content-type'] ?? '')?.[1];
  if (query.get('uploadType') !== 'multipart' || boundary === undefined) throw invalid('Bad content type or uploadType.');
  const body = await bodyBytes(exchange);
  const opening = Buffer.from(`--${boundary}`);
  const first = body.indexOf(opening);
  const second = body.indexOf(`\r\n--${boundary}`, first + opening.byteLength);
  const closing = body.lastIndexOf(`\r\n--${boundary}--`);
  if (first !== 0 || second < 0 || closing <= second) throw invalid('Missing end boundary in multipart body.');
  const head = part(body.subarray(opening.byteLength, second));
  const data = part(body.subarray(second + 2 + opening.byteLength, closing));
  let parsed: unknown;
  try {
    parsed = JSON.parse(head.content.toString());
  } catch {
    throw invalid('Parse Error');
  }
  const { name: named, ...wanted } = writableOf(parsed);
  const name = query.get('name') ?? named;
  if (name === undefined) throw new ApiError(400, 'required', 'Required');
  if (wanted.contentType !== undefined && data.type !== undefined && wanted.contentType !== data.type)
    throw invalid('Content-Type specified in the upload does not match Content-Type specified in metadata.');
  const content = new Content();
  content.add(data.content);
  return { name, content, wanted: { contentType: data.type ?? 'application/octet-stream', ...wanted } };
}

function part(bytes: Buffer): { readonly type: string | undefined; readonly content: Buffer } {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) throw invalid('Bad multipart body.');
  return { type: /^content-type:\s*(.+?)\s*$/im.exec(bytes.toString('latin1', 0, end))?.[1], content: bytes.subarray(end + 4) };
}
