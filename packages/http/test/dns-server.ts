import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Resolve, ResolvedAddress } from '../src/guarded-fetch/index.ts';

export interface DnsServer extends AsyncDisposable {
  readonly resolve: Resolve;
  /** Names that were asked for, in order, each once for either family. */
  readonly asked: readonly string[];
}

/** A DNS server on the loopback, and a resolver that asks it alone. `answer` gives the addresses of a name at that moment. */
export async function dnsServer(answer: (name: string, query: number) => readonly string[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  let queries = 0;
  socket.on('message', (query, peer) => {
    const { name, type, end } = question(query);
    if (type === 1) asked.push(name);
    // A and AAAA of one look-up count as one.
    const addresses = answer(name, type === 1 ? queries++ : queries - 1).filter((address) => isIPv6(address) === (type === 28));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8580, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(addresses.length, 6);
    socket.send(Buffer.concat([head, query.subarray(12, end), ...addresses.map((address) => record(address, type))]), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    async resolve(hostname): Promise<readonly ResolvedAddress[]> {
      const four = await resolver.resolve4(hostname).catch(noData);
      const six = await resolver.resolve6(hostname).catch(noData);
      return [...four.map((address) => ({ address, family: 4 as const })), ...six.map((address) => ({ address, family: 6 as const }))];
    },
    async [Symbol.asyncDispose](): Promise<void> {
      resolver.cancel();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** A name that has no address of one family may have one of the other. */
function noData(error: unknown): readonly string[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENODATA') return [];
  throw error;
}

function question(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** An answer about the question's own name, to be kept for no time. */
function record(address: string, type: number): Buffer {
  const data = type === 1 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.byteLength]);
  return Buffer.concat([head, data]);
}

function ipv6Bytes(address: string): Buffer {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [front = [], back = []] = groups.map((part) => part.split(':').filter((group) => group !== ''));
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}
