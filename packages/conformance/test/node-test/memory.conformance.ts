// The suite under Node's own runner; test/node-test.test.ts runs this file with `node --test`.
import { describe, test } from 'node:test';
import { runConformance } from '@stowage/conformance';
import { memoryDriver } from '@stowage/core';

runConformance(
  {
    describe: (name, body) => describe(name, body),
    test: (name, body, timeout) => test(name, { timeout }, body),
    skip: (name, reason) => test(name, { skip: reason }),
  },
  {
    capabilities: memoryDriver().capabilities,
    makeBucket: () => memoryDriver(),
    makeSecondBucket: () => memoryDriver({ bucket: 'second' }),
    memory: { skip: "the memory driver's objects are in this process" },
  },
);
