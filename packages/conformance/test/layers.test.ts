import {
  aroundDriver,
  concurrencyLayer,
  faultLayer,
  type Layer,
  prefixLayer,
  readOnlyLayer,
  retryLayer,
  throttleLayer,
  type ThrottleOptions,
  timeoutLayer,
} from '@stowage/core';
import { conformanceCases, type ConformanceCase, type Harness, runCase } from '@stowage/conformance';
import { describe, expect, test } from 'vitest';
import { memoryHarness } from './memory-harness.ts';

const passing: Layer = (inner) => aroundDriver(inner, { around: (_call, o, run) => run(o) });
/** Repeats at once: a test must not wait. One attempt fails too often to hide a store that throttles for ever. */
const retry: Layer = retryLayer({ attempts: 3, wait: () => Promise.resolve() });

/** A clock that only waiting moves. */
function timeless(): ThrottleOptions {
  let at = 0;
  return { now: () => at, wait: async (ms) => void (at += ms) };
}

const LAYERS: Readonly<Record<string, readonly Layer[]>> = {
  'a layer that passes everything on': [passing],
  prefix: [prefixLayer('tenants/a b%2F/')],
  'prefix within prefix': [prefixLayer('outer/'), prefixLayer('inner-')],
  'read-only': [readOnlyLayer()],
  retry: [retry],
  'retry over a store that fails at first': [
    faultLayer([
      { operation: 'get', code: 'Unavailable', times: 2 },
      { operation: 'list', code: 'RateLimited', times: 1 },
    ]),
    retry,
  ],
  throttle: [throttleLayer(timeless())],
  timeout: [timeoutLayer(60_000)],
  concurrency: [concurrencyLayer(2)],
  'faults without a plan': [faultLayer([])],
  'all of them': [prefixLayer('deep/down/'), retry, timeoutLayer(60_000), concurrencyLayer(16), prefixLayer('deeper/')],
};

function casesFor(harness: Harness): ConformanceCase[] {
  return conformanceCases().filter((each) => each.needs(harness.capabilities, harness) === true);
}

/** What does not apply to memory is reported as skipped by test/memory.test.ts, once. */
const onMemory = casesFor(memoryHarness());

describe.each(Object.entries(LAYERS))('memory under %s', (_, layers) => {
  const harness = memoryHarness({ layers });
  const cases = casesFor(harness);

  test.each(cases)('$group: $name', async (each) => {
    await expect(runCase(each, harness)).resolves.toBeUndefined();
  });

  test('no case is taken away, but from a read-only bucket', () => {
    const taken = onMemory.filter((each) => !cases.includes(each));
    const reasons = new Set(taken.map((each) => each.needs(harness.capabilities, harness)));
    expect([...reasons]).toEqual(harness.capabilities.readOnly ? ['the bucket is read-only'] : []);
  });
});
