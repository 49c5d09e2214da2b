import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { minioDriver } from '../src/minio-driver.ts';

interface Seen {
  readonly endpoint: string;
  connections: number;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Answers each HEAD with its number in the ETag, and with whatever stands behind it in the same packet. */
async function headServer(behind: string): Promise<Seen> {
  const sockets = new Set<Socket>();
  let answers = 0;
  const server = createServer((socket) => {
    seen.connections++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (!chunk.toString('latin1').endsWith('\r\n\r\n')) return;
      answers++;
      socket.write(`HTTP/1.1 200 OK\r\nETag: "answer-${answers}"\r\nContent-Length: 5\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n${behind}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const seen: Seen = { endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, connections: 0 };
  return seen;
}

async function heads(endpoint: string): Promise<(string | undefined)[]> {
  const driver = minioDriver({ endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 's' }, store: 'aws' }, 'bucket');
  closing.push(() => driver.close());
  const etags: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) etags.push((await driver.head('key', {})).revision.etag);
  return etags;
}

describe('connections behind HEAD', () => {
  const each = ['"answer-1"', '"answer-2"', '"answer-3"', '"answer-4"', '"answer-5"'];

  it('are kept: the next looks go on them', async () => {
    const server = await headServer('');
    expect(await heads(server.endpoint)).toEqual(each);
    // The second look begins before the first answer is done with.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('are given up where a server sends a body there, and what it sent is no answer to another request', async () => {
    const server = await headServer('HTTP/1.1 200 OK\r\nETag: "smuggled"\r\nContent-Length: 0\r\n\r\n');
    expect(await heads(server.endpoint)).toEqual(each);
    expect(server.connections).toBe(5);
  });
});
