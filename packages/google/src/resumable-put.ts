import { type Call, isStorageError, type ObjectInfo, StorageError } from '@stowage/core';
import { conditionKind, headerOf, inAttempts, pause, pauseAfter, signalOf } from '@stowage/wire';
import { generationMatch } from './conditions.ts';
import { resourceFrom } from './convert-headers.ts';
import { type ObjectResource, WRITTEN_FIELDS } from './convert-object.ts';
import { crc32cOf, crc32cText } from './crc32c.ts';
import type { FaultContext } from './google-error.ts';
import { named } from './read-object.ts';
import type { ServiceClient } from './service-client.ts';
import { assertOwn, type WriteOptions, writtenInfo } from './write-object.ts';

/** One chunk of the content; all but the last are multiples of 256 KiB. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly last: boolean;
  /** Called when its memory may be used again. */
  readonly sent?: () => void;
}

export interface ResumableOptions extends WriteOptions {
  readonly size?: number | undefined;
  readonly onProgress?: ((bytesAccepted: number) => void) | undefined;
}

const ATTEMPTS = 5;
/** The service has all of these and wants more. */
const RESUME_INCOMPLETE = 308;

/**
 * Content in chunks through a resumable session, in one object from the first byte: invisible until its end, with the condition judged by
 * the service, and the CRC32C of the whole compared by it. A chunk that fails in a way that may pass is taken up where the service says.
 * The session's URI lets whoever knows it write this one object: it stays in this call's memory, is told nowhere, and ends with it.
 */
export async function putResumable(client: ServiceClient, key: string, chunks: AsyncIterable<Chunk>, o: ResumableOptions): Promise<ObjectInfo> {
  const context = client.context('put', key, { condition: conditionKind(o.if), ownChecksum: o.checksum !== undefined });
  const session = new Session(client, await beginning(client, key, o, context), context, o);
  try {
    let crc = 0;
    for await (const { bytes, last, sent } of chunks) {
      crc = crc32cOf(bytes, crc);
      if (last) assertOwn(key, crc32cText(crc), o.checksum);
      const written = await session.send(bytes, last ? crc32cText(crc) : undefined);
      sent?.();
      o.onProgress?.(session.accepted);
      if (written === undefined) continue;
      await assertWritten(client, key, written, crc32cText(crc), context);
      return writtenInfo(key, written, o.headers);
    }
    throw new StorageError('InvalidArgument', `the content of ${JSON.stringify(key)} ended without a last chunk`, { key });
  } catch (error) {
    await session.cancel();
    throw error;
  }
}

/** Nothing of the content has gone yet: what may pass is tried again. */
function beginning(client: ServiceClient, key: string, o: ResumableOptions, context: FaultContext): Promise<string> {
  return inAttempts(ATTEMPTS, o.signal, () => begin(client, key, o, context));
}

async function begin(client: ServiceClient, key: string, o: ResumableOptions, context: FaultContext): Promise<string> {
  const resource = resourceFrom(o.headers, key);
  const { md5 } = o.checksum ?? {};
  const headers = await client.done({
    method: 'POST',
    path: client.uploadPath(),
    query: { uploadType: 'resumable', ifGenerationMatch: generationMatch(o.if), fields: WRITTEN_FIELDS },
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-upload-content-type': resource.contentType ?? 'application/octet-stream',
      ...(o.size === undefined ? {} : { 'x-upload-content-length': String(o.size) }),
    },
    body: Buffer.from(JSON.stringify({ name: key, ...resource, ...(md5 === undefined ? {} : { md5Hash: md5 }) })),
    context,
    ...signalOf(o),
  });
  const location = URL.parse(headerOf(headers, 'location') ?? '', client.settings.endpoint.href);
  // The token goes along with every chunk: to nobody but the endpoint.
  if (location === null || location.origin !== client.settings.endpoint.origin)
    throw new StorageError('Unavailable', `${context.endpoint} began an upload at another host than its own; check endpoint, and proxies between`, { key });
  return location.pathname + location.search;
}

class Session {
  readonly #client: ServiceClient;
  readonly #path: string;
  readonly #context: FaultContext;
  readonly #call: Call;
  /** Bytes that the service has. */
  accepted = 0;

  constructor(client: ServiceClient, path: string, context: FaultContext, call: Call) {
    this.#client = client;
    this.#path = path;
    this.#context = context;
    this.#call = signalOf(call);
  }

  /** Until the service has the whole chunk. `crc32c`, of all content, comes with the last one; then the object is the answer. */
  async send(bytes: Uint8Array, crc32c: string | undefined): Promise<ObjectResource | undefined> {
    const start = this.accepted;
    const end = start + bytes.byteLength;
    let failures = 0;
    let asked = false;
    for (;;) {
      const from = this.accepted;
      try {
        const written = asked ? await this.#status() : await this.#chunk(bytes.subarray(from - start), end, crc32c);
        asked = false;
        if (written !== undefined) return written;
        if (this.accepted >= end && crc32c === undefined) return undefined;
        if (this.accepted < start)
          throw new StorageError('Unavailable', `${this.#context.endpoint} lost a part of the content that it had; write it again`, {
            key: this.#context.key ?? '',
            retryable: false,
          });
        // Taken in part: the rest goes again. Nothing taken counts as a failure, or it would never end.
        failures = this.accepted > from ? 0 : failures + 1;
        if (failures >= ATTEMPTS)
          throw new StorageError('Unavailable', `${this.#context.endpoint} does not take the content`, { key: this.#context.key ?? '' });
      } catch (error) {
        failures++;
        const wait = pauseAfter(error, failures, ATTEMPTS);
        if (wait === undefined) throw isStorageError(error) && failures > 1 ? error.with({ attempts: failures }) : error;
        await pause(wait, this.#call.signal);
        // What arrived is known to the service alone.
        asked = true;
      }
    }
  }

  /** Best effort: a session that nobody ends is dropped by the service after a week, and was never an object. */
  async cancel(): Promise<void> {
    const ended = this.#client
      .done({ method: 'DELETE', path: this.#path, context: this.#context, signal: AbortSignal.timeout(5_000), expected: [499, 404, 410] })
      .catch(() => undefined);
    // Whoever gave up does not wait for it.
    if (this.#call.signal?.aborted !== true) await ended;
  }

  #chunk(bytes: Uint8Array, end: number, crc32c: string | undefined): Promise<ObjectResource | undefined> {
    const range = bytes.byteLength === 0 ? '*' : `${this.accepted}-${end - 1}`;
    const headers = {
      'content-range': `bytes ${range}/${crc32c === undefined ? '*' : end}`,
      ...(crc32c === undefined ? {} : { 'x-goog-hash': `crc32c=${crc32c}` }),
    };
    return this.#put(headers, bytes);
  }

  #status(): Promise<ObjectResource | undefined> {
    return this.#put({ 'content-range': 'bytes */*' }, new Uint8Array());
  }

  async #put(headers: Record<string, string>, body: Uint8Array): Promise<ObjectResource | undefined> {
    const request = { method: 'PUT' as const, path: this.#path, headers, body, context: this.#context, expected: [RESUME_INCOMPLETE], ...this.#call };
    const answer = await this.#client.send(request);
    if (answer.status !== RESUME_INCOMPLETE) return named(await this.#client.readJson<ObjectResource>(answer, request), this.#context);
    const range = /^bytes=0-(\d+)$/.exec(headerOf(answer.headers, 'range') ?? '')?.[1];
    answer.body.close();
    this.accepted = range === undefined ? 0 : Number(range) + 1;
    return undefined;
  }
}

/** A service that does not compare the checksum itself: what it wrote wrongly is taken away again. */
async function assertWritten(client: ServiceClient, key: string, written: ObjectResource, crc32c: string, context: FaultContext): Promise<void> {
  if (written.crc32c === undefined || written.crc32c === crc32c) return;
  await client.done({ method: 'DELETE', path: client.objectPath(key), query: { generation: written.generation }, context, expected: [404] });
  throw new StorageError(
    'ChecksumMismatch',
    `the service has other content of ${JSON.stringify(key)} than was sent (crc32c ${written.crc32c}, sent ${crc32c}); it was removed`,
    {
      key,
      retryable: true,
    },
  );
}
