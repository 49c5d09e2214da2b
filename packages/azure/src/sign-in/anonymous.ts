import type { SignIn } from './sign-in.ts';

/** No credentials, where they are not wanted: for containers that are open to everyone. */
export function anonymousSignIn(account: string | undefined): SignIn {
  return {
    kind: 'anonymous',
    account,
    secrets: [],
    check(): void {
      // Whether it is open, the service knows.
    },
    sign(): void {
      // Nothing is added.
    },
  };
}
