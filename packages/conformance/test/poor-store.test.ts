import { AssertionError } from 'node:assert/strict';
import { delegate, memoryDriver } from '@stowage/core';
import { conformanceCases, type Harness, runCase, runConformance } from '@stowage/conformance';
import { describe, expect, test } from 'vitest';
import { memoryHarness } from './memory-harness.ts';
import { poorCapabilities, poorLayer } from './poor-store.ts';
import { vitestRunner } from './vitest-runner.ts';

runConformance(vitestRunner, memoryHarness({ layers: [poorLayer] }));

/** What core refuses for every driver can break in one way: the driver tells its opened bucket other capabilities than its author. */
describe('a store that does what its capabilities deny fails', () => {
  const { capabilities } = memoryDriver();
  const poor = poorCapabilities(capabilities);
  const told: Harness = {
    ...memoryHarness({ layers: [(inner) => delegate(inner, { capabilities: { ...inner.capabilities, versions: 'native' } })] }),
    capabilities: { ...poor, copy: capabilities.copy, list: { ...poor.list, unsupported: true } },
  };
  const refusals = conformanceCases().filter(({ name }) => name.includes('refused with Unsupported'));

  test.each(refusals)('$name', async (each) => {
    expect(each.needs(told.capabilities, told)).toBe(true);
    await expect(runCase(each, told)).rejects.toBeInstanceOf(AssertionError);
  });
});
