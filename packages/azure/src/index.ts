export { azureDriver } from './azure-driver.ts';
export type { AzureOptions, AzureSignIn } from './azure-options.ts';
export { azure } from './azure-provider.ts';
export { readConnectionString } from './sign-in/connection-string.ts';
export type { ConnectionString } from './sign-in/connection-string.ts';
export { managedIdentity } from './sign-in/managed-identity.ts';
export type { ManagedIdentityOptions } from './sign-in/managed-identity.ts';
export type { AccessToken, TokenSource } from './sign-in/token-sign-in.ts';
