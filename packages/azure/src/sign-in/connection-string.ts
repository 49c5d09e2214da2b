/** https://learn.microsoft.com/en-us/azure/storage/common/storage-configure-connection-string */
import { quoted } from '@stowage/core';
import type { AzureSignIn } from '../azure-options.ts';
import { configError } from './sign-in-error.ts';

/** What a connection string says of Blob Storage. */
export interface ConnectionString {
  readonly endpoint: string;
  readonly signIn: AzureSignIn;
}

/** What the portal and the tools write; the others are of other services. */
const KNOWN: ReadonlySet<string> = new Set([
  'defaultendpointsprotocol',
  'accountname',
  'accountkey',
  'endpointsuffix',
  'blobendpoint',
  'sharedaccesssignature',
  'queueendpoint',
  'tableendpoint',
  'fileendpoint',
  'blobsecondaryendpoint',
  'queuesecondaryendpoint',
  'tablesecondaryendpoint',
  'filesecondaryendpoint',
]);

/** The endpoint and the way to sign in. Throws `Config`, which names the field and never a value. */
export function readConnectionString(text: string): ConnectionString {
  const fields = fieldsOf(text);
  const account = fields.get('accountname');
  const key = fields.get('accountkey');
  const token = fields.get('sharedaccesssignature');
  if (key !== undefined && token !== undefined)
    throw configError('the connection string: expected one way to sign in; got AccountKey and SharedAccessSignature: remove one');
  const endpoint = endpointOf(fields, account);
  if (token !== undefined) return { endpoint, signIn: { kind: 'sas', token, ...(account === undefined ? {} : { account }) } };
  if (key === undefined || account === undefined)
    throw configError('the connection string: expected AccountName and AccountKey, or BlobEndpoint and SharedAccessSignature; copy it again from the portal');
  return { endpoint, signIn: { kind: 'account-key', account, key } };
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.trim().split(';')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0)).trim();
    if (at < 1 || !/^[A-Za-z]{1,40}$/.test(name))
      throw configError('the connection string: expected Name=value joined by ";", as in DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…');
    const lower = name.toLowerCase();
    if (lower === 'usedevelopmentstorage')
      throw configError("the connection string: UseDevelopmentStorage names no port; write the emulator's BlobEndpoint, AccountName and AccountKey");
    if (!KNOWN.has(lower)) throw configError(`the connection string: ${quoted(name, 40)} is no field of it`);
    if (fields.has(lower)) throw configError(`the connection string: expected each field once; ${quoted(name, 40)} is there twice`);
    fields.set(lower, part.slice(at + 1).trim());
  }
  return fields;
}

function endpointOf(fields: ReadonlyMap<string, string>, account: string | undefined): string {
  const written = fields.get('blobendpoint');
  if (written !== undefined) return written;
  const protocol = fields.get('defaultendpointsprotocol') ?? 'https';
  if (protocol !== 'https' && protocol !== 'http')
    throw configError(`the connection string: expected DefaultEndpointsProtocol https or http; got ${quoted(protocol, 20)}`);
  if (account === undefined) throw configError('the connection string: expected BlobEndpoint, or AccountName to make it of');
  return `${protocol}://${account}.blob.${fields.get('endpointsuffix') ?? 'core.windows.net'}`;
}
