import { describe, test } from 'vitest';
import type { Runner } from '@stowage/conformance';

/** The suite's runner in vitest. */
export const vitestRunner: Runner = {
  describe,
  test,
  skip: (name, reason) => test(name, ({ skip }) => skip(reason)),
};
