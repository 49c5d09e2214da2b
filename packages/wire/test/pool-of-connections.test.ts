import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { errorNames, HttpPool, type HttpRequest, REQUEST_CHANNEL } from '../src/index.ts';
import { answerOf, closed, type Script, type ScriptedServer, scriptedServer, type ScriptedServerOptions } from './scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function poolTo(origin: string, connections: number): HttpPool {
  const pool = new HttpPool(origin, { connections, connectTimeoutMs: 10_000, answerTimeoutMs: 10_000, silenceMs: 10_000 });
  closing.push(() => pool.close());
  return pool;
}

async function scene(
  script: Script,
  connections: number,
  options: ScriptedServerOptions = {},
): Promise<{ readonly pool: HttpPool; readonly server: ScriptedServer }> {
  const server = await scriptedServer(script, options);
  closing.push(async () => await server[Symbol.asyncDispose]());
  return { pool: poolTo(server.origin, connections), server };
}

const get: HttpRequest = { method: 'GET', path: '/', headers: {} };
const reason = new Error('enough');

async function textOf(pool: HttpPool, request: HttpRequest): Promise<string> {
  return (await (await pool.send(request)).body.bytes()).toString();
}

describe('requests', () => {
  it('beyond the connections wait their turn, in order', async () => {
    let running = 0;
    let most = 0;
    const { pool, server } = await scene((socket, { head }) => {
      most = Math.max(most, ++running);
      setTimeout(() => {
        running--;
        socket.write(answerOf(head.split(' ')[1] as string));
      }, 5);
    }, 3);
    const paths = Array.from({ length: 30 }, (_, i) => `/${i}`);
    expect(await Promise.all(paths.map((path) => textOf(pool, { ...get, path })))).toEqual(paths);
    expect(most).toBe(3);
    expect(server.sockets).toHaveLength(3);
    const { pool: single, server: one } = await scene((socket) => socket.write(answerOf('a')), 1);
    await Promise.all(paths.map((path) => textOf(single, { ...get, path })));
    expect(one.seen.map(({ head }) => head.split(' ')[1])).toEqual(paths);
  });

  it('one after another need one connection, whatever the size of their answers', async () => {
    for (const size of [0, 100, 32_768, 1_000_000]) {
      const { pool, server } = await scene((socket) => socket.write(answerOf(Buffer.alloc(size))), 5);
      for (let i = 0; i < 10; i++) {
        const { body } = await pool.send({ ...get, into: i % 2 === 0 ? undefined : Buffer.alloc(size) });
        await body.bytes();
      }
      expect(server.sockets).toHaveLength(1);
    }
  });

  it('are told on a channel, without path and headers', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('a')), 1);
    const told: unknown[] = [];
    const listener = (message: unknown): unknown => told.push(message);
    subscribe(REQUEST_CHANNEL, listener);
    await textOf(pool, { ...get, path: '/?secret', headers: { authorization: 'secret' } });
    unsubscribe(REQUEST_CHANNEL, listener);
    expect(told).toEqual([{ origin: `127.0.0.1:${server.port}`, method: 'GET' }]);
  });

  it('go to a host by its name, and to an address of IPv6', async () => {
    const { server } = await scene((socket) => socket.write(answerOf('a')), 1);
    expect(await textOf(poolTo(`http://localhost:${server.port}`, 1), get)).toBe('a');
    expect(server.seen[0]?.head).toContain(`host: localhost:${server.port}`);
  });

  it('go to an address of IPv6', async (ctx) => {
    const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
    if (!hasIpv6) ctx.skip('this machine has no IPv6');
    const { pool, server } = await scene((socket) => socket.write(answerOf('a')), 1, { host: '::1' });
    expect(server.origin).toContain('[::1]');
    expect(await textOf(pool, get)).toBe('a');
    expect(server.seen[0]?.head).toContain(`host: [::1]:${server.port}`);
  });

  it('to where nobody listens fail as the socket does, and the next is tried anew', async () => {
    const { pool, server } = await scene(() => undefined, 1);
    await server[Symbol.asyncDispose]();
    for (let i = 0; i < 2; i++) {
      const error: unknown = await pool.send(get).catch((fault: unknown) => fault);
      expect(errorNames(error)).toContain('ECONNREFUSED');
    }
  });
});

describe('an abort', () => {
  it('before the request sends nothing', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('a')), 1);
    await expect(pool.send({ ...get, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await textOf(pool, get);
    expect(server.seen).toHaveLength(1);
  });

  it('while a request waits for a connection lets the others go on', async () => {
    const { pool, server } = await scene((socket) => setTimeout(() => socket.write(answerOf('a')), 20), 1);
    const abort = new AbortController();
    const first = textOf(pool, get);
    const second = pool.send({ ...get, path: '/aborted', signal: abort.signal });
    const third = textOf(pool, get);
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    expect(await Promise.all([first, third])).toEqual(['a', 'a']);
    expect(server.seen.map(({ head }) => head.split(' ')[1])).toEqual(['/', '/']);
    expect(server.sockets).toHaveLength(1);
  });

  it('while it connects ends that', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf('a')), 1);
    const abort = new AbortController();
    const aborted = pool.send({ ...get, signal: abort.signal });
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(await textOf(pool, get)).toBe('a');
    expect(server.seen).toHaveLength(1);
  });

  it.each(['before the answer', 'in the body'])('%s ends the connection, and the next request has one of its own', async (when) => {
    const { pool, server } = await scene((socket, { number }) => {
      if (number > 1) socket.write(answerOf('next'));
      else if (when === 'in the body') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    }, 1);
    const abort = new AbortController();
    const sent = pool.send({ ...get, signal: abort.signal });
    const next = textOf(pool, get);
    if (when === 'in the body') {
      const { body } = await sent;
      await body.next();
      abort.abort(reason);
      await expect(body.next()).rejects.toBe(reason);
    } else {
      while (server.seen.length === 0) await pass(1);
      abort.abort(reason);
      await expect(sent).rejects.toBe(reason);
    }
    expect(await next).toBe('next');
    await closed(server.sockets[0] as Socket);
  });

  it('behind the end of a body does nothing to whoever has the connection then', async () => {
    const { pool, server } = await scene((socket) => setTimeout(() => socket.write(answerOf('a')), 20), 1);
    const abort = new AbortController();
    await textOf(pool, { ...get, signal: abort.signal });
    const next = textOf(pool, get);
    abort.abort(reason);
    expect(await next).toBe('a');
    expect(server.sockets).toHaveLength(1);
  });
});

it('nothing listens to a signal when its request is over, however that ended', async () => {
  const { pool } = await scene((socket, { number }) => {
    if (number === 1) socket.write(answerOf('whole'));
    else if (number === 2) socket.end();
    else if (number === 3) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc');
  }, 1);
  const { signal } = new AbortController();
  const request = { ...get, signal };
  expect(await textOf(pool, request)).toBe('whole');
  await expect(textOf(pool, request)).rejects.toThrow('closed');
  await expect(textOf(pool, request)).rejects.toThrow('closed');
  const { body } = await pool.send(request);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  body.close();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

describe('a pool', () => {
  it('that is closed ends what waits, what runs and what is idle', async () => {
    const { pool, server } = await scene((socket, { number }) => {
      if (number === 1) socket.write(answerOf('a'));
      if (number === 2) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    }, 2);
    await textOf(pool, get);
    const { body } = await pool.send(get);
    const running = pool.send(get);
    const waiting = pool.send(get);
    while (server.seen.length < 3) await pass(1);
    await pool.close();
    await Promise.all([
      expect(running).rejects.toMatchObject({ code: 'ECONNRESET' }),
      expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' }),
      expect(body.bytes()).rejects.toMatchObject({ code: 'ECONNRESET' }),
      expect(pool.send(get)).rejects.toMatchObject({ code: 'ECONNRESET' }),
    ]);
    await Promise.all(server.sockets.map((socket) => closed(socket)));
    expect(server.seen).toHaveLength(3);
  });

  it('keeps no process alive with its idle connections', async () => {
    const { server } = await scene((socket) => socket.write(answerOf('done', 'Keep-Alive: timeout=600\r\n')), 1);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@stowage/source', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'children/idle-connection.ts'), server.origin],
      { timeout: 20_000 },
    );
    expect(stdout).toBe('done');
  });
});
