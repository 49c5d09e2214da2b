export { googleDriver } from './google-driver.ts';
export type { GoogleOptions } from './google-options.ts';
export { google } from './google-provider.ts';
export { applicationDefault, metadataServer } from './sign-in/ambient.ts';
export { anonymous } from './sign-in/anonymous.ts';
export { serviceAccount, serviceAccountFile } from './sign-in/service-account.ts';
export type { ServiceAccountKey, ServiceAccountOptions } from './sign-in/service-account.ts';
export type { SignIn, UrlSigner } from './sign-in/sign-in.ts';
