import { subscribe } from 'node:diagnostics_channel';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { Harness, Opened } from '@stowage/conformance';
import type { BucketDriver, Call } from '@stowage/core';
import { type AzuriteServer, breakFirstBody, drained, faultServer } from '@stowage/test-servers';
import { REQUEST_CHANNEL } from '@stowage/wire';
import { azureDriver } from '../src/azure-driver.ts';
import type { AzureOptions, AzureSignIn } from '../src/azure-options.ts';
import { createContainer } from '../src/create-container.ts';
import { containerSas } from './test-sas.ts';
import { xmlError } from './xml-error.ts';

export interface HarnessOptions extends Pick<AzureOptions, 'partSize'>, Pick<Harness, 'memory'> {
  /** How the buckets under test are signed in to. */
  readonly signIn: (container: string) => AzureSignIn;
  /** Words that no error may hold. */
  readonly secrets: readonly string[];
}

/** Requests of this process. */
let sent = 0;
subscribe(REQUEST_CHANNEL, () => sent++);

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
  const optionsFor = (container: string): AzureOptions => ({
    endpoint: server.endpoint,
    signIn: signIn(container),
    ...(server.ca === undefined ? {} : { ca: server.ca }),
    ...options,
  });
  const open = (container: string, more: Partial<AzureOptions> = {}): BucketDriver => azureDriver({ ...optionsFor(container), ...more }, container);
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
    // A SAS of a container makes none.
    ...(signIn('any').kind === 'sas'
      ? {}
      : {
          maker: {
            freshName: () => `made-${process.pid}-${++containers}`,
            create: (name: string, call: Call) => createContainer(optionsFor(name), name, call),
            open,
          },
        }),
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
      breakBody: (opened, how) =>
        behindFaults(
          breakFirstBody(server.origin, how, ({ url }) => url?.includes('comp=') !== true),
          nameOf(opened),
          server.origin,
        ),
    },
    patienceMs: 10_000,
    ...(memory === undefined ? {} : { memory }),
  };
}
