import { AssertionError } from 'node:assert/strict';
import { type BucketMaker, conformanceCases, type Harness, runCase } from '@stowage/conformance';
import { describe, expect, test } from 'vitest';
import type { BrokenDriver } from './broken/broken-driver.ts';
import { BROKEN_CREATION } from './broken/creation.ts';
import { BROKEN_FAILURES, CANARY } from './broken/failures.ts';
import { BROKEN_KEYS } from './broken/keys.ts';
import { BROKEN_LISTINGS } from './broken/listings.ts';
import { BROKEN_OBJECTS } from './broken/objects.ts';
import { memoryHarness } from './memory-harness.ts';

/** Long enough for every case on memory; a driver that holds on to something for ever is found out after it. */
const PATIENCE_MS = 1000;

const BROKEN: Readonly<Record<string, readonly BrokenDriver[]>> = {
  objects: BROKEN_OBJECTS,
  listings: BROKEN_LISTINGS,
  keys: BROKEN_KEYS,
  failures: BROKEN_FAILURES,
};

describe.each(Object.entries(BROKEN))('broken %s', (_, drivers) => {
  test.each(drivers.map((driver) => [driver.fault, driver] as const))('%s', async (_fault, { fails, layer }) => {
    await expectFound(fails, () => memoryHarness({ layers: [layer], patienceMs: PATIENCE_MS, secrets: [CANARY] }));
  });
});

describe('broken creation', () => {
  test.each(BROKEN_CREATION.map((maker) => [maker.fault, maker] as const))('%s', async (_fault, { fails, broken }) => {
    await expectFound(fails, () => {
      const intact = memoryHarness({ patienceMs: PATIENCE_MS });
      return { ...intact, maker: broken(intact.maker as BucketMaker) };
    });
  });
});

/** The case passes on memory, and fails on memory with the fault. */
async function expectFound(fails: string, makeBroken: () => Harness): Promise<void> {
  const found = conformanceCases().find(({ name }) => name === fails);
  if (found === undefined) throw new Error(`no case is named ${JSON.stringify(fails)}`);

  const intact = memoryHarness({ patienceMs: PATIENCE_MS * 5, secrets: [CANARY] });
  expect(found.needs(intact.capabilities, intact)).toBe(true);
  await runCase(found, intact);

  const broken = makeBroken();
  expect(found.needs(broken.capabilities, broken)).toBe(true);
  await expect(runCase(found, broken)).rejects.toBeInstanceOf(AssertionError);
}
