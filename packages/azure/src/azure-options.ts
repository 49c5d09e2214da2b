import { quoted, StorageError } from '@stowage/core';
import { anonymousSignIn } from './sign-in/anonymous.ts';
import { SharedAccessSignature } from './sign-in/shared-access-signature.ts';
import { AccountKey } from './sign-in/shared-key.ts';
import type { SignIn } from './sign-in/sign-in.ts';
import { TokenSignIn, type TokenSource } from './sign-in/token-sign-in.ts';

/** The ways to sign in. The one that is named is used, and no other. */
export type AzureSignIn =
  | {
      readonly kind: 'account-key';
      /** Name of the storage account. */
      readonly account: string;
      /** One of its two keys, base64. */
      readonly key: string;
    }
  | {
      readonly kind: 'sas';
      /** Of the account, the container or a blob; with or without the `?` before it. */
      readonly token: string;
      readonly account?: string;
    }
  | {
      readonly kind: 'managed-identity';
      /** As {@link managedIdentity} makes it, or of your own: asked again before a token ends. */
      readonly source: TokenSource;
      readonly account?: string;
    }
  | { readonly kind: 'anonymous'; readonly account?: string };

/** How containers of one account are opened. */
export interface AzureOptions {
  /** `https://<account>.blob.core.windows.net`; of an emulator, with the account in the path: `http://127.0.0.1:10000/devstoreaccount1`. Without a scheme it is https. */
  readonly endpoint: string;
  readonly signIn: AzureSignIn;
  /** PEM of certificate authorities to trust instead of those of Node. */
  readonly ca?: string;
  /** Whether the account keeps versions of blobs: reads and deletions may then name one. Default false. */
  readonly versioned?: boolean;
  /** Whether a deletion takes the snapshots of a blob along. Default false: a blob that has some is not deleted, and the error says so. */
  readonly deleteSnapshots?: boolean;
  /** Whether copies may be taken from other stores by presigned URL, which the service must be able to reach. Default false: within the account alone. */
  readonly copyFromUrls?: boolean;
  /** Version of the service's interface that is asked for. Default `2026-02-06`, the first that lists from a name on. */
  readonly serviceVersion?: string;
  /** Bytes a block, 64 KiB to 4,000 MiB; content up to it goes in one request. Default 8 MiB. */
  readonly partSize?: number;
  /** Blocks in flight at once in one put: it holds `partSize * concurrency` bytes at most. Default 4. */
  readonly concurrency?: number;
  /** Connections to the service at most; they are opened as requests need them. Default 256. */
  readonly connections?: number;
  /** Milliseconds until a connection must stand. Default 4,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until an answer must begin, behind the request's last byte or without progress of it. Default 300,000. */
  readonly answerTimeoutMs?: number;
  /** Milliseconds that a body may be silent. Default 60,000. */
  readonly silenceMs?: number;
}

/** The options with their defaults. */
export interface AzureSettings extends Required<Omit<AzureOptions, 'signIn' | 'endpoint' | 'ca'>> {
  /** Without a slash behind it. */
  readonly endpoint: URL;
  readonly account: string;
  readonly signIn: SignIn;
  readonly ca: string | undefined;
}

const MIB = 1024 * 1024;
const MAX_BLOCK = 4000 * MIB;
const SERVICE_VERSION = '2026-02-06';

/** Throws `Config` where an option cannot work; no I/O. */
export function azureSettings(o: AzureOptions): AzureSettings {
  const endpoint = endpointUrl(o.endpoint);
  const partSize = o.partSize ?? 8 * MIB;
  if (!Number.isInteger(partSize) || partSize < 64 * 1024 || partSize > MAX_BLOCK)
    throw config(`partSize: expected 64 KiB to 4,000 MiB in bytes, got ${partSize}`);
  for (const name of ['concurrency', 'connections'] as const) {
    const value = o[name] ?? 1;
    if (!Number.isInteger(value) || value < 1) throw config(`${name}: expected a whole number, 1 or more; got ${value}`);
  }
  const serviceVersion = o.serviceVersion ?? SERVICE_VERSION;
  if (!/^20\d\d-\d\d-\d\d$/.test(serviceVersion)) throw config(`serviceVersion: expected a date such as ${SERVICE_VERSION}, got ${quoted(serviceVersion, 40)}`);
  const account = o.signIn.account ?? accountIn(endpoint);
  assertAccount(account, endpoint);
  return {
    endpoint,
    account,
    signIn: signInOf(o.signIn, account, endpoint),
    ca: o.ca,
    versioned: o.versioned ?? false,
    deleteSnapshots: o.deleteSnapshots ?? false,
    copyFromUrls: o.copyFromUrls ?? false,
    serviceVersion,
    partSize,
    concurrency: o.concurrency ?? 4,
    connections: o.connections ?? 256,
    connectTimeoutMs: o.connectTimeoutMs ?? 4_000,
    answerTimeoutMs: o.answerTimeoutMs ?? 300_000,
    silenceMs: o.silenceMs ?? 60_000,
  };
}

function signInOf(given: AzureSignIn, account: string, endpoint: URL): SignIn {
  switch (given.kind) {
    case 'account-key':
      return new AccountKey(account, given.key);
    case 'sas': {
      const sas = new SharedAccessSignature(given.token, account);
      if (sas.httpsOnly && endpoint.protocol === 'http:')
        throw config(`the SAS is for https alone (spr=https), and the endpoint is ${endpoint.origin}; write https://`);
      return sas;
    }
    case 'managed-identity':
      // A bearer token over plain http is anybody's: the service refuses it too.
      if (endpoint.protocol !== 'https:') throw config(`endpoint: a managed identity needs https; got ${endpoint.origin}`);
      return new TokenSignIn(given.source, account);
    case 'anonymous':
      return anonymousSignIn(account);
  }
}

const EXPECTED = 'expected https://<account>.blob.core.windows.net';

function endpointUrl(text: string): URL {
  const scheme = /^(https?):\/\//i.exec(text)?.[1];
  const url = /[\s\\@?#]/.test(text) || (scheme === undefined && text.includes('://')) ? null : URL.parse(scheme === undefined ? `https://${text}` : text);
  // A page of the portal has its place behind a `#`.
  if (/^(?:https?:\/\/)?(?:[\w-]+\.)*portal\.azure\.(?:com|cn|us)(?:[/?#:]|$)/i.test(text))
    throw config(
      `endpoint: ${EXPECTED}; got a page of the Azure portal, for browsers: on the storage account's page, look under Settings, Endpoints, Blob service`,
    );
  if (url === null || url.hostname === '')
    throw config(
      `endpoint: ${EXPECTED}${/[@?#]/.test(text) ? '; got something with "?", "#" or "@" in it: a SAS token is given as such' : `, got ${quoted(text)}`}`,
    );
  const other = /^([a-z0-9-]+)\.(dfs|file|queue|table|web|z\d+\.web)\.(core\.\S+)$/.exec(url.hostname);
  if (other !== null) throw config(`endpoint: ${EXPECTED}; ${url.hostname} is another service of the account: write https://${other[1]}.blob.${other[3]}`);
  const path = url.pathname.replace(/\/+$/, '');
  if (accountInHost(url.hostname) !== undefined && path !== '')
    throw config(`endpoint: ${EXPECTED}, without a path: the container is named beside it; got ${quoted(`${url.host}${path}`)}`);
  if (!/^(?:\/[a-z0-9-]+)?$/.test(path))
    throw config(`endpoint: ${EXPECTED}, or of an emulator http://127.0.0.1:10000/<account>; got the path ${quoted(path)}`);
  url.pathname = path;
  return url;
}

function accountInHost(hostname: string): string | undefined {
  return /^([a-z0-9]+)(?:-secondary)?\.(?:z\d+\.)?blob\./.exec(hostname)?.[1];
}

function accountIn(endpoint: URL): string {
  return accountInHost(endpoint.hostname) ?? endpoint.pathname.slice(1);
}

/** https://learn.microsoft.com/en-us/azure/storage/common/storage-account-overview#storage-account-name */
function assertAccount(account: string, endpoint: URL): void {
  const inHost = accountInHost(endpoint.hostname);
  if (inHost !== undefined && inHost !== account)
    throw config(`the account: ${quoted(account, 40)} is given, and the endpoint is that of ${quoted(inHost, 40)}; correct one of them`);
  if (account !== '' && !/^[a-z0-9]{1,64}$/.test(account)) throw config(`the account: expected a name of small letters and digits, got ${quoted(account, 40)}`);
}

function config(message: string): StorageError {
  return new StorageError('Config', message, { provider: 'azure' });
}
