import { type Call, StorageError } from '@stowage/core';
import { type AnswerHeaders, encodedKey, encodedQuery, headerOf, type HttpAnswer, HttpPool, networkError, percentEncoded } from '@stowage/wire';
import { faultOf, type FaultContext, notGoogle, serviceError } from './google-error.ts';
import type { GoogleSettings } from './google-options.ts';

/** Of an error's body, more is not read. */
const ERROR_BYTES = 64 * 1024;

export interface ServiceRequest extends Call {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Encoded, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | readonly Uint8Array[];
  readonly context: FaultContext;
  /** Statuses beside 2xx that are answers here, not failures. */
  readonly expected?: readonly number[];
}

/**
 * Both APIs of Cloud Storage over keep-alive connections, signed in by the one way that was configured. One request, one attempt: the
 * SDK repeats by itself, takes no AbortSignal, and costs several times as much per small object (decision 0030).
 */
export class ServiceClient {
  readonly settings: GoogleSettings;
  readonly bucket: string;
  readonly pool: HttpPool;
  readonly #objects: string;

  constructor(settings: GoogleSettings, bucket: string) {
    this.settings = settings;
    this.bucket = bucket;
    this.#objects = `/storage/v1/b/${percentEncoded(bucket)}/o`;
    const { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ca, endpoint } = settings;
    this.pool = new HttpPool(endpoint.origin, { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ...(ca === undefined ? {} : { ca }) });
  }

  /** The JSON API's path of an object, or of all. */
  objectPath(key?: string): string {
    return key === undefined ? this.#objects : `${this.#objects}/${percentEncoded(key)}`;
  }

  uploadPath(): string {
    return `/upload${this.#objects}`;
  }

  bucketPath(): string {
    return `/storage/v1/b/${percentEncoded(this.bucket)}`;
  }

  /** The XML API's path. */
  xmlPath(key: string): string {
    return `/${percentEncoded(this.bucket)}/${encodedKey(key)}`;
  }

  context(operation: string, key?: string, more: Pick<FaultContext, 'condition' | 'ownChecksum'> = {}): FaultContext {
    const { endpoint, signIn } = this.settings;
    const anonymous = signIn.identity === 'anonymous';
    return { operation, bucket: this.bucket, key, endpoint: endpoint.origin, who: signIn.name, anonymous, secrets: signIn.secrets(), ...more };
  }

  /** Resolves with a success, whose body must be read or closed; anything else is thrown. */
  async send({ method, path, query, headers = {}, body, context, signal, expected }: ServiceRequest): Promise<HttpAnswer> {
    signal?.throwIfAborted();
    const { signIn, userProject } = this.settings;
    const token = signIn.held() ?? (await signIn.token(signal === undefined ? {} : { signal }));
    const sent: Record<string, string> = { 'user-agent': 'stowage', ...headers };
    if (token !== undefined) sent['authorization'] = `Bearer ${token}`;
    if (userProject !== undefined) sent['x-goog-user-project'] = userProject;
    const length = body === undefined ? 0 : lengthOf(body);
    if (body !== undefined || method === 'POST' || method === 'PUT') sent['content-length'] = String(length);
    let answer: HttpAnswer;
    try {
      answer = await this.pool.send({
        method,
        path: query === undefined ? path : path + encodedQuery(query),
        headers: sent,
        ...(body === undefined ? {} : { body }),
        signal,
      });
    } catch (error) {
      throw this.failure(error, context, signal);
    }
    if (answer.status === 401 && token !== undefined) signIn.forget(token);
    if ((answer.status >= 200 && answer.status < 300) || expected?.includes(answer.status) === true) return answer;
    throw await this.#refused(answer, context, signal);
  }

  /** The answer's JSON. */
  async json<T>(request: ServiceRequest): Promise<T> {
    return await this.readJson<T>(await this.send(request), request);
  }

  async readJson<T>({ status, headers, body }: HttpAnswer, { context, signal }: Pick<ServiceRequest, 'context' | 'signal'>): Promise<T> {
    const bytes = await this.#bytes(body, context, signal);
    try {
      return JSON.parse(bytes.toString()) as T;
    } catch {
      throw notGoogle(context, status, headerOf(headers, 'content-type'));
    }
  }

  /** For answers that say nothing beyond their status. */
  async done(request: ServiceRequest): Promise<AnswerHeaders> {
    const { status, headers, body } = await this.send(request);
    await this.#bytes(body, request.context, request.signal, ERROR_BYTES);
    // A page that some other server shows for every path is no word of the service's.
    const contentType = headerOf(headers, 'content-type');
    if (contentType?.includes('html') === true) throw notGoogle(request.context, status, contentType);
    return headers;
  }

  failure(error: unknown, context: FaultContext, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    return error instanceof StorageError ? error : networkError('google', error, context);
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  async #refused({ status, headers, body }: HttpAnswer, context: FaultContext, signal: AbortSignal | undefined): Promise<StorageError> {
    const bytes = await this.#bytes(body, context, signal, ERROR_BYTES);
    const contentType = headerOf(headers, 'content-type');
    const fault = faultOf(status, bytes.toString());
    // A web page is no answer of either API.
    if (contentType?.includes('html') === true && status !== 502 && status !== 503 && status !== 504) return notGoogle(context, status, contentType);
    return serviceError(
      { ...fault, retryAfter: headerOf(headers, 'retry-after'), requestId: headerOf(headers, 'x-guploader-uploadid')?.slice(0, 60) },
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

function lengthOf(body: Uint8Array | readonly Uint8Array[]): number {
  return body instanceof Uint8Array ? body.byteLength : body.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
