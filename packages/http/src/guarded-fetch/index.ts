export { headerNumber, headerText } from './answer-headers.ts';
export type { AnswerHeaders } from './answer-headers.ts';
export type { GuardOptions, Resolve, ResolvedAddress } from './guard-options.ts';
export type { GuardedBody } from './guarded-body.ts';
export { guardedClient } from './guarded-client.ts';
export type { GuardedAnswer, GuardedClient, GuardedRequest } from './guarded-client.ts';
