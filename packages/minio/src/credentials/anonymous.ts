import type { Credentials, CredentialSource } from './credentials.ts';

const NOBODY: Credentials = Object.freeze({ accessKeyId: '', secretAccessKey: '' });

/** No credentials at all: requests go unsigned, and reach what is open to everyone. Only ever used where it was asked for by name. */
export function anonymous(): CredentialSource {
  return async (call) => {
    call?.signal?.throwIfAborted();
    return NOBODY;
  };
}

/** Whether requests with these are to go unsigned. */
export function isAnonymous(credentials: Credentials): boolean {
  return credentials === NOBODY;
}
