import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never answer. */
  readonly hang?: boolean;
  /** Send the body and never end it. */
  readonly stall?: boolean;
  /** Break the connection off. */
  readonly reset?: boolean;
}

export interface LoopbackService extends AsyncDisposable {
  readonly endpoint: string;
  readonly asked: readonly Asked[];
}

/** An HTTP service on a free port of the loopback, which keeps what it was asked. */
export async function loopbackService(answer: (asked: Asked) => Reply): Promise<LoopbackService> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one: Asked = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      asked.push(one);
      const reply = answer(one);
      if (reply.hang === true) return;
      if (reply.reset === true) return void request.socket.destroy();
      response.writeHead(reply.status ?? 200, reply.headers);
      if (reply.stall === true) response.write(reply.body ?? '');
      else response.end(reply.body ?? '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An address on which nothing listens. */
export async function nothingListening(): Promise<string> {
  const service = await loopbackService(() => ({}));
  await service[Symbol.asyncDispose]();
  return service.endpoint;
}
