import type { Socket } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpPool, type HttpRequest, type PoolOptions } from '../src/index.ts';
import { answerOf, closed, content, type Script, type ScriptedServer, scriptedServer, type ScriptedServerOptions, writePieces } from './scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function scene(
  script: Script,
  { connections = 1, ...options }: ScriptedServerOptions & Partial<PoolOptions> = {},
): Promise<{ readonly pool: HttpPool; readonly server: ScriptedServer }> {
  const server = await scriptedServer(script, options);
  closing.push(async () => await server[Symbol.asyncDispose]());
  const pool = new HttpPool(server.origin, { connections, connectTimeoutMs: 10_000, answerTimeoutMs: 10_000, silenceMs: 10_000 });
  closing.push(() => pool.close());
  return { pool, server };
}

const get: HttpRequest = { method: 'GET', path: '/a?b', headers: {} };
const malformed: unknown = expect.objectContaining({ code: 'HTTP_MALFORMED' });

async function textOf(pool: HttpPool, request: HttpRequest = get): Promise<string> {
  const { body } = await pool.send(request);
  return (await body.bytes()).toString('latin1');
}

describe('an answer', () => {
  const answers: readonly (readonly [string, string, string])[] = [
    ['with a length', 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n02\r\nlo\r\n0\r\nx: y\r\n\r\n', 'hello'],
    ['behind others', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX-A: no\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 0\r\n\r\n', ''],
  ];

  it.each(answers)('%s may be cut at every byte', async (_what, bytes, wanted) => {
    const { pool, server } = await scene((socket, { number }) => writePieces(socket, Buffer.from(bytes), [number]));
    for (let i = 1; i < bytes.length; i++) {
      const { status, headers, body } = await pool.send(get);
      expect([status, headers['x-a'], (await body.bytes()).toString()]).toEqual([200, 'b', wanted]);
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('may be cut anywhere, and any of them may follow another', async () => {
    let next: { readonly bytes: string; readonly cuts: readonly number[] } = { bytes: '', cuts: [] };
    const { pool, server } = await scene((socket) => writePieces(socket, Buffer.from(next.bytes), next.cuts));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...answers), fc.array(fc.nat(120), { maxLength: 12 }), fc.option(fc.nat(8)), async ([, bytes, wanted], cuts, lent) => {
        next = { bytes, cuts };
        const into = lent === null ? undefined : Buffer.alloc(lent);
        const { headers, body } = await pool.send({ ...get, into });
        expect([headers['x-a'], (await body.bytes()).toString()]).toEqual(['b', wanted]);
      }),
      { numRuns: 200 },
    );
    expect(server.sockets).toHaveLength(1);
  });

  it.each([
    ['that is not http', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['that is of TLS', '\x15\x03\x01\x00\x02\x02\x16'],
    ['of HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
    ['whose head has no end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`],
    ['whose head is over 64 KiB', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(66_000)}\r\n\r\n`],
    ['that changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n'],
    ['with both lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello'],
    ['with two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
    ['with a folded header', 'HTTP/1.1 200 OK\r\nx: y\r\n z\r\nContent-Length: 0\r\n\r\n'],
    ['with a line that is no header', 'HTTP/1.1 200 OK\r\nx\r\nContent-Length: 0\r\n\r\n'],
    ['with a control character', 'HTTP/1.1 200 OK\r\nx: \0\r\nContent-Length: 0\r\n\r\n'],
  ])('%s is refused, and its connection given up', async (_what, bytes) => {
    const { pool, server } = await scene((socket, { number }) => socket.write(number === 1 ? bytes : answerOf('next'), 'latin1'));
    await expect(pool.send(get)).rejects.toEqual(malformed);
    expect(await textOf(pool)).toBe('next');
    expect(server.sockets).toHaveLength(2);
  });

  it('with a head of almost 64 KiB is read', async () => {
    const value = 'y'.repeat(65_000);
    const { pool } = await scene((socket) => socket.write(answerOf('a', `x: ${value}\r\n`)));
    const { headers, body } = await pool.send(get);
    expect([headers['x'], (await body.bytes()).toString()]).toEqual([value, 'a']);
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ])('to %s has no body, and leaves its connection: %j', async (method, bytes) => {
    const { pool, server } = await scene((socket) => socket.write(bytes));
    for (let i = 0; i < 3; i++) expect(await textOf(pool, { ...get, method })).toBe('');
    expect(server.sockets).toHaveLength(1);
  });

  it('that never comes, as its connection ends, is a failure', async () => {
    for (const begun of ['', 'HTTP/1.1 2', 'HTTP/1.1 100 Continue\r\n\r\n']) {
      const { pool } = await scene((socket) => socket.end(begun));
      await expect(pool.send(get)).rejects.toMatchObject({ code: 'ECONNRESET' });
    }
  });
});

describe('a body', () => {
  it('without a length ends with its connection', async () => {
    const bytes = content(300_000);
    const { pool, server } = await scene((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.end(bytes);
    });
    for (let i = 0; i < 2; i++) expect((await (await pool.send(get)).body.bytes()).equals(bytes)).toBe(true);
    expect(server.sockets).toHaveLength(2);
  });

  it('without a length whose connection breaks is a failure', async () => {
    const { pool } = await scene((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nabc', () => setTimeout(() => socket.resetAndDestroy(), 20));
    });
    const { body } = await pool.send(get);
    await expect(body.bytes()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([
    ['with a length', 'Content-Length: 10\r\n\r\nabc'],
    ['with a length and no byte of it', 'Content-Length: 10\r\n\r\n'],
    ['in chunks, within one', 'Transfer-Encoding: chunked\r\n\r\na\r\nabc'],
    ['in chunks, between them', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['in chunks, before its last line', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'],
  ])('%s whose connection ends early is a failure, and no short object', async (_what, rest) => {
    for (const into of [undefined, Buffer.alloc(20)]) {
      const { pool } = await scene((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
      const { body } = await pool.send({ ...get, into });
      await expect(body.bytes()).rejects.toMatchObject({ code: 'ECONNRESET' });
    }
  });

  it('in chunks that go wrong is a failure', async () => {
    const { pool } = await scene((socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n'));
    const { body } = await pool.send(get);
    expect((await body.next()).value).toEqual(Buffer.from('abc'));
    await expect(body.next()).rejects.toMatchObject({ code: 'HTTP_CHUNKS' });
  });

  it.each([1, 100, 32_768, 40_000, 262_144, 262_145, 3_000_000])('of %d bytes arrives whole, and in memory that is written to once', async (size) => {
    const bytes = content(size);
    for (const answer of [
      answerOf(bytes),
      Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]),
    ]) {
      const { pool, server } = await scene((socket) => socket.write(answer));
      const chunks: Uint8Array[] = [];
      for (let i = 0; i < 2; i++) {
        const { body } = await pool.send(get);
        for await (const chunk of body) chunks.push(chunk);
      }
      expect(Buffer.concat(chunks).equals(Buffer.concat([bytes, bytes]))).toBe(true);
      // No memory of Node's pool, which others read and write.
      for (const { buffer } of chunks) expect(buffer).not.toBe(Buffer.from('pool').buffer);
      expect(server.sockets).toHaveLength(1);
    }
  });

  it('that has come to its end unread leaves its connection, though its last byte was one too many to wait for a reader', async () => {
    const bytes = content(1024 * 1024 + 1);
    const { pool, server } = await scene((socket, { number }) => socket.write(answerOf(number === 1 ? bytes : 'second')));
    const { body } = await pool.send(get);
    expect(await textOf(pool)).toBe('second');
    expect((await body.bytes()).equals(bytes)).toBe(true);
    expect(server.sockets).toHaveLength(1);
  });

  it('that is closed with little to come leaves its connection for the next request', async () => {
    const { pool, server } = await scene((socket, { number }) => {
      const bytes = answerOf(content(50_000), `x: ${number}\r\n`);
      socket.write(bytes.subarray(0, 1000));
      setTimeout(() => socket.write(bytes.subarray(1000)), 20);
    });
    for (let i = 1; i < 4; i++) {
      const { headers, body } = await pool.send(get);
      expect(headers['x']).toBe(String(i));
      await body.next();
      body.close();
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('that is closed with much to come ends its connection', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf(content(1000)).toString('latin1').replace('1000', '10000000'), 'latin1'));
    const { body } = await pool.send(get);
    await body.next();
    body.close();
    await closed(server.sockets[0] as Socket);
    expect(server.open()).toBe(0);
  });
});

describe('bytes that nobody asked for', () => {
  const smuggled = answerOf('smuggled');

  it('behind an answer never meet the request that waits for its connection', async () => {
    for (const [method, first] of [
      ['GET', answerOf('first')],
      ['GET', Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n')],
      ['GET', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')],
      ['HEAD', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')],
    ] as const) {
      const { pool, server } = await scene((socket, { number }) => socket.write(number === 1 ? Buffer.concat([first, smuggled]) : answerOf('second')));
      const [, second] = await Promise.all([textOf(pool, { ...get, method }), textOf(pool)]);
      expect(second).toBe('second');
      expect(server.sockets).toHaveLength(2);
    }
  });

  it('behind an answer in memory of its reader end the connection too', async () => {
    const { pool, server } = await scene(async (socket, { number }) => {
      if (number > 1) return socket.write(answerOf('second'));
      return await writePieces(socket, Buffer.concat([answerOf('first'), smuggled]), [42]);
    });
    const into = Buffer.alloc(5);
    const [first, second] = await Promise.all([textOf(pool, { ...get, into }), textOf(pool)]);
    expect([first, second, into.toString()]).toEqual(['first', 'second', 'first']);
    expect(server.sockets).toHaveLength(2);
  });

  it('on an idle connection end it', async () => {
    const { pool, server } = await scene((socket, { number }) => socket.write(answerOf(`answer ${number}`)));
    expect(await textOf(pool)).toBe('answer 1');
    const [socket] = server.sockets as [Socket];
    socket.write(smuggled);
    await closed(socket);
    expect(await textOf(pool)).toBe('answer 2');
    expect(server.sockets).toHaveLength(2);
  });
});

describe('a connection', () => {
  it.each([
    ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na'],
    ['a time to live that is over', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 1\r\n\r\na'],
  ])('behind %s is not used again', async (_what, bytes) => {
    const { pool, server } = await scene((socket) => socket.write(bytes));
    for (let i = 0; i < 3; i++) expect(await textOf(pool)).toBe('a');
    expect(server.sockets).toHaveLength(3);
  });

  it.each([
    ['HTTP/1.0 with keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na'],
    ['a time to live that is long', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 1\r\n\r\na'],
  ])('behind %s is used again', async (_what, bytes) => {
    const { pool, server } = await scene((socket) => socket.write(bytes));
    for (let i = 0; i < 3; i++) expect(await textOf(pool)).toBe('a');
    expect(server.sockets).toHaveLength(1);
  });

  it('that the server ends while it is idle is replaced', async () => {
    const { pool, server } = await scene((socket, { number }) => {
      socket.write(answerOf(`answer ${number}`));
      setTimeout(() => socket.end(), 10);
    });
    for (let i = 1; i < 4; i++) {
      expect(await textOf(pool)).toBe(`answer ${i}`);
      await closed(server.sockets[i - 1] as Socket);
    }
  });

  it('on which an answer came before all of its request was sent is not used again', async () => {
    const { pool, server } = await scene(
      (socket, { number }) => {
        // What comes of the first is never read.
        if (number === 1) socket.pause();
        socket.write(answerOf(`answer ${number}`));
      },
      { atHead: true },
    );
    expect(await textOf(pool, { ...get, method: 'PUT', body: Buffer.alloc(50_000_000) })).toBe('answer 1');
    expect(await textOf(pool)).toBe('answer 2');
    expect(server.sockets).toHaveLength(2);
  });
});

describe('content that is sent', () => {
  it.each([
    ['none', undefined, ''],
    ['nothing', Buffer.alloc(0), ''],
    ['a little', content(100), undefined],
    ['a lot', content(3_500_000), undefined],
    ['pieces', [content(10), Buffer.alloc(0), content(1_300_000), content(1_048_576), content(1)], undefined],
    ['no pieces', [], ''],
  ])('arrives as it is: %s', async (_what, body, wanted) => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('ok')));
    const whole = wanted === undefined ? Buffer.concat([body ?? []].flat()) : Buffer.from(wanted);
    for (let i = 0; i < 2; i++) {
      expect(await textOf(pool, { ...get, method: 'PUT', ...(body === undefined ? {} : { body }) })).toBe('ok');
      expect(server.seen[i]?.body.equals(whole)).toBe(true);
      expect(server.seen[i]?.head).toContain(`content-length: ${whole.byteLength}`);
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('is announced by no method that has none', async () => {
    const { pool, server } = await scene((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    for (const method of ['GET', 'HEAD', 'DELETE', 'PUT', 'POST']) await textOf(pool, { ...get, method });
    expect(server.seen.map(({ head }) => head.includes('content-length: 0'))).toEqual([false, false, false, true, true]);
  });

  it('is sent where the server says that it may go on', async () => {
    const { pool } = await scene((socket) => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      socket.write(answerOf('ok'));
    });
    expect(await textOf(pool, { ...get, method: 'PUT', body: content(1_000_000) })).toBe('ok');
  });

  it('is refused with its request, before anything is sent', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('ok')));
    const body = Buffer.from('abc');
    for (const bad of [{ path: '/a\r\nX: y' }, { headers: { a: 'b\r\nX: y' } }, { headers: { 'content-length': '4' } }])
      await expect(pool.send({ ...get, method: 'PUT', body, ...bad })).rejects.toThrow(TypeError);
    expect(await textOf(pool)).toBe('ok');
    await pass(1);
    expect(server.seen).toHaveLength(1);
  });
});
