import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';

export interface LoopbackServer extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** Method and path of every request, in order. */
  readonly seen: readonly string[];
  readonly requests: readonly IncomingMessage[];
  /** How many connections were made. */
  readonly connections: () => number;
}

/** A server on 127.0.0.1 that answers as told. */
export async function loopbackServer(listener: (incoming: IncomingMessage, answer: ServerResponse) => void): Promise<LoopbackServer> {
  const requests: IncomingMessage[] = [];
  const handle: RequestListener = (incoming, answer) => {
    requests.push(incoming);
    listener(incoming, answer);
  };
  const server = createHttpServer(handle);
  const { port, connections, close } = await listening(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    get seen() {
      return requests.map(({ method, url }) => `${method} ${url}`);
    },
    requests,
    connections,
    [Symbol.asyncDispose]: close,
  };
}

/** A server that speaks bytes: for answers that no http server would give. `talk` is called with each connection's first request. */
export async function rawServer(talk: (socket: Socket, request: string) => void): Promise<LoopbackServer> {
  const seen: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const request = chunk.toString('latin1');
      seen.push(request.split(' HTTP/')[0] ?? '');
      talk(socket, request);
    });
  });
  const { port, connections, close } = await listening(server);
  return { origin: `http://127.0.0.1:${port}`, port, seen, requests: [], connections, [Symbol.asyncDispose]: close };
}

async function listening(
  server: Server | TcpServer,
): Promise<{ readonly port: number; readonly connections: () => number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
