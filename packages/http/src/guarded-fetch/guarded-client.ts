// oxlint-disable-next-line typescript/triple-slash-reference -- packages that read these sources need the declarations, too
/// <reference path="./undici-parts.d.ts" />
import { shownKey, StorageError } from '@stowage/core';
import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { AnswerHeaders } from './answer-headers.ts';
import { Deadline } from './deadline.ts';
import { type GuardLimits, guardLimits, type GuardOptions } from './guard-options.ts';
import { GuardPolicy } from './guard-policy.ts';
import { discard, type GuardedBody, StreamBody, tooLarge } from './guarded-body.ts';
import { guardedConnect } from './guarded-connect.ts';
import { headersForHop, nextHop, redirectTarget } from './redirect.ts';

/** What a guarded fetch may be asked: it reads, and changes nothing anywhere. */
export interface GuardedRequest {
  /** Default `GET`. */
  readonly method?: 'GET' | 'HEAD';
  /** Told to the URL's own origin. A redirect to another one keeps ranges, conditions and what is accepted, and nothing else. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the request and the reading of its body; both reject with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Most bytes of the body, where it is less than the client's own limit. */
  readonly maxBytes?: number;
}

/** An answer, whatever its status. Its body must be read or closed: it holds a connection. */
export interface GuardedAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Where the answer came from, behind all redirects. It may hold secrets in its query. */
  readonly url: string;
  readonly body: GuardedBody;
}

/** Fetches URLs given by strangers. Connections are kept and shared: make one, and close it. */
export interface GuardedClient extends AsyncDisposable {
  /**
   * Sends one request and follows its redirects. Nothing is decoded, retried, cached or remembered; no cookie is kept and no proxy of
   * the environment is used.
   *
   * Throws `InvalidArgument` for what is no http URL or holds a password, `AccessDenied` for what may not be asked, wherever that is
   * found out (in the URL, in the answers for its name, behind a redirect), `Unavailable` and `Timeout` for what cannot be had now.
   * Statuses are the caller's to judge.
   */
  fetch(url: string, request?: GuardedRequest): Promise<GuardedAnswer>;
  /** Throws what `fetch` would throw before any connection or look-up; a name that passes may still lead to an address that does not. */
  check(url: string): void;
  close(): Promise<void>;
}

/** Throws `Config` for options that cannot be used. No I/O. */
export function guardedClient(options: GuardOptions = {}): GuardedClient {
  return new AgentClient(options);
}

/** The client's own: which host is asked, and how the answer is framed. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);

class AgentClient implements GuardedClient {
  readonly #policy: GuardPolicy;
  readonly #limits: GuardLimits;
  readonly #agent: InstanceType<typeof Agent>;

  constructor(options: GuardOptions) {
    this.#policy = new GuardPolicy(options);
    this.#limits = guardLimits(options);
    this.#agent = new Agent({
      connect: guardedConnect(this.#policy, this.#limits, options),
      connections: this.#limits.connections,
      pipelining: 1,
      maxHeaderSize: this.#limits.maxHeaderBytes,
      // The deadline keeps the time for headers, also against those that trickle.
      headersTimeout: 0,
      bodyTimeout: this.#limits.silenceMs,
    });
  }

  check(url: string): void {
    this.#policy.check(url);
  }

  async fetch(url: string, { method = 'GET', headers = {}, signal, maxBytes = Infinity }: GuardedRequest = {}): Promise<GuardedAnswer> {
    signal?.throwIfAborted();
    const first = this.#policy.check(url);
    const deadline = new Deadline(url, signal, this.#limits.totalMs);
    const most = Math.min(maxBytes, this.#limits.maxBytes);
    try {
      return await this.#follow(first, method, requestHeaders(headers), deadline, most);
    } catch (error) {
      deadline.release();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(first: URL, method: 'GET' | 'HEAD', given: Readonly<Record<string, string>>, deadline: Deadline, maxBytes: number): Promise<GuardedAnswer> {
    const seen = new Set([first.href]);
    let [url, headers] = [first, given];
    for (;;) {
      const shown = JSON.stringify(shownKey(url.href));
      const { statusCode: status, headers: answered, body: stream } = await this.#send(url, method, headers, deadline, shown);
      const location = redirectTarget(status, answered);
      if (location === undefined) {
        const empty = method === 'HEAD' || status === 204 || status === 304;
        const body = new StreamBody(stream, { shown, headers: answered, empty, maxBytes, deadline });
        if (body.length === undefined || body.length <= maxBytes) return { status, headers: answered, url: url.href, body };
        body.close();
        throw tooLarge(shown, maxBytes);
      }
      discard(stream);
      const next = nextHop(this.#policy, location, url, shown);
      if (seen.has(next.href)) throw new StorageError('Unavailable', `${shown} redirects in a circle`, { provider: 'http', retryable: false });
      if (seen.size > this.#limits.maxRedirects)
        throw new StorageError('Unavailable', `${shown} redirects once more; ${this.#limits.maxRedirects} redirects are followed`, {
          provider: 'http',
          retryable: false,
        });
      seen.add(next.href);
      headers = headersForHop(headers, url, next);
      url = next;
    }
  }

  async #send(
    url: URL,
    method: 'GET' | 'HEAD',
    headers: Readonly<Record<string, string>>,
    deadline: Deadline,
    shown: string,
  ): Promise<Dispatcher.ResponseData> {
    try {
      const { origin, pathname, search } = url;
      // undici ends a connection behind each HEAD, for the sake of servers that send a body there: a handshake for each link.
      const keep = method === 'HEAD' ? { reset: false } : {};
      const sent = request.call(this.#agent, { origin, path: pathname + search, method, headers, signal: deadline.signal, ...keep });
      return await deadline.race(sent, this.#limits.answerTimeoutMs);
    } catch (error) {
      throw deadline.explain(error, shown);
    }
  }
}

/** Names in lower case, with what every request says. Throws `InvalidArgument` for headers that are not the caller's to set. */
function requestHeaders(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { accept: '*/*', 'user-agent': 'stowage' };
  for (const [written, value] of Object.entries(given)) {
    const name = written.toLowerCase();
    if (OWN_HEADERS.has(name)) throw new StorageError('InvalidArgument', `the header ${JSON.stringify(name)} is the client's own to set`, { provider: 'http' });
    headers[name] = value;
  }
  // Bytes are given as they come: asked for plain, they are what the server keeps.
  return { 'accept-encoding': 'identity', ...headers };
}
