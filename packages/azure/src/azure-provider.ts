import { type BucketDriver, type ConfigContext, type Provider } from '@stowage/core';
import { entryReader, type Fields } from '@stowage/wire';
import { azureDriver } from './azure-driver.ts';
import { type AzureOptions, azureSettings, type AzureSignIn } from './azure-options.ts';
import { createContainer } from './create-container.ts';
import { diagnose } from './diagnose.ts';
import { pick } from './pick.ts';
import { readConnectionString } from './sign-in/connection-string.ts';
import { managedIdentity } from './sign-in/managed-identity.ts';

const { fault, flag, text } = entryReader('azure');

/** Azure Blob Storage: links begin with `azure://`. */
export const azure: Provider<AzureOptions> = {
  name: 'azure',
  schemes: ['azure'],
  parseConfig,
  open: (options, container): BucketDriver => azureDriver(options, container),
  diagnose,
  createBucket: createContainer,
};

/**
 * An entry of `remote_links.yml`, or the main storage's settings: `endpoint`, and one of `access_key` with `secret_key` (the account's
 * key, or a SAS that begins with "?"), `connection_string`, or `sign_in` (`managed_identity` with an optional `client_id`, `anonymous`).
 * Beside these `ca`, `versioned`, `delete_snapshots`, `copy_from_urls`. All containers of one entry share its sign-in.
 */
function parseConfig(entry: unknown, context: ConfigContext = {}): AzureOptions {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw fault('', 'a mapping with endpoint and credentials');
  const fields = entry as Fields;
  const { endpoint, signIn } = placeOf(fields, context);
  const options: AzureOptions = {
    endpoint,
    signIn: hidden(signIn),
    ...pick('ca', text(fields, 'ca')),
    ...pick('versioned', flag(fields, 'versioned')),
    ...pick('deleteSnapshots', flag(fields, 'delete_snapshots')),
    ...pick('copyFromUrls', flag(fields, 'copy_from_urls')),
    ...pick('serviceVersion', text(fields, 'service_version')),
  };
  // What cannot work is told here, where the entry is known, and not at the first container.
  azureSettings(options);
  return options;
}

/** The same, with its secret unseen when it is printed or turned to JSON. */
function hidden(signIn: AzureSignIn): AzureSignIn {
  const shown = { ...signIn };
  for (const name of ['key', 'token']) if (name in shown) Object.defineProperty(shown, name, { enumerable: false });
  return shown;
}

function placeOf(fields: Fields, context: ConfigContext): { readonly endpoint: string; readonly signIn: AzureSignIn } {
  const written = text(fields, 'connection_string');
  if (written !== undefined) {
    for (const name of ['access_key', 'secret_key', 'sign_in', 'client_id'] as const)
      if (fields[name] !== undefined) throw fault(name, 'one way to sign in; there is a connection_string already: remove one or the other');
    const read = readConnectionString(written);
    return { ...read, endpoint: text(fields, 'endpoint') ?? read.endpoint };
  }
  const account = text(fields, 'access_key');
  const secret = text(fields, 'secret_key');
  const signIn = signInOf(fields, account, secret, context);
  const endpoint = text(fields, 'endpoint') ?? (account === undefined ? undefined : `https://${account}.blob.core.windows.net`);
  if (endpoint === undefined) throw fault('endpoint', 'https://<account>.blob.core.windows.net');
  return { endpoint, signIn };
}

function signInOf(fields: Fields, account: string | undefined, secret: string | undefined, { env = {} }: ConfigContext): AzureSignIn {
  const way = text(fields, 'sign_in');
  const clientId = text(fields, 'client_id');
  const named = pick('account', account);
  if (clientId !== undefined && way !== 'managed_identity') throw fault('client_id', 'it beside sign_in: managed_identity alone');
  if (way === undefined) {
    if (secret === undefined) throw fault('secret_key', 'the account key, or a SAS token that begins with "?"; or connection_string, or sign_in');
    if (secret.startsWith('?')) return { kind: 'sas', token: secret, ...named };
    if (account === undefined) throw fault('access_key', 'the name of the storage account beside its key');
    return { kind: 'account-key', account, key: secret };
  }
  if (secret !== undefined)
    throw fault('secret_key', `one way to sign in; there is sign_in: ${way === 'anonymous' ? way : 'managed_identity'} already: remove one or the other`);
  if (way === 'anonymous') return { kind: 'anonymous', ...named };
  if (way !== 'managed_identity') throw fault('sign_in', 'managed_identity or anonymous');
  return { kind: 'managed-identity', source: managedIdentity({ ...pick('clientId', clientId), ...appService(env) }), ...named };
}

/** App Service, Functions and Container Apps set both; Azure Arc sets the endpoint alone, and wants a file of root's to be read. */
function appService(env: Readonly<Record<string, string | undefined>>): { readonly appService?: { readonly endpoint: string; readonly header: string } } {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header } = env;
  if (endpoint === undefined || endpoint === '') return {};
  if (header === undefined || header === '')
    throw fault('sign_in', 'IDENTITY_HEADER beside IDENTITY_ENDPOINT, as App Service sets them; the identities of Azure Arc are not supported');
  return { appService: { endpoint, header } };
}
