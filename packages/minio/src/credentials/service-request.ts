import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { quoted } from '@stowage/core';
import { retryAfterMs } from '@stowage/wire';
import { QuietHttpAgent, QuietHttpsAgent } from '../wire/quiet-agent.ts';
import { signInError, systemCode } from './sign-in-error.ts';

/** A request to a service that gives credentials. */
export interface ServiceRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** How long it may take in all, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** PEM of the authorities that are trusted instead of the system's. */
  readonly ca?: string;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * One request, as given: no redirect followed, no proxy of the environment, no connection kept.
 * Credentials go over it, so nothing but the named host may ever see it. `what` names the service in messages.
 */
export async function serviceRequest(what: string, request: ServiceRequest): Promise<ServiceAnswer> {
  request.signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ServiceAnswer>();
  const secure = request.url.protocol === 'https:';
  // Connections of its own: Node's global ones may be set to a proxy by NODE_USE_ENV_PROXY.
  const connections = secure ? new QuietHttpsAgent({ keepAlive: false }) : new QuietHttpAgent({ keepAlive: false });
  const options = {
    method: request.method,
    headers: { ...request.headers, ...lengthOf(request) },
    agent: connections,
    signal: request.signal,
    ...(request.ca === undefined ? {} : { ca: request.ca }),
  };
  const outgoing = (secure ? httpsRequest : httpRequest)(request.url, options, (incoming) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES)
        giveUp(signInError('Unavailable', `${what} sent more than ${MAX_ANSWER_BYTES} bytes: that is no such service`, { retryable: false }));
      else chunks.push(chunk);
    });
    incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString('utf8') }));
    incoming.on('error', reject);
  });
  outgoing.on('error', reject);
  // Rejects before it destroys: a body that is cut off reports a reset connection of its own.
  const giveUp = (reason: Error): void => {
    reject(reason);
    outgoing.destroy();
  };
  const timer = setTimeout(() => giveUp(signInError('Timeout', `${what} gave no answer within ${request.timeoutMs / 1000} s`)), request.timeoutMs);
  outgoing.end(request.body);
  try {
    return await promise;
  } catch (error) {
    request.signal.throwIfAborted();
    throw networkError(what, request.url, error);
  } finally {
    clearTimeout(timer);
  }
}

function lengthOf({ method, body }: ServiceRequest): Record<string, string> {
  return method === 'GET' ? {} : { 'content-length': String(body?.byteLength ?? 0) };
}

/** Why a request never got an answer, in plain words. The original carries addresses and TLS internals, and stays behind. */
function networkError(what: string, url: URL, error: unknown): Error {
  if (error instanceof Error && error.name === 'StorageError') return error;
  const code = systemCode(error);
  const host = quoted(url.host);
  if (code === 'ECONNREFUSED') return signInError('Unavailable', `${what}: nothing listens at ${host}`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return signInError('Unavailable', `${what}: the name ${host} is not known to DNS; check its spelling and the network`);
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EHOSTDOWN') return signInError('Unavailable', `${what}: no route to ${host}`);
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return signInError('Config', `${what}: ${host} does not speak TLS there; check the port, and http against https`);
  if (code.startsWith('CERT_') || code.startsWith('ERR_TLS') || code.includes('SELF_SIGNED') || code.startsWith('UNABLE_TO_')) {
    return signInError('Config', `${what}: the TLS certificate of ${host} is not trusted (${code})`);
  }
  return signInError('Unavailable', `${what}: the connection to ${host} broke off (${code})`);
}

/** The failure that an HTTP status stands for where the service says nothing better. */
export function statusError(what: string, answer: ServiceAnswer, advice: string): Error {
  const { status } = answer;
  const message = `${what} answered ${status}${advice === '' ? '' : `: ${advice}`}`;
  const known = { status, ...retryAfter(answer) };
  if (status === 429) return signInError('RateLimited', message, known);
  if (status >= 500) return signInError('Unavailable', message, known);
  if (status === 401) return signInError('Unauthenticated', message, known);
  if (status === 403) return signInError('AccessDenied', message, known);
  return signInError('Config', message, known);
}

function retryAfter({ headers }: ServiceAnswer): { retryAfterMs?: number } {
  const wait = retryAfterMs(headers['retry-after']);
  return wait === undefined ? {} : { retryAfterMs: wait };
}
