import { signInError } from './sign-in-error.ts';
import type { SignIn } from './sign-in.ts';

const NOBODY: SignIn = Object.freeze({
  name: 'nobody (anonymous)',
  identity: 'anonymous',
  held: (): undefined => undefined,
  token: async (): Promise<undefined> => undefined,
  forget: (): void => undefined,
  signer: async (): Promise<never> => {
    throw signInError('Unsupported', 'a signed URL needs the private key of a service account; nobody is signed in (anonymous)');
  },
  secrets: (): readonly string[] => [],
  authClient: async (): Promise<unknown> => undefined,
});

/** Requests without a sign-in: they reach what is open to everyone. Only ever used where it was asked for by name. */
export function anonymous(): SignIn {
  return NOBODY;
}
