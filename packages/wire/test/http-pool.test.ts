import { createServer, type Socket } from 'node:net';
import { faultServer, type Misbehave } from '@stowage/test-servers';
import { afterEach, describe, expect, it } from 'vitest';
import { type AnswerHeaders, headerOf, HttpPool } from '../src/index.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function poolTo(origin: string): HttpPool {
  const pool = new HttpPool(origin, { connections: 1, connectTimeoutMs: 5_000, answerTimeoutMs: 5_000, silenceMs: 5_000 });
  closing.push(() => pool.close());
  return pool;
}

async function poolOf(misbehave: Misbehave): Promise<HttpPool> {
  const server = await faultServer(misbehave);
  closing.push(async () => await server[Symbol.asyncDispose]());
  return poolTo(server.endpoint);
}

const get = { method: 'GET', path: '/a?b', headers: {} };

describe('a request', () => {
  it('sends content whole or in pieces, and gives status, headers and body', async () => {
    const pool = await poolOf((incoming, answer) => {
      answer.writeHead(201, { 'x-path': incoming.url ?? '' });
      incoming.pipe(answer);
      return true;
    });
    for (const body of [Buffer.from('one two'), [Buffer.from('one '), Buffer.from('two')]]) {
      const answer = await pool.send({ ...get, method: 'PUT', headers: { 'content-length': '7' }, body });
      expect([answer.status, headerOf(answer.headers, 'x-path'), (await answer.body.bytes()).toString()]).toEqual([201, '/a?b', 'one two']);
    }
  });

  it('that is aborted rejects with the reason, before its answer and in its body', async () => {
    const reason = new Error('enough');
    const silent = await poolOf(() => true);
    const before = new AbortController();
    const waiting = silent.send({ ...get, signal: before.signal });
    before.abort(reason);
    await expect(waiting).rejects.toBe(reason);

    const begins = await poolOf((_incoming, answer) => {
      answer.writeHead(200, { 'content-length': '100' }).write('begun');
      return true;
    });
    const within = new AbortController();
    const { body } = await begins.send({ ...get, signal: within.signal });
    const { value }: IteratorResult<Uint8Array, undefined> = await body.next();
    expect(value).toEqual(Buffer.from('begun'));
    within.abort(reason);
    await expect(body.next()).rejects.toBe(reason);
  });
});

describe('a body', () => {
  it('that lacks bytes which were announced by other headers is a failure, in the words of its reader', async () => {
    const pool = await poolOf((_incoming, answer) => {
      answer.writeHead(200).end('12345');
      return true;
    });
    const { body } = await pool.send(get);
    body.expected = 6;
    body.explain = (error): unknown => new Error('explained', { cause: error });
    await expect(body.bytes()).rejects.toMatchObject({ message: 'explained', cause: { message: '6 bytes were announced and 5 came' } });
  });

  it('that waits for a slow reader holds little of it, and arrives whole', async () => {
    const size = 20_000_000;
    let written = 0;
    const pool = await poolOf(async (_incoming, answer) => {
      answer.writeHead(200, { 'content-length': size });
      for (const chunk = Buffer.alloc(100_000, 1); written < size; written += chunk.byteLength)
        if (!answer.write(chunk)) await new Promise((resolve) => answer.once('drain', resolve));
      answer.end();
      return true;
    });
    const { body } = await pool.send(get);
    await body.next();
    expect(written).toBeLessThan(size);
    const rest = await body.bytes();
    expect(rest.byteLength).toBeGreaterThan(0);
    expect(written).toBe(size);
  });

  it('that is closed early lets the next request go', async () => {
    const pool = await poolOf((_incoming, answer) => {
      answer.writeHead(200, { 'content-length': '1000000' }).write(Buffer.alloc(1000));
      return true;
    });
    for (let i = 0; i < 3; i++) {
      const { status, body } = await pool.send(get);
      expect(status).toBe(200);
      body.close();
      expect((await body.next()).done).toBe(true);
    }
  });

  it('of which too much comes is cut, and its rest not waited for', async () => {
    const pool = await poolOf((_incoming, answer) => {
      answer.writeHead(200).write(Buffer.alloc(5000, 1));
      return true;
    });
    const { body } = await pool.send(get);
    expect((await body.bytes(10)).byteLength).toBeGreaterThanOrEqual(10);
  });
});

it('a header that came twice is its first value', () => {
  const headers: AnswerHeaders = { etag: ['a', 'b'], date: 'd' };
  expect([headerOf(headers, 'etag'), headerOf(headers, 'date'), headerOf(headers, 'none')]).toEqual(['a', 'd', undefined]);
});

describe('connections behind HEAD', () => {
  /** Answers each HEAD with its number in the ETag, and with whatever stands behind it in the same packet. */
  async function headServer(behind: string): Promise<{ readonly pool: HttpPool; readonly connections: () => number }> {
    const sockets = new Set<Socket>();
    let connections = 0;
    let answers = 0;
    const server = createServer((socket) => {
      connections++;
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nETag: ${++answers}\r\nContent-Length: 5\r\n\r\n${behind}`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const pool = poolTo(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    return { pool, connections: () => connections };
  }

  async function heads(pool: HttpPool): Promise<(string | undefined)[]> {
    const etags: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) {
      const { headers, body } = await pool.send({ ...get, method: 'HEAD' });
      body.close();
      etags.push(headerOf(headers, 'etag'));
    }
    return etags;
  }

  it('are kept: many looks need one', async () => {
    const { pool, connections } = await headServer('');
    expect(await heads(pool)).toEqual(['1', '2', '3', '4', '5']);
    expect(connections()).toBe(1);
  });

  it('are given up where a server sends a body there, and what it sent is no answer to another request', async () => {
    const { pool, connections } = await headServer('HTTP/1.1 200 OK\r\nETag: smuggled\r\nContent-Length: 0\r\n\r\n');
    expect(await heads(pool)).toEqual(['1', '2', '3', '4', '5']);
    expect(connections()).toBe(5);
  });
});
