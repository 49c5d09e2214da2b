import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import type { TlsOptions } from 'node:tls';
import { localAuthority } from '@stowage/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HttpPool, type HttpRequest } from '../src/index.ts';
import { answerOf, closed, content, type Script, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

let ca = '';
let certificate: TlsOptions = {};
beforeAll(async () => {
  await using authority = await localAuthority();
  ({ ca } = authority);
  const { certificate: cert, key } = await authority.issue('127.0.0.1');
  certificate = { cert, key };
});
afterAll(() => {
  certificate = {};
});

const get: HttpRequest = { method: 'GET', path: '/', headers: {} };
const SIZE = 3_000_000;
const bytes = content(SIZE);

describe.each(['http', 'https'])('memory that is lent for content over %s', (protocol) => {
  async function scene(script: Script): Promise<{ readonly pool: HttpPool; readonly server: ScriptedServer }> {
    const server = await scriptedServer(script, protocol === 'https' ? { tls: certificate } : {});
    closing.push(async () => await server[Symbol.asyncDispose]());
    const pool = new HttpPool(server.origin, { connections: 1, ca, connectTimeoutMs: 10_000, answerTimeoutMs: 10_000, silenceMs: 10_000 });
    closing.push(() => pool.close());
    return { pool, server };
  }

  it('holds it: chunks are its views, in order from its start', async () => {
    const { pool, server } = await scene((socket) => socket.write(answerOf(bytes)));
    const whole = Buffer.alloc(SIZE + 200, 7);
    // Two in turn on one connection, the second into a view that does not begin where its memory does.
    for (const into of [Buffer.alloc(SIZE), whole.subarray(100, SIZE + 100)]) {
      const { body } = await pool.send({ ...get, into });
      let at = into.byteOffset;
      for await (const chunk of body) {
        expect([chunk.buffer === into.buffer, chunk.byteOffset]).toEqual([true, at]);
        at += chunk.byteLength;
      }
      expect(at).toBe(into.byteOffset + SIZE);
      expect(into.equals(bytes)).toBe(true);
    }
    expect([...whole.subarray(0, 100), ...whole.subarray(SIZE + 100)].every((byte) => byte === 7)).toBe(true);
    expect(server.sockets).toHaveLength(1);
  });

  it('is left alone where it is too small, or where no length is told', async () => {
    const chunked = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${SIZE.toString(16)}\r\n`),
      bytes,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    for (const [answer, size] of [
      [answerOf(bytes), SIZE - 1],
      [chunked, SIZE],
    ] as const) {
      const { pool } = await scene((socket) => socket.write(answer));
      const into = Buffer.alloc(size, 7);
      const { body } = await pool.send({ ...get, into });
      expect((await body.bytes()).equals(bytes)).toBe(true);
      expect(into.every((byte) => byte === 7)).toBe(true);
    }
  });

  it('is left alone behind its content', async () => {
    const { pool } = await scene((socket) => socket.write(answerOf(bytes)));
    const into = Buffer.alloc(SIZE + 100_000, 7);
    const { body } = await pool.send({ ...get, into });
    await body.bytes();
    expect(into.subarray(0, SIZE).equals(bytes)).toBe(true);
    expect(into.subarray(SIZE).every((byte) => byte === 7)).toBe(true);
  });

  it.each(['closed', 'aborted'])('belongs to its reader again when the body is %s', async (how) => {
    const { pool, server } = await scene((socket) => socket.write(answerOf(bytes)));
    for (let i = 0; i < 5; i++) {
      const into = Buffer.alloc(SIZE);
      const abort = new AbortController();
      const { body } = await pool.send({ ...get, into, signal: abort.signal });
      await body.next();
      // While the client still has bytes that it has read and not handed out: later chunks come in the same turn.
      await body.next();
      if (how === 'closed') body.close();
      else abort.abort();
      into.fill(7);
      await closed(server.sockets[i] as Socket);
      await pass(10);
      expect(into.findIndex((byte) => byte !== 7)).toBe(-1);
    }
    expect(server.sockets).toHaveLength(5);
  });

  it('ends its connection when it is closed with little to come: nothing may be read into it', async () => {
    const small = answerOf(content(1000));
    const { pool, server } = await scene((socket) => {
      socket.write(small.subarray(0, 500));
      setTimeout(() => socket.write(small.subarray(500)), 20);
    });
    const into = Buffer.alloc(1000);
    const { body } = await pool.send({ ...get, into });
    await body.next();
    body.close();
    into.fill(7);
    await closed(server.sockets[0] as Socket);
    await pass(40);
    expect(into.every((byte) => byte === 7)).toBe(true);
  });

  it('is not filled faster than it is read', async () => {
    const size = 30_000_000;
    const { pool, server } = await scene((socket) => socket.write(answerOf(content(size))));
    // What the server got rid of tells nothing: kernels may keep all of it.
    let client: Socket | undefined;
    const made = (message: unknown): void => {
      client = (message as { readonly socket: Socket }).socket;
    };
    subscribe('net.client.socket', made);
    closing.push(async () => void unsubscribe('net.client.socket', made));
    let before = 0;
    for (const into of [undefined, Buffer.alloc(size)]) {
      const { body } = await pool.send({ ...get, into });
      const { value }: IteratorResult<Uint8Array, undefined> = await body.next();
      const socket = client as Socket;
      // Until it reads no more.
      for (let read = -1; socket.bytesRead !== read; await pass(200)) read = socket.bytesRead;
      // 1 MiB may wait, and one read of as much comes on top of that; over TLS, its own bytes as well.
      const taken = socket.bytesRead - before - (value?.byteLength ?? 0);
      expect(taken).toBeLessThan(2.5 * 1024 * 1024);
      let rest = value?.byteLength ?? 0;
      for await (const chunk of body) rest += chunk.byteLength;
      expect(rest).toBe(size);
      before = socket.bytesRead;
    }
    expect(server.sockets).toHaveLength(1);
  });
});
