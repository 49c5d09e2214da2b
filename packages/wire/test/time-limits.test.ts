import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setImmediate as turn, setTimeout as pass } from 'node:timers/promises';
import { localAuthority } from '@stowage/test-servers';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpPool, type HttpRequest, type PoolOptions } from '../src/index.ts';
import { answerOf, closed, content, type Script, type ScriptedServer, scriptedServer, type ScriptedServerOptions } from './scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const LONG = 20_000;
const SHORT = 100;

function poolTo(origin: string, limits: Partial<PoolOptions>): HttpPool {
  const pool = new HttpPool(origin, { connections: 1, connectTimeoutMs: LONG, answerTimeoutMs: LONG, silenceMs: LONG, ...limits });
  closing.push(() => pool.close());
  return pool;
}

async function scene(
  script: Script,
  limits: Partial<PoolOptions>,
  options: ScriptedServerOptions = {},
): Promise<{ readonly pool: HttpPool; readonly server: ScriptedServer }> {
  const server = await scriptedServer(script, options);
  closing.push(async () => await server[Symbol.asyncDispose]());
  return { pool: poolTo(server.origin, limits), server };
}

const get: HttpRequest = { method: 'GET', path: '/', headers: {} };
const late = (what: string): unknown => expect.objectContaining({ code: 'ETIMEDOUT', message: expect.stringContaining(what) });

describe('what takes too long', () => {
  it('to be connected to fails', async () => {
    // Its handshake never begins.
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const pool = poolTo(`https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, { connectTimeoutMs: SHORT });
    await expect(pool.send(get)).rejects.toEqual(late('connection'));
    // Asked for on a connection that is as mute.
    await expect(pool.send(get)).rejects.toEqual(late('connection'));
  });

  it('to answer fails, on a new connection and on one that was used', async () => {
    const { pool, server } = await scene((socket, { number }) => number === 2 && socket.write(answerOf('a')), { answerTimeoutMs: SHORT });
    await expect(pool.send(get)).rejects.toEqual(late('answer'));
    await (await pool.send(get)).body.bytes();
    await expect(pool.send(get)).rejects.toEqual(late('answer'));
    expect(server.sockets).toHaveLength(2);
    await Promise.all(server.sockets.map((socket) => closed(socket)));
  });

  it('to answer is waited for where there is no limit', async () => {
    const { pool } = await scene((socket) => setTimeout(() => socket.write(answerOf('late')), 4 * SHORT), {
      answerTimeoutMs: 0,
      connectTimeoutMs: SHORT,
      silenceMs: SHORT,
    });
    expect((await (await pool.send(get)).body.bytes()).toString()).toBe('late');
  });

  it('to take content fails', async () => {
    const { pool } = await scene((socket) => socket.pause(), { answerTimeoutMs: SHORT }, { atHead: true });
    await expect(pool.send({ ...get, method: 'PUT', body: Buffer.alloc(50_000_000) })).rejects.toEqual(late('answer'));
  });

  it('to go on with a body fails, with what came before', async () => {
    const { pool, server } = await scene((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'), { silenceMs: SHORT });
    const { body } = await pool.send(get);
    expect((await body.next()).value).toEqual(Buffer.from('abc'));
    await expect(body.next()).rejects.toEqual(late('silent'));
    await closed(server.sockets[0] as Socket);
  });
});

describe('what goes on', () => {
  it('slowly, as a body, is waited for', async () => {
    const { pool } = await scene(
      async (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n');
        for (let i = 0; i < 20; i++) {
          await pass(40);
          socket.write('a');
        }
      },
      { silenceMs: 400 },
    );
    expect((await (await pool.send(get)).body.bytes()).toString()).toBe('a'.repeat(20));
  });

  it.each(['http', 'https'])('slowly, as content that is sent over %s, is waited for', async (protocol) => {
    await using authority = await localAuthority();
    const { certificate: cert, key } = await authority.issue('127.0.0.1');
    const size = 24_000_000;
    const { pool } = await scene(
      (socket, { body }) => {
        let taken = body.byteLength;
        socket.removeAllListeners('data');
        // A little of it now and then, far longer in all than an answer may take. What lies with the kernel at the end is taken at once.
        socket.on('data', (bytes) => {
          taken += bytes.byteLength;
          if (taken < size / 2) {
            socket.pause();
            setTimeout(() => socket.resume(), bytes.byteLength / 8_000);
          }
          if (taken >= size) socket.write(answerOf('taken'));
        });
      },
      { answerTimeoutMs: 1_000, ca: authority.ca },
      { atHead: true, ...(protocol === 'https' ? { tls: { cert, key } } : {}) },
    );
    const began = performance.now();
    const { body } = await pool.send({ ...get, method: 'PUT', body: content(size) });
    expect((await body.bytes()).toString()).toBe('taken');
    expect(performance.now() - began).toBeGreaterThan(1_200);
  });

  it('while this process does not run is read when it does', async () => {
    const { pool } = await scene(
      async (socket) => {
        await pass(SHORT / 2);
        // Behind this, timers come before sockets.
        await turn();
        socket.write(answerOf('there'));
        const until = performance.now() + 5 * SHORT;
        while (performance.now() < until);
      },
      { answerTimeoutMs: SHORT, silenceMs: SHORT },
    );
    expect((await (await pool.send(get)).body.bytes()).toString()).toBe('there');
  });

  it('when its reader does, however long that waits', async () => {
    const size = 20_000_000;
    const { pool } = await scene((socket) => socket.write(answerOf(content(size))), { silenceMs: SHORT });
    const { body } = await pool.send(get);
    let came = 0;
    for await (const chunk of body) {
      if (came === 0) await pass(5 * SHORT);
      came += chunk.byteLength;
    }
    expect(came).toBe(size);
  });
});

it('a body that was not wanted for long has all its time again when it is', async () => {
  const bytes = content(2 * 1024 * 1024);
  const first = 1024 * 1024 + 1;
  const { pool, server } = await scene((socket) => socket.write(answerOf(bytes).subarray(0, answerOf(bytes).byteLength - bytes.byteLength + first)), {
    silenceMs: 4 * SHORT,
  });
  const { body } = await pool.send(get);
  await pass(6 * SHORT);
  let came = 0;
  for await (const chunk of body) {
    came += chunk.byteLength;
    if (came === first) {
      await pass(SHORT);
      server.sockets[0]?.write(bytes.subarray(first));
    }
  }
  expect(came).toBe(bytes.byteLength);
});

describe('an idle connection', () => {
  it('is ended before the server says that it would', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('a', 'Keep-Alive: timeout=3\r\n')), {});
    await (await pool.send(get)).body.bytes();
    // One second, and the clock is looked at once a second.
    await closed(server.sockets[0] as Socket);
    await (await pool.send(get)).body.bytes();
    expect(server.sockets).toHaveLength(2);
  });

  it('is not taken once its time is over, though the clock was not looked at', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('a', 'Keep-Alive: timeout=3\r\n')), {});
    await (await pool.send(get)).body.bytes();
    const until = performance.now() + 1_100;
    while (performance.now() < until);
    await (await pool.send(get)).body.bytes();
    expect(server.sockets).toHaveLength(2);
  });
});
