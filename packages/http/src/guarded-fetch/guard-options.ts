import { StorageError } from '@stowage/core';

/** An address that a name stands for. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Asks for all addresses of a name. Rejects, or gives none, where there are none. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** What a guarded client may reach, and how much of it. Every default is the strict one. */
export interface GuardOptions {
  /**
   * Hosts of your own that may have any address and be asked over plain http: `files.internal`, `*.lab.internal` (every name below),
   * `files.internal:9000` (that port, and no other), `192.168.1.7:9000` (where a URL names that address). Default: none.
   */
  readonly allowHosts?: readonly string[];
  /**
   * Networks of your own, which are then as public ones: `10.20.0.0/16`, `fd12:3456::/32`, `192.168.1.7`. A metadata service is
   * reached only where it is named by its own address alone. Default: none.
   */
  readonly allowNetworks?: readonly string[];
  /** Ports that may be asked beside those of `allowHosts`. Default 80, 443, 8080 and 8443. */
  readonly allowPorts?: readonly number[];
  /** Whether every host may be asked over plain http, which whoever is on the way can read and change. Default false. */
  readonly allowHttp?: boolean;
  /** Most bytes of one answer's body. Default 64 GiB. */
  readonly maxBytes?: number;
  /** Most bytes of one answer's headers. Default 16,384. */
  readonly maxHeaderBytes?: number;
  /** Redirects that are followed, each one judged as the URL was. Default 5. */
  readonly maxRedirects?: number;
  /** Milliseconds until a connection must stand, the look-up of the name included. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until an answer's headers must be there, at each hop. Default 30,000. */
  readonly answerTimeoutMs?: number;
  /** Milliseconds for which a body may be silent. Default 30,000. */
  readonly silenceMs?: number;
  /** Milliseconds for a request with its redirects and its whole body. Default 3,600,000: an hour. */
  readonly totalMs?: number;
  /** Connections to one origin. Default 16. */
  readonly connections?: number;
  /** PEM of authorities to trust instead of Node's own. There is no way to trust everyone. */
  readonly ca?: string;
  /** How names become addresses. Default: the system's resolver (`dns.lookup`), as for any program here. */
  readonly resolve?: Resolve;
}

export interface GuardLimits {
  readonly maxBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxRedirects: number;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly silenceMs: number;
  readonly totalMs: number;
  readonly connections: number;
}

const DEFAULTS: GuardLimits = {
  maxBytes: 64 * 1024 ** 3,
  maxHeaderBytes: 16_384,
  maxRedirects: 5,
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 30_000,
  silenceMs: 30_000,
  totalMs: 3_600_000,
  connections: 16,
};

/** Longest delay that a timer takes; above it Node would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The limits, checked. Throws `Config`. */
export function guardLimits(options: GuardOptions): GuardLimits {
  const limit = (name: keyof GuardLimits, least: number, most: number = Number.MAX_SAFE_INTEGER): number => {
    const value = options[name] ?? DEFAULTS[name];
    if (!Number.isSafeInteger(value) || value < least || value > most)
      throw new StorageError('Config', `expected "${name}" to be a whole number from ${least} to ${most}; got ${value}`, { provider: 'http' });
    return value;
  };
  return {
    maxBytes: limit('maxBytes', 0),
    maxHeaderBytes: limit('maxHeaderBytes', 256, 1024 * 1024),
    maxRedirects: limit('maxRedirects', 0, 20),
    connectTimeoutMs: limit('connectTimeoutMs', 1, LONGEST_TIMER),
    answerTimeoutMs: limit('answerTimeoutMs', 1, LONGEST_TIMER),
    silenceMs: limit('silenceMs', 1, LONGEST_TIMER),
    totalMs: limit('totalMs', 1, LONGEST_TIMER),
    connections: limit('connections', 1, 1024),
  };
}
