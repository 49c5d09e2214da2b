import { subscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness, Opened } from '@stowage/conformance';
import { type Bucket, openBucket, prefixLayer } from '@stowage/core';
import { fsDriver } from '@stowage/fs';
import { httpDriver } from '../src/index.ts';
import { loopbackServer, type LoopbackServer } from './loopback-server.ts';
import { serveStatic } from './static-files.ts';

/** Requests of this process, as undici tells them. */
let sent = 0;
subscribe('undici:request:create', () => sent++);

/** A word of each link's query that no error may hold. */
const SECRET = 'canary-of-a-signed-link';

type Listener = (incoming: IncomingMessage, answer: ServerResponse) => void;

/** How a server differs from a plain one. True: it has answered. */
export type Oddity = (incoming: IncomingMessage, answer: ServerResponse) => boolean;

/**
 * A folder behind a plain web server on the loopback. Keys of the driver are whole URLs: a prefix layer makes of them the names that
 * the suite works with.
 */
export function httpHarness(odd: Oddity = () => false): Harness {
  const ends = new WeakMap<object, () => Promise<void>>();
  const folders = new WeakMap<object, string>();
  const at = (origin: string, end: () => Promise<void>, folder = ''): Bucket => {
    const opened = openBucket(httpDriver({ allowHosts: [origin.replace('http://', '')] })).with(prefixLayer(`${origin}/`));
    ends.set(opened, end);
    folders.set(opened, folder);
    return opened;
  };
  const behind = async (listener: Listener, folder?: string, more: readonly LoopbackServer[] = []): Promise<Bucket> => {
    const server = await loopbackServer(listener);
    return at(
      server.origin,
      async () => {
        for (const each of [server, ...more]) await each[Symbol.asyncDispose]();
      },
      folder,
    );
  };
  const overFolder = async (folder: string, before: Oddity): Promise<Bucket> => {
    const files = fsDriver({ root: folder });
    return behind((incoming, answer) => {
      if (!before(incoming, answer)) void serveStatic(files, incoming, answer).catch(() => answer.destroy());
    }, folder);
  };
  const folderOf = (opened: Opened): string => folders.get(opened) ?? '';
  const answering =
    (status: number, headers: Record<string, string> = {}): Listener =>
    (_incoming, answer) =>
      void answer.writeHead(status, headers).end();
  return {
    capabilities: openBucket(httpDriver()).with(prefixLayer('http://127.0.0.1:65535/')).capabilities,
    makeBucket: () => overFolder(mkdtempSync(join(tmpdir(), 'stowage-http-')), odd),
    openAgain: (opened) => overFolder(folderOf(opened), odd),
    async dispose(opened): Promise<void> {
      await ends.get(opened)?.();
      if (folderOf(opened) !== '') rmSync(folderOf(opened), { recursive: true, force: true });
    },
    async seed(opened, key, content, headers): Promise<void> {
      await fsDriver({ root: folderOf(opened) }).put(key, content, headers);
    },
    requests: () => sent,
    secrets: [SECRET],
    faults: {
      denied: () => behind(answering(403)),
      unauthenticated: () => behind(answering(401, { 'www-authenticate': 'Basic' })),
      throttled: (retryAfterMs) => behind(answering(429, { 'retry-after': String(retryAfterMs / 1000) })),
      unreachable: async () => at('http://127.0.0.1:1', async () => undefined),
      hanging: () => behind(() => undefined),
      breakBody: (opened, { afterBytes, silent }) => {
        let broken = false;
        return overFolder(folderOf(opened), (incoming, answer) => {
          if (broken || incoming.method !== 'GET') return false;
          broken = true;
          breakOff(answer, afterBytes, silent);
          return false;
        });
      },
    },
  };
}

/** Lets so many bytes of a body through, and then ends the connection: by a reset, or, where silent, as if all were there. */
function breakOff(answer: ServerResponse, afterBytes: number, silent: boolean): void {
  let left = afterBytes;
  const { socket } = answer;
  const write = answer.write.bind(answer);
  const writeHead = answer.writeHead.bind(answer);
  const end = (): void => {
    answer.write = (): boolean => true;
    if (silent) answer.end();
    else setTimeout(() => socket?.destroy(), 20);
  };
  answer.writeHead = ((status: number, headers: Record<string, string | number>): ServerResponse => {
    const { 'content-length': length, ...rest } = headers;
    writeHead(status, silent || length === undefined ? rest : { ...rest, 'content-length': length });
    if (left === 0) end();
    return answer;
  }) as typeof answer.writeHead;
  answer.write = (chunk: Buffer): boolean => {
    write(chunk.subarray(0, left));
    left -= chunk.byteLength;
    if (left <= 0) end();
    return true;
  };
}
