import { isIPv4, isIPv6 } from 'node:net';

/** An address as a number of 32 or 128 bits. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Reads an address in its usual form. Undefined for everything else: names, octal or short IPv4 forms, IPv6 with a zone. */
export function readIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { bits: 32, value: ipv4Value(text) };
  if (isIPv6(text) && !text.includes('%')) return { bits: 128, value: ipv6Value(text) };
  return undefined;
}

function ipv4Value(text: string): bigint {
  return text.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function ipv6Value(text: string): bigint {
  const [head = '', tail] = withoutDots(text).split('::');
  const front = groupsOf(head);
  const back = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return [...front, ...zeros, ...back].reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

/** `::ffff:127.0.0.1` as `::ffff:7f00:1`. */
function withoutDots(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  if (!text.includes('.')) return text;
  const value = ipv4Value(text.slice(at));
  return `${text.slice(0, at)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

export function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}

/** All addresses whose first `length` bits are those of `value`. */
export interface IpNetwork extends IpAddress {
  readonly length: number;
}

/** Reads `10.0.0.0/8`, or an address as the network of it alone. Undefined for what is none, also where bits behind the prefix are set. */
export function readIpNetwork(text: string): IpNetwork | undefined {
  const [written = '', prefix, ...more] = text.split('/');
  const address = readIpAddress(written);
  if (address === undefined || more.length > 0) return undefined;
  const length = prefix === undefined ? address.bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (length < 0 || length > address.bits) return undefined;
  const network = { ...address, length };
  return (address.value & hostMask(network)) === 0n ? network : undefined;
}

export function isInNetwork(address: IpAddress, network: IpNetwork): boolean {
  return address.bits === network.bits && (address.value | hostMask(network)) === (network.value | hostMask(network));
}

function hostMask({ bits, length }: IpNetwork): bigint {
  return (1n << BigInt(bits - length)) - 1n;
}
