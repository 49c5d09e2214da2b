import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BucketDriver, delegate, isStorageError, type PresignedRequest, type PresignOptions, resolveRange } from '@stowage/core';

const SECRET = 'signing-secret';
const STATUS: Readonly<Record<string, number>> = { NotFound: 404, InvalidRange: 416 };

/** What is signed: method, path, end, and the headers that must be sent as they were. */
function signature(method: string, path: string, expires: string, contentType: string): string {
  return createHmac('sha256', SECRET).update([method, path, expires, contentType].join('\n')).digest('hex');
}

/** A loopback server that answers presigned requests for the drivers put in front of it, each under its own number. */
export class SigningServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #drivers: BucketDriver[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(isStorageError(error) ? (STATUS[error.code] ?? 500) : 500).end();
      });
    });
  }

  static async start(): Promise<SigningServer> {
    const started = new SigningServer();
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  /** The driver with presigned requests to this server. */
  sign(inner: BucketDriver): BucketDriver {
    const number = this.#drivers.push(inner) - 1;
    const { port } = this.#server.address() as AddressInfo;
    return delegate(inner, {
      capabilities: { ...inner.capabilities, presign: ['GET', 'HEAD', 'PUT'] },
      presign: (key, o) => Promise.resolve(presigned(`http://127.0.0.1:${port}`, `/${number}/${encodeURIComponent(key)}`, o)),
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const expires = searchParams.get('expires') ?? '';
    const signedType = searchParams.get('type') ?? '';
    const sent = request.headers['content-type'] ?? '';
    const valid = signature(method, pathname, expires, signedType) === searchParams.get('signature') && (signedType === '' || signedType === sent);
    if (!valid || Number(expires) < Date.now() || [...searchParams.keys()].length !== (searchParams.has('type') ? 3 : 2)) {
      response.writeHead(403).end();
      return;
    }
    const [, number = '', key = ''] = pathname.split('/');
    const driver = this.#drivers[Number(number)];
    if (driver === undefined) response.writeHead(404).end();
    else await this.#serve(driver, method, decodeURIComponent(key), request, response);
  }

  async #serve(driver: BucketDriver, method: string, key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method === 'PUT') {
      await driver.put(key, request, request.headers['content-type'] === undefined ? {} : { contentType: request.headers['content-type'] });
      response.writeHead(200).end();
      return;
    }
    const info = await driver.head(key, {});
    const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const range = asked === null ? undefined : { start: Number(asked[1]), end: Number(asked[2]) + 1 };
    const { start, end } = resolveRange(range, info.size);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': end - start,
      'content-type': info.headers?.contentType ?? 'application/octet-stream',
    });
    if (method === 'GET') for await (const chunk of (await driver.get(key, range === undefined ? {} : { range })).body) response.write(chunk);
    response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function presigned(origin: string, path: string, { method, expiresInSeconds, headers = {} }: PresignOptions): PresignedRequest {
  const expiresAt = new Date(Date.now() + expiresInSeconds * 1000);
  const contentType = headers['content-type'] ?? '';
  const query = new URLSearchParams({
    expires: String(expiresAt.getTime()),
    ...(contentType === '' ? {} : { type: contentType }),
    signature: signature(method, path, String(expiresAt.getTime()), contentType),
  });
  return { url: `${origin}${path}?${query.toString()}`, method, headers, expiresAt };
}
