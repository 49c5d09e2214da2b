import { describe, test } from 'vitest';
import type { Runner } from '@stowage/conformance';

/** The suite's runner in vitest. */
export const vitestRunner: Runner = {
  describe,
  test,
  // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- the title is the case's name, and a skipped case asserts nothing
  skip: (name, reason) => test(name, ({ skip }) => skip(reason)),
};
