import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What goes wrong with a request. */
export type ProxyFault =
  /** Refused before it takes effect. */
  | 'slow-down'
  | 'reset'
  /** It takes effect, and the answer is lost, or says otherwise. */
  | 'lost-answer'
  | 'error-after'
  /** 200, and an error in the body: completions and copies. */
  | 'ok-with-error'
  /** The answer's body is reset in the middle, ends early as if it were whole, or does not come. */
  | 'torn-body'
  | 'short-body'
  | 'stall'
  /** A range is answered as if it were all. */
  | 'range-as-whole';

export const PROXY_FAULTS: readonly ProxyFault[] = [
  'slow-down',
  'reset',
  'lost-answer',
  'error-after',
  'ok-with-error',
  'torn-body',
  'short-body',
  'stall',
  'range-as-whole',
];

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** How often each fault struck. */
  readonly struck: Map<ProxyFault, number>;
}

/** A server on the loopback before a real one, that fails some requests. `choose` gives the fault of each request, if it is to have one. */
export async function faultProxy(behind: string, choose: () => ProxyFault | undefined): Promise<FaultProxy> {
  const struck = new Map<ProxyFault, number>();
  const sockets = new Set<Socket>();
  const server = createServer((incoming, answer) => {
    const fault = choose();
    const kind = fault === undefined ? undefined : applicable(fault, incoming);
    if (kind !== undefined) struck.set(kind, (struck.get(kind) ?? 0) + 1);
    answer.on('error', () => undefined);
    if (kind === 'slow-down') {
      // The request is taken in whole: a client that is still sending would see a reset.
      incoming.resume().once('end', () => refuse(answer, 503, 'SlowDown', { 'retry-after': '0' }));
      return;
    }
    if (kind === 'reset') {
      incoming.socket.destroy();
      return;
    }
    forward(incoming, answer, behind, kind);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    struck,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The fault, where the request can have it. */
function applicable(fault: ProxyFault, { method, headers, url = '' }: IncomingMessage): ProxyFault | undefined {
  if (fault === 'ok-with-error') return method === 'POST' && url.includes('uploadId=') ? fault : 'error-after';
  if (fault === 'range-as-whole') return headers.range === undefined ? undefined : fault;
  if (['torn-body', 'short-body'].includes(fault)) return method === 'GET' ? fault : 'lost-answer';
  return fault;
}

function forward(incoming: IncomingMessage, answer: ServerResponse, behind: string, fault: ProxyFault | undefined): void {
  const { hostname, port } = new URL(behind);
  const outgoing = request({ hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false }, (response) => {
    const { statusCode = 500, headers } = response;
    switch (fault) {
      case 'lost-answer':
        response.resume().once('end', () => incoming.socket.destroy());
        return;
      case 'error-after':
        response.resume().once('end', () => refuse(answer, 500, 'InternalError'));
        return;
      case 'ok-with-error':
        response.resume().once('end', () => refuse(answer, 200, 'InternalError'));
        return;
      case 'stall':
        response.resume();
        return;
      case 'torn-body':
      case 'short-body': {
        const { 'content-length': length, ...others } = headers;
        answer.writeHead(statusCode, fault === 'short-body' ? others : headers);
        const half = Math.floor(Number(length ?? 0) / 2);
        let sent = 0;
        response.on('data', (chunk: Buffer) => {
          if (sent < half) answer.write(chunk.subarray(0, half - sent));
          sent += chunk.byteLength;
        });
        response.once('end', () => (fault === 'short-body' ? answer.end() : setTimeout(() => answer.destroy(), 5)));
        return;
      }
      default:
        answer.writeHead(fault === 'range-as-whole' && statusCode === 206 ? 200 : statusCode, headers);
        response.pipe(answer);
    }
  });
  outgoing.once('error', () => answer.destroy());
  incoming.pipe(outgoing);
  answer.once('close', () => outgoing.destroy());
}

function refuse(answer: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>A fault of the test.</Message></Error>`;
  answer.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body), ...headers });
  answer.end(answer.req.method === 'HEAD' ? undefined : body);
}
