import { once } from 'node:events';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { setImmediate as turn } from 'node:timers/promises';

interface SeenRequest {
  /** All before the empty line. */
  readonly head: string;
  /** What has come of it. */
  readonly body: Buffer;
  /** Which connection it came on, and which request of all it is, both from 1. */
  readonly connection: number;
  readonly number: number;
}

/** Writes what a server answers, byte by byte as it is wanted. */
export type Script = (socket: Socket, request: SeenRequest) => unknown;

export interface ScriptedServer extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** Whole requests, in order. */
  readonly seen: readonly SeenRequest[];
  /** Every connection that there was, in order. */
  readonly sockets: readonly Socket[];
  /** Connections that have not ended. */
  readonly open: () => number;
}

export interface ScriptedServerOptions {
  readonly tls?: TlsOptions;
  readonly host?: string;
  /** The script runs when the head is there and reads the rest by itself, or not at all. */
  readonly atHead?: boolean;
}

/** A server on a socket: what it sends is what the script writes, right or wrong. */
export async function scriptedServer(script: Script, { tls, host = '127.0.0.1', atHead = false }: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const sockets: Socket[] = [];
  const open = new Set<Socket>();
  const accept = (socket: Socket): void => {
    const connection = sockets.push(socket);
    open.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => open.delete(socket)).on('error', () => socket.destroy());
    let held: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      for (;;) {
        const end = held.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = held.toString('latin1', 0, end);
        const length = atHead ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
        if (held.byteLength < end + 4 + length) return;
        const body = held.subarray(end + 4, atHead ? held.byteLength : end + 4 + length);
        const request = { head, body, connection, number: seen.length + 1 };
        held = atHead ? Buffer.alloc(0) : held.subarray(end + 4 + length);
        seen.push(request);
        script(socket, request);
      }
    });
  };
  const server: Server = tls === undefined ? createPlainServer(accept) : createTlsServer(tls, accept);
  // A client that refuses a certificate ends the handshake.
  server.on('tlsClientError', () => undefined);
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    seen,
    sockets,
    open: () => open.size,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Writes bytes so that each piece is a read of its own for a client in this process. */
export async function writePieces(socket: Socket, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  let at = 0;
  for (const cut of [...cuts].toSorted((a, b) => a - b).concat(bytes.byteLength)) {
    if (cut <= at || cut > bytes.byteLength) continue;
    socket.write(bytes.subarray(at, cut));
    at = cut;
    await turn();
    await turn();
  }
}

/** When the connection has ended, broken or not. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** A whole answer with its length. */
export function answerOf(body: string | Buffer, headers: string = ''): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.byteLength}\r\n${headers}\r\n`, 'latin1'), bytes]);
}

/** Content in which no two places are alike for long. */
export function content(size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + (i >> 16)) & 0xff;
  return bytes;
}
