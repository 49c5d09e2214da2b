import type { Runner } from '@stowage/conformance';
import { describe, test } from 'vitest';

/** The conformance suite's runner in vitest. `limits`: cases that a server cannot pass, by name, each with its reason. */
export function runnerFor(store: string, limits: Readonly<Record<string, string>> = {}): Runner {
  return {
    describe: (name, body) => describe(`${store}: ${name}`, body),
    test: (name, body, timeout) => (name in limits ? test(name, ({ skip }) => skip(limits[name])) : test(name, { timeout }, body)),
    skip: (name, reason) => test(name, ({ skip }) => skip(reason)),
  };
}
