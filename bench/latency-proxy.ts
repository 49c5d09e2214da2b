/**
 * Stands between clients and a server, and holds back what clients send by so many milliseconds: the latency of a far server, for as
 * many requests at once as there are connections. Answers pass as they come, so each request is later by the delay once.
 *
 *   node bench/latency-proxy.ts <port of the server> <milliseconds>
 *
 * Prints its own port. All chunks wait for the same time, so one queue in the order of arrival holds them, and one timer serves it.
 */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

const [port = 0, delayMs = 0] = process.argv.slice(2).map(Number);

interface Held {
  readonly due: number;
  readonly to: Socket;
  readonly from: Socket;
  /** Undefined: the client has said its last. */
  readonly chunk: Buffer | undefined;
}

let held: Held[] = [];
let first = 0;
let waiting = false;

const server = createServer({ noDelay: true }, (client) => {
  const behind = createConnection({ port, host: '127.0.0.1', noDelay: true });
  behind.pipe(client);
  client.on('data', (chunk: Buffer) => hold(client, behind, chunk));
  client.on('end', () => hold(client, behind, undefined));
  behind.on('drain', () => client.resume());
  // Whichever side goes away, the other sees it.
  client.on('error', () => behind.destroy()).on('close', () => behind.destroy());
  behind.on('error', () => client.destroy()).on('close', () => client.destroy());
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
// Whoever started it ends it by closing its standard input.
process.stdin.on('end', () => process.exit(0)).resume();

function hold(from: Socket, to: Socket, chunk: Buffer | undefined): void {
  held.push({ due: performance.now() + delayMs, from, to, chunk });
  if (!waiting) wait();
}

function wait(): void {
  waiting = true;
  setTimeout(release, Math.max(0, (held[first]?.due ?? 0) - performance.now()));
}

function release(): void {
  const now = performance.now();
  for (let next = held[first]; next !== undefined && next.due <= now; next = held[first]) {
    first++;
    if (next.to.destroyed) continue;
    if (next.chunk === undefined) next.to.end();
    else if (!next.to.write(next.chunk)) next.from.pause();
  }
  if (first === held.length || first > 10_000) {
    held = held.slice(first);
    first = 0;
  }
  waiting = false;
  if (held.length > 0) wait();
}
