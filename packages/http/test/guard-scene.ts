/** What the tests of the guard have in common: servers, and clients that reach them and nothing else. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StorageError } from '@stowage/core';
import { afterEach } from 'vitest';
import { type GuardedAnswer, type GuardedClient, guardedClient, type GuardOptions } from '../src/guarded-fetch/index.ts';
import { loopbackServer, type LoopbackServer } from './loopback-server.ts';

/** Closed behind each test, the last one first. */
export const ends: AsyncDisposable[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end[Symbol.asyncDispose]();
});

export type Listener = (incoming: IncomingMessage, answer: ServerResponse) => void;

export async function serve(listener: Listener): Promise<LoopbackServer> {
  const server = await loopbackServer(listener);
  ends.push(server);
  return server;
}

export function guard(options: GuardOptions): GuardedClient {
  const client = guardedClient(options);
  ends.push(client);
  return client;
}

/** A guard for these servers alone. */
export function reaching(servers: readonly LoopbackServer[], options: GuardOptions = {}): GuardedClient {
  return guard({ allowHosts: servers.map(({ port }) => `127.0.0.1:${port}`), ...options });
}

export const text = async (answer: GuardedAnswer): Promise<string> => Buffer.from(await answer.body.bytes()).toString();

export async function failure(work: Promise<unknown>): Promise<StorageError> {
  const error: unknown = await work.then(
    () => 'it did not fail',
    (reason: unknown) => reason,
  );
  if (!(error instanceof StorageError)) throw new Error(`expected a StorageError, got ${String(error)}`);
  return error;
}

export const hello: Listener = (_incoming, answer) => void answer.writeHead(200, { 'content-length': '5' }).end('hello');
