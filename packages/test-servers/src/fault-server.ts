import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Answers for a store, badly. Return true where the request was dealt with; else it goes on to the store behind, if there is one. */
export type Misbehave = (incoming: IncomingMessage, answer: ServerResponse) => boolean | Promise<boolean>;

export interface FaultServer extends AsyncDisposable {
  readonly endpoint: string;
  /** Method and path of every request, in order. */
  readonly seen: readonly string[];
}

/**
 * A server on the loopback that stands before a real one, or for one. Passes the signed `Host` on as it is, or, with `ownHost`, asks the
 * one behind by its own name.
 */
export async function faultServer(misbehave: Misbehave, behind?: string, ownHost: boolean = false): Promise<FaultServer> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, answer) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    void (async (): Promise<void> => {
      if (ownHost && behind !== undefined) incoming.headers.host = new URL(behind).host;
      if (await misbehave(incoming, answer)) return;
      if (behind === undefined) answer.writeHead(500).end();
      else pass(incoming, answer, behind);
    })();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The request as it came, and its answer as it comes; `change` sees the answer before its body. */
export function pass(incoming: IncomingMessage, answer: ServerResponse, behind: string, change?: (response: IncomingMessage) => boolean): void {
  const { hostname, port } = new URL(behind);
  const outgoing = request({ hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false }, (response) => {
    if (change?.(response) === true) return;
    answer.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(answer);
  });
  outgoing.once('error', () => answer.destroy());
  incoming.pipe(outgoing);
  answer.once('close', () => outgoing.destroy());
}
