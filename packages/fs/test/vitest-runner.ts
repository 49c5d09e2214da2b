import type { Runner } from '@stowage/conformance';
import { describe, test } from 'vitest';

/** The conformance suite's runner in vitest, each store under its name. */
export function runnerFor(store: string): Runner {
  return {
    describe: (name, body) => describe(`${store}: ${name}`, body),
    test,
    skip: (name, reason) => test(name, ({ skip }) => skip(reason)),
  };
}
