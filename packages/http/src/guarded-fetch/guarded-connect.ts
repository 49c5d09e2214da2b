// oxlint-disable-next-line typescript/triple-slash-reference -- packages that read these sources need the declarations, too
/// <reference path="./undici-parts.d.ts" />
import { isIP } from 'node:net';
import type { buildConnector } from 'undici';
import makeConnector from 'undici/lib/core/connect.js';
import { checkedLookup, systemResolve } from './checked-lookup.ts';
import type { GuardLimits, GuardOptions } from './guard-options.ts';
import { bareHost, type GuardPolicy } from './guard-policy.ts';

/**
 * Opens connections to addresses that the policy lets pass: a literal is judged here, as a socket looks none up; the answers for a
 * name are judged before one is used; and the address that the socket ended up at is judged once more.
 */
export function guardedConnect(
  policy: GuardPolicy,
  { connectTimeoutMs }: GuardLimits,
  { ca, resolve = systemResolve }: GuardOptions,
): buildConnector.connector {
  const connectors = new Map<number, buildConnector.connector>();
  const connectorAt = (port: number): buildConnector.connector => {
    const known = connectors.get(port);
    if (known !== undefined) return known;
    const connector = makeConnector({
      timeout: connectTimeoutMs,
      lookup: checkedLookup(policy, resolve, port),
      autoSelectFamily: true,
      // Said here, as the default follows a variable of the environment (NODE_TLS_REJECT_UNAUTHORIZED).
      rejectUnauthorized: true,
      allowH2: false,
      ...(ca === undefined ? {} : { ca }),
    });
    connectors.set(port, connector);
    return connector;
  };
  return (options, callback) => {
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    const place = { hostname: bareHost(options.hostname), port };
    try {
      if (isIP(place.hostname) !== 0) policy.assertAddress(place.hostname, place);
    } catch (error) {
      callback(asError(error), null);
      return;
    }
    connectorAt(port)(options, (...[error, socket]) => {
      if (error !== null || socket === null) {
        callback(error ?? new Error('the connection failed'), null);
        return;
      }
      try {
        // A socket that has ended meanwhile has no address, and will say so itself.
        if (socket.remoteAddress !== undefined) policy.assertAddress(socket.remoteAddress, place);
      } catch (fault) {
        socket.destroy();
        callback(asError(fault), null);
        return;
      }
      callback(null, socket);
    });
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the connection was refused', { cause: error });
}
