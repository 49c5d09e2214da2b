import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface CountingProxyOptions {
  /** Added to each request before it goes on, in milliseconds. Default 0. */
  readonly delayMs?: number;
  /** Told of each request as it comes. */
  readonly onRequest?: (request: { readonly method: string; readonly url: string }) => void;
  /** Told of each answer of the server behind, before it is given on. */
  readonly onAnswer?: (answer: { readonly method: string; readonly url: string; readonly status: number }) => void;
}

/** Stands between a client and a server of plain http, and passes everything on as it is. */
export interface CountingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:49152` */
  readonly endpoint: string;
  /** Requests so far, and the most that were under way at once. */
  counts(): { readonly requests: number; readonly mostAtOnce: number };
}

/** A proxy on a free port of the loopback: it adds latency, and counts. The Host header stays, so that signatures hold. `target` may be one that changes. */
export async function startCountingProxy(
  target: string | (() => string),
  { delayMs = 0, onRequest, onAnswer }: CountingProxyOptions = {},
): Promise<CountingProxy> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
  let requests = 0;
  let underWay = 0;
  let mostAtOnce = 0;
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    requests++;
    mostAtOnce = Math.max(mostAtOnce, ++underWay);
    outgoing.once('close', () => underWay--);
    const { method = 'GET', url = '/', headers } = incoming;
    onRequest?.({ method, url });
    if (delayMs > 0) await delay(delayMs);
    const { hostname, port } = new URL(typeof target === 'string' ? target : target());
    const behind = request({ hostname, port, method, path: url, headers, agent, setHost: false }, (answer) => {
      onAnswer?.({ method, url, status: answer.statusCode ?? 0 });
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    // A client that was killed, or a server that went away: the other side sees the same.
    behind.once('error', () => outgoing.destroy());
    incoming.once('error', () => behind.destroy());
    outgoing.once('close', () => !outgoing.writableFinished && behind.destroy());
    incoming.pipe(behind);
  };
  const server = createServer((incoming, outgoing) => void pass(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => ({ requests, mostAtOnce }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
