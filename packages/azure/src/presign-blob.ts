import { type PresignedRequest, type PresignMethod, type PresignOptions, StorageError } from '@stowage/core';
import { encodedQuery } from '@stowage/wire';
import { pick } from './pick.ts';
import { AccountKey } from './sign-in/shared-key.ts';
import { type DelegationKey, delegationSas, type SasGrant, serviceSas } from './sign-in/sign-sas.ts';
import type { StoreConnection } from './wire/store-connection.ts';
import { elementText } from './xml/elements.ts';

/** A Put Blob needs `c` where nothing lies, `w` where something does. */
const LETTERS: Readonly<Record<PresignMethod, string>> = { GET: 'r', HEAD: 'r', PUT: 'cw', DELETE: 'd' };
/** https://learn.microsoft.com/en-us/rest/api/storageservices/get-user-delegation-key: seven days. */
const DELEGATION_SECONDS = 604_800;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Headers of one connection, or of other ways to sign in, which are not the holder's to send. */
const NOT_HELD: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-ms-date',
]);

/** Signs for others: by the account's key without a request, by an identity with a key that the service gives for it. */
export class BlobPresigner {
  readonly #store: StoreConnection;
  #delegated: { readonly key: DelegationKey; readonly end: number } | undefined;

  constructor(store: StoreConnection) {
    this.#store = store;
  }

  async presign(key: string, { method, expiresInSeconds, headers = {}, signal }: PresignOptions): Promise<PresignedRequest> {
    const sent: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      if (!HEADER_NAME.test(lower) || NOT_HELD.has(lower))
        throw new StorageError('InvalidArgument', `the header ${JSON.stringify(name)} cannot be part of a presigned request`, { key });
      sent[lower] = value;
    }
    // Put Blob makes what this says, and nothing without it.
    if (method === 'PUT') sent['x-ms-blob-type'] = 'BlockBlob';
    const { query, expiresAt } = await this.#signed(key, LETTERS[method], expiresInSeconds, signal);
    return { url: this.#store.url(key) + encodedQuery(query), method, headers: sent, expiresAt };
  }

  /** A URL for the service to read a blob by, for a few minutes more than a copy may take. */
  async readUrl(key: string, seconds: number, signal: AbortSignal | undefined): Promise<string> {
    const { query } = await this.#signed(key, 'r', seconds, signal);
    return this.#store.url(key) + encodedQuery(query);
  }

  async #signed(key: string, letters: string, seconds: number, signal: AbortSignal | undefined): Promise<{ query: Record<string, string>; expiresAt: Date }> {
    const { signIn, account, endpoint } = this.#store.settings;
    const grant = { account, container: this.#store.bucket, key, letters, httpsOnly: endpoint.protocol === 'https:' };
    const wanted = wholeSeconds(Date.now() + seconds * 1000);
    if (signIn instanceof AccountKey) return { query: serviceSas({ ...grant, end: wanted }, signIn), expiresAt: wanted };
    if (signIn.kind !== 'managed-identity')
      throw new StorageError(
        'Unsupported',
        `${signIn.kind === 'sas' ? 'a SAS' : 'anonymous access'} cannot sign for others; sign in by account key or managed identity`,
        { key },
      );
    return await this.#delegatedSas(grant, wanted, signal);
  }

  async #delegatedSas(
    grant: Omit<SasGrant, 'end'>,
    wanted: Date,
    signal: AbortSignal | undefined,
  ): Promise<{ query: Record<string, string>; expiresAt: Date }> {
    const now = Date.now();
    if (this.#delegated === undefined || this.#delegated.end < wanted.getTime()) {
      const end = Math.min(Math.max(wanted.getTime(), now + 3_600_000), now + DELEGATION_SECONDS * 1000);
      // One that is about as good as can be had is kept.
      if (this.#delegated === undefined || this.#delegated.end < end - 60_000) this.#delegated = await this.#askForKey(now, end, signal);
    }
    const expiresAt = new Date(Math.min(wanted.getTime(), this.#delegated.end));
    return { query: delegationSas({ ...grant, end: expiresAt }, this.#delegated.key), expiresAt };
  }

  async #askForKey(now: number, end: number, signal: AbortSignal | undefined): Promise<{ readonly key: DelegationKey; readonly end: number }> {
    const expiry = wholeSeconds(end);
    // The service's clock may be behind this one.
    const start = wholeSeconds(now - 60_000);
    const iso = (date: Date): string => date.toISOString().replace('.000', '');
    const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>${iso(start)}</Start><Expiry>${iso(expiry)}</Expiry></KeyInfo>`);
    const context = this.#store.context('presign');
    const query = { restype: 'service', comp: 'userdelegationkey' };
    const request = {
      ...pick('signal', signal),
      method: 'POST' as const,
      query,
      headers: { 'content-type': 'application/xml' },
      body,
      right: 'none' as const,
      context,
    };
    const { text } = await this.#store.text(request, this.#store.servicePath);
    const field = (name: string): string => {
      const value = elementText(text, name);
      if (value === undefined) throw new StorageError('Unavailable', `${context.endpoint} gave a key to sign with that lacks ${name}`);
      return value;
    };
    return {
      key: {
        objectId: field('SignedOid'),
        tenantId: field('SignedTid'),
        start: field('SignedStart'),
        expiry: field('SignedExpiry'),
        service: field('SignedService'),
        version: field('SignedVersion'),
        value: field('Value'),
      },
      end: expiry.getTime(),
    };
  }
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}
