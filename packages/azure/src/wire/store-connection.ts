import type { Call } from '@stowage/core';
import { StorageError } from '@stowage/core';
import { type AnswerHeaders, encodedKey, encodedQuery, headerOf, type HttpAnswer, HttpPool, networkError, percentEncoded } from '@stowage/wire';
import type { AzureSettings } from '../azure-options.ts';
import { type FaultContext, serviceError } from '../azure-error.ts';
import { pick } from '../pick.ts';
import type { Right } from '../sign-in/sign-in.ts';
import { errorDocument } from '../xml/elements.ts';

/** Of an error's body, more is not read. */
const ERROR_BYTES = 64 * 1024;

/** One request of Blob Storage. */
export interface BlobRequest extends Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: the container itself. */
  readonly key?: string | undefined;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** What it needs to be allowed. */
  readonly right: Right;
  readonly context: FaultContext;
}

/**
 * Requests to one container: signed here and sent onto keep-alive connections. Everything goes this one way, so that signing, aborts,
 * errors and what they must not tell exist once.
 */
export class StoreConnection {
  readonly settings: AzureSettings;
  readonly bucket: string;
  readonly #pool: HttpPool;
  /** The path of the account, which an emulator has before the container's. */
  readonly #root: string;
  /** The path of the container. */
  readonly #container: string;
  /** The endpoint as messages name it. */
  readonly #shown: string;
  /** A token is known only once a request was signed. */
  readonly #secrets: () => readonly string[];

  constructor(settings: AzureSettings, bucket: string) {
    this.settings = settings;
    this.bucket = bucket;
    const { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ca, endpoint } = settings;
    this.#pool = new HttpPool(endpoint.origin, { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ...pick('ca', ca) });
    this.#root = endpoint.pathname === '/' ? '' : endpoint.pathname;
    this.#container = `${this.#root}/${percentEncoded(bucket)}`;
    this.#shown = endpoint.origin + this.#root;
    this.#secrets = (): readonly string[] => settings.signIn.secrets;
  }

  /** Made for every request: of plain properties, and of nothing that must be computed. */
  context(operation: string, key?: string, more: Pick<FaultContext, 'condition' | 'ownChecksum'> = NOTHING_MORE): FaultContext {
    const { condition, ownChecksum } = more;
    return { operation, bucket: this.bucket, key, endpoint: this.#shown, signIn: this.settings.signIn.kind, secrets: this.#secrets, condition, ownChecksum };
  }

  /** The path of a blob, or of the container. */
  path(key?: string): string {
    return key === undefined ? this.#container : `${this.#container}/${encodedKey(key)}`;
  }

  /** The service's own path: above the containers. */
  get servicePath(): string {
    return `${this.#root}/`;
  }

  /** The URL of a blob without any signature. */
  url(key: string): string {
    return this.settings.endpoint.origin + this.path(key);
  }

  /** Resolves with a success, whose body must be read or closed; anything else is thrown. */
  async send(request: BlobRequest, path: string = this.path(request.key)): Promise<HttpAnswer> {
    const { method, query = {}, headers = {}, body, right, context, signal } = request;
    signal?.throwIfAborted();
    const { signIn, serviceVersion } = this.settings;
    signIn.check(right);
    const unsigned = { method, path, query: { ...query }, headers: { ...headers, 'x-ms-version': serviceVersion }, length: body?.byteLength ?? 0 };
    let answer: HttpAnswer;
    try {
      const signing = signIn.sign(unsigned, signal);
      if (signing !== undefined) await signing;
      answer = await this.#pool.send({
        method,
        path: path + encodedQuery(unsigned.query),
        headers: unsigned.headers,
        ...pick('body', body ?? emptyBody(method)),
        signal,
      });
    } catch (error) {
      throw this.failure(error, context, signal);
    }
    if (answer.status < 300) return answer;
    throw await this.#refused(answer, context, signal);
  }

  /** The headers of an answer whose body says nothing. */
  async done(request: BlobRequest, path?: string): Promise<AnswerHeaders> {
    const { headers, body } = await this.send(request, path);
    await this.#bytes(body, request.context, request.signal);
    return headers;
  }

  /** The answer with its body as text. */
  async text(request: BlobRequest, path?: string): Promise<{ readonly text: string; readonly headers: AnswerHeaders; readonly status: number }> {
    const { headers, body, status } = await this.send(request, path);
    return { text: (await this.#bytes(body, request.context, request.signal)).toString('utf8'), headers, status };
  }

  /** What the caller is thrown for a failure underneath: the reason of an abort as it is, all else in words. */
  failure(error: unknown, context: FaultContext, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    return error instanceof StorageError ? error : networkError('azure', error, context);
  }

  /** An unsigned look, which every server answers, if only with a refusal: its clock, and whether it is there. */
  async look(signal: AbortSignal | undefined): Promise<AnswerHeaders> {
    const path = `${this.path()}?restype=container&comp=list&maxresults=1`;
    const { headers, body } = await this.#pool.send({ method: 'GET', path, headers: { 'x-ms-version': this.settings.serviceVersion }, signal });
    body.close();
    return headers;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #refused({ status, headers, body }: HttpAnswer, context: FaultContext, signal: AbortSignal | undefined): Promise<unknown> {
    const bytes = await this.#bytes(body, context, signal, ERROR_BYTES);
    const document = errorDocument(bytes);
    return serviceError(
      {
        status,
        code: headerOf(headers, 'x-ms-error-code') ?? document?.code ?? '',
        message: document?.message ?? '',
        detail: document?.detail,
        requestId: headerOf(headers, 'x-ms-request-id'),
        retryAfter: headerOf(headers, 'retry-after'),
        date: headerOf(headers, 'date'),
      },
      context,
    );
  }

  async #bytes(body: HttpAnswer['body'], context: FaultContext, signal: AbortSignal | undefined, max?: number): Promise<Buffer> {
    try {
      return await body.bytes(max);
    } catch (error) {
      throw this.failure(error, context, signal);
    }
  }
}

const EMPTY = new Uint8Array();
const NOTHING_MORE = {};

/** A write without content says so by a length of 0, which the service demands. */
function emptyBody(method: string): Uint8Array | undefined {
  return method === 'PUT' || method === 'POST' ? EMPTY : undefined;
}
