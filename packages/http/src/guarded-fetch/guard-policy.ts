import { shownKey, StorageError } from '@stowage/core';
import { embeddedIpv4, metadataKind, specialKind } from './address-kind.ts';
import type { GuardOptions } from './guard-options.ts';
import { type IpAddress, ipv4Text, type IpNetwork, isInNetwork, readIpAddress, readIpNetwork } from './ip-address.ts';

/** What a URL may name without being allowed by host. */
const PORTS: readonly number[] = [80, 443, 8080, 8443];

interface HostRule {
  /** Lower case, without a dot at the end; the names below it where `below`. */
  readonly name: string;
  readonly below: boolean;
  readonly port: number | undefined;
}

/** Where a connection goes: the name as the URL has it, and the port. */
export interface HostPlace {
  readonly hostname: string;
  readonly port: number;
}

/** Decides which URLs may be asked and which addresses may be connected to. */
export class GuardPolicy {
  readonly #hosts: readonly HostRule[];
  readonly #networks: readonly IpNetwork[];
  readonly #ports: ReadonlySet<number>;
  readonly #allowHttp: boolean;

  /** Throws `Config` for what cannot be read. */
  constructor({ allowHosts = [], allowNetworks = [], allowPorts = PORTS, allowHttp = false }: GuardOptions) {
    const rules = allowHosts.map(readHostRule);
    this.#hosts = rules;
    this.#networks = allowNetworks.map(readNetwork);
    this.#ports = new Set(allowPorts.map(readPort));
    this.#allowHttp = allowHttp;
  }

  /** The URL as it is asked, without its fragment. Throws `InvalidArgument` for what is none and `AccessDenied` for what may not be asked; names are judged when they are looked up. */
  check(text: string): URL {
    const url = URL.parse(text);
    if (url === null) throw new StorageError('InvalidArgument', `expected an http URL; got ${shown(text)}`, { provider: 'http' });
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new StorageError('InvalidArgument', `expected https:// or http://; got ${JSON.stringify(url.protocol.slice(0, 20))}`, { provider: 'http' });
    if (url.username !== '' || url.password !== '')
      throw new StorageError('InvalidArgument', `${shown(text)} holds a user or a password before the host; these are not sent: remove them`, {
        provider: 'http',
      });
    url.hash = '';
    const place = { hostname: bareHost(url.hostname), port: portOf(url) };
    const address = readIpAddress(place.hostname);
    if (address !== undefined) this.assertAddress(place.hostname, place);
    if (!this.#hostRules(place).length && !this.#ports.has(place.port))
      throw refused(`${shown(text)} names port ${place.port}; ports that may be asked are ${[...this.#ports].join(', ')}`, `allow "${url.host}" as a host`);
    if (url.protocol === 'http:' && !this.#allowHttp && !this.#isOwn(place, address))
      throw refused(`${shown(text)} is plain http, which others can read and change on its way`, 'use https://, or allow plain http');
    return url;
  }

  /** Throws `AccessDenied` where the address may not be connected to for this host, which resolved to it or is it. */
  assertAddress(text: string, place: HostPlace): void {
    const fault = this.#addressFault(text, place);
    if (fault === undefined) return;
    const what = text === place.hostname ? text : `${JSON.stringify(place.hostname)} leads to ${text}, which`;
    const address = readIpAddress(text);
    const advice =
      address !== undefined && metadataKind(address) !== undefined
        ? 'only its very address in allowNetworks would allow it'
        : 'allow its network or host if it is your own';
    throw refused(`${what} may not be connected to: it is ${fault}`, advice);
  }

  #addressFault(text: string, place: HostPlace): string | undefined {
    const address = readIpAddress(text);
    if (address === undefined) return 'an address with a zone, or none';
    const fault = this.#ownAddressFault(address, place);
    if (fault !== undefined || specialKind(address) === undefined) return fault;
    // One's own translator or tunnel may be used, though not to reach what is not one's own behind it.
    const behind = embeddedIpv4(address);
    const hidden = behind && this.#ownAddressFault(behind, place);
    return behind && hidden && `a way to ${ipv4Text(behind.value)}, ${hidden}`;
  }

  #ownAddressFault(address: IpAddress, place: HostPlace): string | undefined {
    const metadata = metadataKind(address);
    if (metadata !== undefined)
      return this.#networks.some((network) => network.length === network.bits && isInNetwork(address, network)) ? undefined : metadata;
    const kind = specialKind(address);
    return kind === undefined || this.#isOwn(place, address) ? undefined : kind;
  }

  #isOwn(place: HostPlace, address: IpAddress | undefined): boolean {
    return this.#hostRules(place).length > 0 || (address !== undefined && this.#networks.some((network) => isInNetwork(address, network)));
  }

  #hostRules({ hostname, port }: HostPlace): readonly HostRule[] {
    const host = hostname.replace(/\.$/, '');
    return this.#hosts.filter(
      (rule) => (rule.below ? host.endsWith(`.${rule.name}`) : host === rule.name) && (rule.port === undefined ? this.#ports.has(port) : rule.port === port),
    );
  }
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** `[::1]` as `::1`. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function readHostRule(text: string): HostRule {
  const below = text.startsWith('*.');
  const url = /[/?#@\s\\]/.test(text) ? null : URL.parse(`https://${below ? text.slice(2) : text}`);
  if (url === null || url.hostname === '' || url.hostname.includes('*'))
    throw invalid('allowHosts', 'hosts such as files.internal, *.lab.internal or files.internal:9000', text);
  const hostname = bareHost(url.hostname).replace(/\.$/, '');
  if (below && readIpAddress(hostname) !== undefined) throw invalid('allowHosts', 'a name behind "*."; a network belongs into allowNetworks', text);
  // A URL drops its scheme's own port, and a port that is written is meant.
  const port = /:(\d+)$/.exec(text)?.[1];
  return { name: hostname, below, port: port === undefined ? undefined : readPort(Number(port)) };
}

function readNetwork(text: string): IpNetwork {
  const network = readIpNetwork(text);
  if (network === undefined) throw invalid('allowNetworks', 'networks such as 10.20.0.0/16 or fd12:3456::/32, with zeros behind the prefix', text);
  return network;
}

function readPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('allowPorts', 'ports from 1 to 65535', String(port));
  return port;
}

function invalid(name: string, expected: string, got: string): StorageError {
  return new StorageError('Config', `${name}: expected ${expected}; got ${JSON.stringify(got.slice(0, 80))}`, { provider: 'http' });
}

function refused(what: string, advice: string): StorageError {
  return new StorageError('AccessDenied', `${what}; ${advice}`, { provider: 'http', retryable: false });
}

function shown(url: string): string {
  const text = shownKey(url);
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text);
}
