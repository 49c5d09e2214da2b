/**
 * How many requests a second the latency proxy lets through at most, by 256 connections that ask again as soon as they are answered:
 * without a delay, where its own CPU is the limit, and with 30 ms, where 256 / 0.03 s = 8,533 is.
 *
 *   node bench/latency-ceiling.ts
 *
 * The proxy is on core 0; connections and the server that answers them are one process on core 1.
 */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { startLatencyProxy } from './latency.ts';
import { pinned } from './pinned.ts';

const CONNECTIONS = 256;
const SECONDS = 5;
const REQUEST = Buffer.from(`PUT /bench/key HTTP/1.1\r\n${'x-header: value\r\n'.repeat(30)}\r\n`);
const ANSWER = Buffer.from(`HTTP/1.1 200 OK\r\n${'x-header: value\r\n'.repeat(20)}\r\n`);

pinned(process.pid, 1);
const server = createServer({ noDelay: true }, (socket) => socket.on('data', () => socket.write(ANSWER)).on('error', () => socket.destroy()));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
for (const delay of [0, 30]) {
  const proxy = await startLatencyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, delay);
  let answers = 0;
  const sockets = Array.from({ length: CONNECTIONS }, () => {
    const socket = createConnection({ port: Number(new URL(proxy.endpoint).port), host: '127.0.0.1', noDelay: true });
    socket.on('data', () => {
      answers++;
      socket.write(REQUEST);
    });
    return socket.on('connect', () => socket.write(REQUEST));
  });
  const before = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  console.log(`${delay} ms: ${Math.round(answers / ((performance.now() - before) / 1000))} requests a second by ${CONNECTIONS} connections`);
  for (const socket of sockets) socket.destroy();
  await proxy.stop();
}
server.close();
