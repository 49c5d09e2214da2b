// oxlint-disable-next-line typescript/triple-slash-reference -- packages that read these sources must find the declaration, and it is no module
/// <reference path="./undici-pool.d.ts" />
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { AnswerBody } from './answer-body.ts';

export interface PoolOptions {
  /** Requests at once, each on a connection of its own. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** How long an answer may take to begin; 0: no limit. */
  readonly answerTimeoutMs: number;
  /** How long a body may be silent. */
  readonly silenceMs: number;
  /** PEM of authorities to trust instead of Node's own. */
  readonly ca?: string;
}

export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  /** All of it, or its pieces in order. */
  readonly body?: Uint8Array | readonly Uint8Array[];
  readonly signal?: AbortSignal | undefined;
}

/** By names in small letters. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One value of a header; of several, as proxies send, the first. */
export function headerOf(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

/** Keep-alive connections to one origin. A failure rejects as undici throws it, an abort with the signal's reason. */
export class HttpPool {
  readonly #pool: Pool;

  constructor(origin: string, { connections, connectTimeoutMs, answerTimeoutMs, silenceMs, ca }: PoolOptions) {
    this.#pool = new Pool(origin, {
      connections,
      pipelining: 1,
      headersTimeout: answerTimeoutMs,
      bodyTimeout: silenceMs,
      connect: { timeout: connectTimeoutMs, ...(ca === undefined ? {} : { ca }) },
    });
  }

  /** Resolves when the answer begins. Its body must be read to its end or closed. */
  send(request: HttpRequest): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const { method, path, headers, body, signal } = request;
    const isHead = method === 'HEAD';
    // undici ends a connection behind each HEAD, for the sake of servers that send a body there: a handshake for each object.
    const keep = isHead ? { reset: false } : {};
    const content = body === undefined ? {} : { body: body instanceof Uint8Array ? body : Readable.from(body) };
    this.#pool.dispatch({ method, path, headers, ...keep, ...content }, new Exchange(isHead, signal, resolve, reject));
    return promise;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** One request and its answer. */
class Exchange implements Dispatcher.DispatchHandler {
  /** An answer to HEAD announces a length, and has none. */
  readonly #head: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onAbort: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: AnswerBody | undefined;

  constructor(head: boolean, signal: AbortSignal | undefined, resolve: (answer: HttpAnswer) => void, reject: (error: unknown) => void) {
    this.#head = head;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    if (signal === undefined) return;
    this.#onAbort = (): void => {
      reject(signal.reason);
      this.#body?.fail(signal.reason);
      this.#controller?.abort(asError(signal.reason));
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it waited for a connection.
    if (this.#signal?.aborted === true) controller.abort(asError(this.#signal.reason));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    // 100 and 103 come before the answer.
    if (status < 200) return;
    const body = new AnswerBody(controller, this.#head || status === 304 ? 0 : lengthOf(headers));
    this.#body = body;
    this.#resolve({ status, headers, body });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#forget();
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#forget();
    this.#reject(error);
    this.#body?.fail(error);
  }

  #forget(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}

function lengthOf(headers: AnswerHeaders): number | undefined {
  const text = headers['content-length'];
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
