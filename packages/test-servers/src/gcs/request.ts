import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid } from './api-error.ts';
import type { Conditions } from './object-store.ts';

/** One request while it is answered. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly answer: ServerResponse;
  readonly method: string;
  /** As it came, encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The body, chunk by chunk as it came; a declared length that is not kept is a failure. */
export async function bodyChunks({ incoming }: Exchange, take: (chunk: Buffer) => void): Promise<void> {
  for await (const chunk of incoming) take(chunk as Buffer);
}

export async function bodyBytes(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await bodyChunks(exchange, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

export async function bodyJson(exchange: Exchange): Promise<unknown> {
  const bytes = await bodyBytes(exchange);
  if (bytes.byteLength === 0) return {};
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    throw invalid('Parse Error');
  }
}

/** The four preconditions of the JSON API; `of` is `Source` for those of a source. */
export function conditionsOf(query: URLSearchParams, of: '' | 'Source' = ''): Conditions {
  const read = (name: string): string | undefined => {
    const value = query.get(`if${of}${name}`);
    if (value !== null && !/^\d+$/.test(value)) throw invalid(`Invalid value for: if${of}${name}`);
    return value ?? undefined;
  };
  return {
    generationMatch: read('GenerationMatch'),
    generationNotMatch: read('GenerationNotMatch'),
    metagenerationMatch: read('MetagenerationMatch'),
    metagenerationNotMatch: read('MetagenerationNotMatch'),
  };
}

export function answerJson({ answer }: Exchange, value: unknown, status: number = 200): void {
  const text = JSON.stringify(value);
  answer.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', 'content-length': Buffer.byteLength(text) }).end(text);
}
