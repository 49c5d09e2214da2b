export type { GuardOptions, Resolve, ResolvedAddress } from './guarded-fetch/index.ts';
export { httpDriver } from './http-driver.ts';
export type { HttpOptions } from './http-options.ts';
export { http } from './http-provider.ts';
