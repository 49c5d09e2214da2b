import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { type LocalAuthority, localAuthority } from '@stowage/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { errorNames, HttpPool, type HttpRequest } from '../src/index.ts';
import { answerOf, closed, content, type Script, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

let authority: LocalAuthority;
let other: LocalAuthority;
beforeAll(async () => {
  [authority, other] = await Promise.all([localAuthority(), localAuthority()]);
});
afterAll(async () => {
  await authority[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** A server with a certificate for an address, which listens on 127.0.0.1. */
async function served(script: Script, address: string = '127.0.0.1'): Promise<ScriptedServer> {
  const { certificate: cert, key } = await authority.issue(address);
  const server = await scriptedServer(script, { tls: { cert, key } });
  closing.push(async () => await server[Symbol.asyncDispose]());
  return server;
}

function poolTo(origin: string, ca: string | undefined, connections: number = 1): HttpPool {
  const pool = new HttpPool(origin, { connections, connectTimeoutMs: 10_000, answerTimeoutMs: 10_000, silenceMs: 10_000, ...(ca === undefined ? {} : { ca }) });
  closing.push(() => pool.close());
  return pool;
}

const get: HttpRequest = { method: 'GET', path: '/', headers: {} };
const hello: Script = (socket) => socket.write(answerOf('hello'));

async function faultOf(pool: HttpPool): Promise<string[]> {
  return errorNames(await pool.send(get).catch((error: unknown) => error));
}

describe('a certificate', () => {
  it('of the authority that is given is trusted, for an address and for a name', async () => {
    const server = await served(hello);
    for (const host of ['127.0.0.1', 'localhost'])
      expect((await (await poolTo(`https://${host}:${server.port}`, authority.ca).send(get)).body.bytes()).toString()).toBe('hello');
  });

  it('of an authority that nobody gave is refused, and nothing is sent', async () => {
    const server = await served(hello);
    for (const ca of [undefined, other.ca]) expect(await faultOf(poolTo(server.origin, ca))).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(server.seen).toEqual([]);
  });

  it('for another host is refused, and nothing is sent', async () => {
    const server = await served(hello, '127.0.0.2');
    expect(await faultOf(poolTo(server.origin, authority.ca))).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(server.seen).toEqual([]);
  });
});

it('an authority that is none fails each request', async () => {
  const server = await served(hello);
  const pool = poolTo(server.origin, '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n');
  const faults = await Promise.all([faultOf(pool), faultOf(pool)]);
  for (const names of faults) expect(names).not.toEqual([]);
  expect(server.seen).toEqual([]);
});

describe('a connection', () => {
  it('to a server that speaks no TLS fails', async () => {
    const server = await scriptedServer(hello);
    closing.push(async () => await server[Symbol.asyncDispose]());
    const pool = poolTo(server.origin.replace('http:', 'https:'), authority.ca);
    const failed = faultOf(pool);
    while (server.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
    // To a greeting that is no request.
    server.sockets[0]?.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect((await failed).some((name) => name === 'EPROTO' || name.startsWith('ERR_SSL_'))).toBe(true);
  });

  it('without TLS to a server that wants it is told from an answer', async () => {
    const server = await served(hello);
    const fault = await faultOf(poolTo(server.origin.replace('https:', 'http:'), undefined));
    expect(fault.some((name) => name === 'HTTP_MALFORMED' || name === 'ECONNRESET')).toBe(true);
  });

  it('after the first goes on with its session', async () => {
    const reused: boolean[] = [];
    const server = await served((socket) => {
      reused.push((socket as TLSSocket).isSessionReused());
      socket.write(answerOf('a', 'Connection: close\r\n'));
    });
    const pool = poolTo(server.origin, authority.ca);
    for (let i = 0; i < 3; i++) {
      await (await pool.send(get)).body.bytes();
      await closed(server.sockets[i] as TLSSocket);
    }
    expect(reused).toEqual([false, true, true]);
  });

  it('is kept, and serves one request after another', async () => {
    const server = await served((socket, { head, body }) =>
      socket.write(head.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n' : answerOf(body)),
    );
    const pool = poolTo(server.origin, authority.ca, 4);
    const body = content(2_000_000);
    for (let i = 0; i < 3; i++) {
      const answer = await pool.send({ ...get, method: 'PUT', body });
      expect((await answer.body.bytes()).equals(body)).toBe(true);
      (await pool.send({ ...get, method: 'HEAD' })).body.close();
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('gives no request what came behind the answer to another, in a record of its own', async () => {
    // The first fills the largest record there is.
    const padding = 16 * 1024 - answerOf('first', 'x: \r\n').byteLength;
    const both = Buffer.concat([answerOf('first', `x: ${'y'.repeat(padding)}\r\n`), answerOf('smuggled')]);
    const server = await served((socket, { number }) => socket.write(number === 1 ? both : answerOf('second')));
    const pool = poolTo(server.origin, authority.ca);
    const [first, second] = await Promise.all([pool.send(get), pool.send(get).then(({ body }) => body.bytes())]);
    expect([(await first.body.bytes()).toString(), second.toString()]).toEqual(['first', 'second']);
  });
});

it('nothing of a request is shown to whoever debugs Node', async () => {
  const server = await served((socket, { number }) => socket.write(answerOf(`canaryAnswer ${number}`)));
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@stowage/source', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'children/canary-requests.ts'), server.origin],
    { env: { PATH: process.env['PATH'], CA: authority.ca, NODE_DEBUG: 'http,https,net,tls,stream,timer', DEBUG: '*' }, maxBuffer: 64 * 1024 * 1024 },
  );
  expect(stdout).toBe('3 answers\n');
  for (const part of ['NET', 'TLS', 'STREAM']) expect(stderr).toContain(part);
  for (const secret of ['canary', Buffer.from('canary').toString('hex'), '63 61 6e 61 72 79']) expect(stderr).not.toContain(secret);
});
