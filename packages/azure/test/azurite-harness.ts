import { subscribe } from 'node:diagnostics_channel';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { BodyBreak, Harness, Opened } from '@stowage/conformance';
import type { BucketDriver } from '@stowage/core';
import { type AzuriteServer, faultServer, pass } from '@stowage/test-servers';
import { azureDriver } from '../src/azure-driver.ts';
import type { AzureOptions, AzureSignIn } from '../src/azure-options.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

export interface HarnessOptions extends Pick<AzureOptions, 'partSize'>, Pick<Harness, 'memory'> {
  /** How the buckets under test are signed in to. */
  readonly signIn: (container: string) => AzureSignIn;
  /** Words that no error may hold. */
  readonly secrets: readonly string[];
}

/** Requests of this process, as undici tells them. */
let sent = 0;
subscribe('undici:request:create', () => sent++);

let containers = 0;

/** A container that a test has for itself, made with the SDK over plain http. */
export async function makeContainer(server: AzuriteServer, name: string = `stowage-${process.pid}-${++containers}`): Promise<string> {
  await clientOf(server, name).create();
  return name;
}

function clientOf({ account, endpoint }: AzuriteServer, name: string): ContainerClient {
  return new ContainerClient(`${endpoint}/${name}`, new StorageSharedKeyCredential(account.name, account.key));
}

/** Azurite, with every hook that it or a misbehaving server before it can serve. */
export function azuriteHarness(server: AzuriteServer, { signIn, secrets, memory, ...options }: HarnessOptions): Harness {
  const { account } = server;
  const open = (container: string, more: Partial<AzureOptions> = {}): BucketDriver =>
    azureDriver(
      { endpoint: server.endpoint, signIn: signIn(container), ...(server.ca === undefined ? {} : { ca: server.ca }), ...options, ...more },
      container,
    );
  const make = async (): Promise<BucketDriver> => open(await makeContainer(server));
  const nameOf = (opened: Opened): string => ('bucket' in opened ? opened.bucket : opened.name);
  const ends = new WeakMap<object, AsyncDisposable>();
  const behindFaults = async (misbehave: Parameters<typeof faultServer>[0], container = 'any', behind?: string): Promise<BucketDriver> => {
    const faults = await faultServer(misbehave, behind);
    const opened = open(container, { endpoint: `${faults.endpoint}/${account.name}` });
    ends.set(opened, faults);
    return opened;
  };
  return {
    capabilities: open('any').capabilities,
    makeBucket: make,
    makeSecondBucket: make,
    openAgain: (opened) => open(nameOf(opened)),
    async dispose(opened): Promise<void> {
      await ends.get(opened)?.[Symbol.asyncDispose]();
      // Azurite looks through the blobs of all containers for every question.
      await clientOf(server, nameOf(opened)).deleteIfExists();
    },
    requests: () => sent,
    secrets,
    presignFetch: ({ url, method, headers }, content, more) =>
      fetch(url, { method, headers: { ...headers, ...more }, ...(content === undefined ? {} : { body: Buffer.from(content) }) }),
    faults: {
      missingBucket: async () => open('there-is-no-such-container'),
      // A SAS whose only letter allows nothing that is done here, and which leaves the judging to the server: its policy is not known here.
      denied: async (): Promise<Opened> => {
        const container = await makeContainer(server);
        return open(container, { signIn: { kind: 'sas', token: containerSas(account, container, { letters: 'i' }) } });
      },
      unauthenticated: async () => open(await makeContainer(server), { signIn: { kind: 'account-key', account: account.name, key: server.secondAccount.key } }),
      throttled: (retryAfterMs) => behindFaults((_incoming, answer) => xmlError(answer, 503, 'ServerBusy', { 'retry-after': String(retryAfterMs / 1000) })),
      unreachable: async () => open('any', { endpoint: `http://127.0.0.1:1/${account.name}` }),
      full: () =>
        behindFaults((incoming, answer) =>
          incoming.method === 'PUT' ? drained(incoming, () => xmlError(answer, 507, 'AccountCapacityExceeded')) : xmlError(answer, 404, 'BlobNotFound'),
        ),
      hanging: () => behindFaults(() => true),
      breakBody: (opened, how) => behindFaults(breakFirstBody(server.origin, how), nameOf(opened), server.origin),
    },
    patienceMs: 10_000,
    ...(memory === undefined ? {} : { memory }),
  };
}

function drained(incoming: NodeJS.ReadableStream, then: () => true): Promise<true> {
  return new Promise((resolve) => incoming.once('end', () => resolve(then())).resume());
}

/** A connection that ends too early: reset, or, without a length announced, as if all were there. */
function breakFirstBody(behind: string, { afterBytes, silent }: BodyBreak): Parameters<typeof faultServer>[0] {
  let broken = false;
  return (incoming, answer) => {
    if (broken || incoming.method !== 'GET' || incoming.url?.includes('comp=') === true) return false;
    broken = true;
    pass(incoming, answer, behind, (response) => {
      const { 'content-length': length, ...headers } = response.headers;
      answer.writeHead(response.statusCode ?? 500, silent ? headers : { ...headers, 'content-length': length });
      const end = (): void => {
        if (silent) answer.end();
        else setTimeout(() => answer.destroy(), 20);
      };
      let left = afterBytes;
      if (left === 0) end();
      response.on('data', (chunk: Buffer) => {
        if (left <= 0) return;
        answer.write(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) end();
      });
      return true;
    });
    return true;
  };
}
