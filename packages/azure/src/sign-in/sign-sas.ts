/**
 * Makes signatures for others. In the form of version 2020-12-06, which every account of today takes.
 * https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas#specify-the-signature
 * https://learn.microsoft.com/en-us/rest/api/storageservices/create-user-delegation-sas#specify-the-signature
 */
import { createHmac } from 'node:crypto';
import type { AccountKey } from './shared-key.ts';

const VERSION = '2020-12-06';

/** What one blob may be used for. */
export interface SasGrant {
  readonly account: string;
  readonly container: string;
  readonly key: string;
  /** Letters, in the order `racwd`. */
  readonly letters: string;
  /** Whole seconds. */
  readonly end: Date;
  readonly httpsOnly: boolean;
}

/** A key that the service gives to a signed-in identity, to sign with in its name. */
export interface DelegationKey {
  readonly objectId: string;
  readonly tenantId: string;
  readonly start: string;
  readonly expiry: string;
  readonly service: string;
  readonly version: string;
  /** Base64. */
  readonly value: string;
}

/** The query of a blob's URL, by the account's key. */
export function serviceSas(grant: SasGrant, key: AccountKey): Record<string, string> {
  const { letters, protocol, end, resource } = fieldsOf(grant);
  // …, start, end, resource, policy, addresses, protocol, version, kind, snapshot, encryption scope, five headers of the answer
  const text = [letters, '', end, resource, '', '', protocol, VERSION, 'b', '', '', '', '', '', '', ''].join('\n');
  return { ...queryOf(letters, protocol, end), sig: key.digest(text) };
}

/** The query of a blob's URL, in the name of an identity. */
export function delegationSas(grant: SasGrant, key: DelegationKey): Record<string, string> {
  const { letters, protocol, end, resource } = fieldsOf(grant);
  const signer = [key.objectId, key.tenantId, key.start, key.expiry, key.service, key.version];
  // …, then: authorised and unauthorised object, correlation, addresses, protocol, version, kind, snapshot, encryption scope, five headers
  const text = [letters, '', end, resource, ...signer, '', '', '', '', protocol, VERSION, 'b', '', '', '', '', '', '', ''].join('\n');
  const [skoid, sktid, skt, ske, sks, skv] = signer as [string, string, string, string, string, string];
  const sig = createHmac('sha256', Buffer.from(key.value, 'base64')).update(text, 'utf8').digest('base64');
  return { ...queryOf(letters, protocol, end), skoid, sktid, skt, ske, sks, skv, sig };
}

function fieldsOf({ account, container, key, letters, end, httpsOnly }: SasGrant): {
  readonly letters: string;
  readonly protocol: string;
  readonly end: string;
  readonly resource: string;
} {
  return { letters, protocol: httpsOnly ? 'https' : '', end: end.toISOString().replace('.000', ''), resource: `/blob/${account}/${container}/${key}` };
}

function queryOf(letters: string, protocol: string, end: string): Record<string, string> {
  return { sv: VERSION, ...(protocol === '' ? {} : { spr: protocol }), se: end, sr: 'b', sp: letters };
}
