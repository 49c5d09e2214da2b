import { aroundDriver, concurrencyLayer, faultLayer, type Layer, prefixLayer, readOnlyLayer, retryLayer, timeoutLayer } from '@stowage/core';
import { runConformance } from '@stowage/conformance';
import { describe } from 'vitest';
import { memoryHarness } from './memory-harness.ts';
import { vitestRunner } from './vitest-runner.ts';

const passing: Layer = (inner) => aroundDriver(inner, { around: (_call, o, run) => run(o) });
/** Repeats at once: a test must not wait. One attempt fails too often to hide a store that throttles for ever. */
const retry: Layer = retryLayer({ attempts: 3, wait: () => Promise.resolve() });

const LAYERS: Readonly<Record<string, readonly Layer[]>> = {
  'a layer that passes everything on': [passing],
  'prefix': [prefixLayer('tenants/a b%2F/')],
  'prefix within prefix': [prefixLayer('outer/'), prefixLayer('inner-')],
  'read-only': [readOnlyLayer()],
  'retry': [retry],
  'retry over a store that fails at first': [faultLayer([{ operation: 'get', code: 'Unavailable', times: 2 }, { operation: 'list', code: 'RateLimited', times: 1 }]), retry],
  'timeout': [timeoutLayer(60_000)],
  'concurrency': [concurrencyLayer(2)],
  'faults without a plan': [faultLayer([])],
  'all of them': [prefixLayer('deep/down/'), retry, timeoutLayer(60_000), concurrencyLayer(16), prefixLayer('deeper/')],
};

for (const [name, layers] of Object.entries(LAYERS)) {
  describe(`memory under ${name}`, () => {
    runConformance(vitestRunner, memoryHarness({ layers }));
  });
}
