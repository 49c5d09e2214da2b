import { channel, type Channel } from 'node:diagnostics_channel';
import type { AnswerBody } from './answer-body.ts';
import type { AnswerHeaders } from './answer-head.ts';
import { type ConnectionOwner, type Exchange, HttpConnection, type Origin, type Patience } from './http-connection.ts';
import { HttpFault } from './http-fault.ts';
import { requestHead } from './request-head.ts';

export interface PoolOptions {
  /** Requests at once, each on a connection of its own. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** From when the request was last seen to go out to when its answer begins. 0: no limit. */
  readonly answerTimeoutMs: number;
  /** How long a body may be silent while its reader wants more. */
  readonly silenceMs: number;
  /** PEM of authorities to trust instead of Node's own. */
  readonly ca?: string;
}

export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  /** All of it, or its pieces in order. They must stay as they are until the answer has begun. */
  readonly body?: Uint8Array | readonly Uint8Array[];
  /** Memory for the content of the answer, if it fits: chunks of the body are then views of it, from its start, in order. */
  readonly into?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

/** Name of the `node:diagnostics_channel` on which each request is told when it is made: `{ origin, method }`. */
export const REQUEST_CHANNEL = 'stowage:request';
const requests: Channel = channel(REQUEST_CHANNEL);

/** Methods whose requests say that they have no content where they have none: RFC 9110, section 8.6. */
const WITH_CONTENT: ReadonlySet<string> = new Set(['PUT', 'POST', 'PATCH']);
/** How often in the least time limit the clock is looked at, and how rarely at most. */
const LOOKS = 8;
const MOST_BETWEEN_LOOKS_MS = 1000;

/**
 * Keep-alive connections to one origin. A failure rejects with a fault of the socket or of TLS as Node has it, or an {@link HttpFault};
 * an abort with the signal's reason.
 */
export class HttpPool {
  readonly #origin: Origin;
  readonly #host: string;
  readonly #patience: Patience;
  readonly #most: number;
  readonly #open = new Set<HttpConnection>();
  /** The one that was used last comes first: the others may end. */
  readonly #idle: HttpConnection[] = [];
  /** Those that will be idle or gone in a moment: no new connection is made in their place. */
  readonly #ending = new Set<HttpConnection>();
  readonly #owner: ConnectionOwner = {
    ending: (connection) => {
      this.#ending.add(connection);
    },
    idle: (connection) => {
      this.#ending.delete(connection);
      this.#idle.push(connection);
      this.#go();
    },
    gone: (connection) => this.#gone(connection),
  };
  #waiting: Sent[] = [];
  #clock: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(origin: string, { connections, ca, ...patience }: PoolOptions) {
    const { protocol, hostname, host, port } = new URL(origin);
    const tls = protocol === 'https:';
    // An address of IPv6 stands in brackets in a URL, and in none elsewhere.
    this.#origin = { tls, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) || (tls ? 443 : 80), ca };
    this.#host = host;
    this.#patience = patience;
    this.#most = connections;
  }

  /** Resolves when the answer begins. Its body must be read to its end or closed. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    if (this.#closed) throw new HttpFault('ECONNRESET', 'the connections were closed');
    const { method, path, headers, body } = request;
    const pieces = body === undefined ? [] : body instanceof Uint8Array ? [body] : body;
    const length = body === undefined && !WITH_CONTENT.has(method) ? undefined : pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const sent = new Sent(
      request,
      requestHead(method, path, this.#host, headers, length),
      pieces.filter(({ byteLength }) => byteLength > 0),
    );
    if (requests.hasSubscribers) requests.publish({ origin: this.#host, method });
    this.#waiting.push(sent);
    this.#go();
    return await sent.answer;
  }

  /** Ends all connections, and what waits for an answer with them. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = new HttpFault('ECONNRESET', 'the connections were closed');
    for (const sent of this.#waiting.splice(0)) sent.failed(error);
    for (const connection of this.#open) connection.destroy(error);
  }

  #gone(connection: HttpConnection): void {
    this.#open.delete(connection);
    this.#ending.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#open.size === 0) {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
    this.#go();
  }

  /** Sends what waits, as far as there are connections for it. */
  #go(): void {
    for (let sent = this.#waiting[0]; sent !== undefined; sent = this.#waiting[0]) {
      // Aborted while it waited.
      if (sent.isSettled) {
        this.#waiting.shift();
        continue;
      }
      const idle = this.#idle.pop();
      if (idle?.isStale(performance.now()) === true) {
        idle.destroy(undefined);
        continue;
      }
      if (idle === undefined && (this.#open.size >= this.#most || this.#ending.size > 0)) return;
      this.#waiting.shift();
      sent.connection = idle ?? new HttpConnection(this.#origin, this.#patience, this.#owner, sent);
      if (idle === undefined) this.#open.add(sent.connection);
      else idle.send(sent);
      this.#clock ??= this.#watch();
    }
  }

  #watch(): NodeJS.Timeout {
    const { connectTimeoutMs, answerTimeoutMs, silenceMs } = this.#patience;
    const least = Math.min(connectTimeoutMs, answerTimeoutMs || silenceMs, silenceMs);
    const every = Math.max(1, Math.min(MOST_BETWEEN_LOOKS_MS, least / LOOKS));
    let last = performance.now();
    const clock = setInterval(() => {
      const now = performance.now();
      // Where this process did not run for a while, what came in that time has not been read yet.
      const passed = Math.min(now - last, 2 * every);
      last = now;
      for (const connection of this.#open) connection.look(passed);
    }, every);
    // What waits for an answer is held by its socket.
    clock.unref();
    return clock;
  }
}

/** One request, from when it is made until its body has come to its end. */
class Sent implements Exchange {
  readonly method: string;
  readonly head: string;
  readonly body: readonly Uint8Array[];
  readonly into: Uint8Array | undefined;
  readonly answer: Promise<HttpAnswer>;
  connection: HttpConnection | undefined;
  isSettled = false;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;

  constructor({ method, into, signal }: HttpRequest, head: string, body: readonly Uint8Array[]) {
    this.method = method;
    this.head = head;
    this.body = body;
    this.into = into;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    if (signal === undefined) return;
    this.#signal = signal;
    this.#onAbort = (): void => {
      const { connection } = this;
      this.failed(signal.reason);
      connection?.destroy(signal.reason);
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  answered(status: number, headers: AnswerHeaders, body: AnswerBody): void {
    this.isSettled = true;
    this.#resolve({ status, headers, body });
  }

  failed(error: unknown): void {
    this.isSettled = true;
    this.ended();
    this.#reject(error);
  }

  ended(): void {
    this.connection = undefined;
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
