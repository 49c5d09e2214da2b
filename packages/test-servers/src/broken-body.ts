import type { IncomingMessage } from 'node:http';
import { type Misbehave, pass } from './fault-server.ts';

/** How a body ends too early. */
export interface BrokenBody {
  /** Bytes that still come. */
  readonly afterBytes: number;
  /** Ends as if all were there, without a length announced; else the connection is reset. */
  readonly silent: boolean;
}

/** Breaks the body of the first GET that reads an object from the server behind; everything else goes through. */
export function breakFirstBody(behind: string, { afterBytes, silent }: BrokenBody, isRead: (incoming: IncomingMessage) => boolean): Misbehave {
  let broken = false;
  return (incoming, answer) => {
    if (broken || incoming.method !== 'GET' || !isRead(incoming)) return false;
    broken = true;
    pass(incoming, answer, behind, (response) => {
      const { 'content-length': length, ...headers } = response.headers;
      answer.writeHead(response.statusCode ?? 500, silent ? headers : { ...headers, 'content-length': length });
      const end = (): void => {
        if (silent) answer.end();
        else setTimeout(() => answer.destroy(), 20);
      };
      let left = afterBytes;
      if (left === 0) end();
      response.on('data', (chunk: Buffer) => {
        if (left <= 0) return;
        answer.write(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) end();
      });
      return true;
    });
    return true;
  };
}

/** Takes the whole request before it is answered: a refusal in its middle may be met by a reset. */
export function drained(incoming: NodeJS.ReadableStream, then: () => true): Promise<true> {
  return new Promise((resolve) => incoming.once('end', () => resolve(then())).resume());
}
