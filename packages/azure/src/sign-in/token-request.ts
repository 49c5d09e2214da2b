import { isStorageError, quoted } from '@stowage/core';
import { signInError } from './sign-in-error.ts';

export interface TokenAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

const MAX_ANSWER_BYTES = 256 * 1024;
const REQUEST_MS = 2_500;

/**
 * One GET, as given: no redirect followed, no proxy of the environment, no connection kept. A token comes over it, so nothing but the
 * named host may ever see it. `what` names the service in messages.
 */
export async function tokenRequest(what: string, url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<TokenAnswer> {
  // Loaded by who asks for a token, and by nobody else.
  const { Agent, request } = await import('undici');
  const connections = new Agent({ connect: { timeout: REQUEST_MS }, pipelining: 0, headersTimeout: REQUEST_MS, bodyTimeout: REQUEST_MS });
  try {
    const { statusCode, headers: answered, body } = await request(url, { dispatcher: connections, headers, signal });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > MAX_ANSWER_BYTES)
        throw signInError('Unavailable', `${what} sent more than ${MAX_ANSWER_BYTES} bytes: that is no such service`, { retryable: false });
    }
    const wait = answered['retry-after'];
    return { status: statusCode, text: Buffer.concat(chunks).toString('utf8'), retryAfter: typeof wait === 'string' ? wait : undefined };
  } catch (error) {
    signal.throwIfAborted();
    throw isStorageError(error) ? error : networkFault(what, url, error);
  } finally {
    await connections.destroy();
  }
}

/** In plain words. The original carries the request, and stays behind. */
function networkFault(what: string, url: URL, error: unknown): Error {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'for a reason unknown';
  const host = quoted(url.host);
  if (code === 'ECONNREFUSED') return signInError('Unavailable', `${what}: nothing listens at ${host}`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return signInError('Unavailable', `${what}: the name ${host} is not known to DNS`);
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EHOSTDOWN') return signInError('Unavailable', `${what}: no route to ${host}`);
  if (code.includes('TIMEOUT')) return signInError('Timeout', `${what} gave no answer within ${REQUEST_MS / 1000} s`);
  return signInError('Unavailable', `${what}: the connection to ${host} broke off (${code})`);
}
