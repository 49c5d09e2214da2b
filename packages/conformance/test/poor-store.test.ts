import { runConformance } from '@stowage/conformance';
import { memoryHarness } from './memory-harness.ts';
import { poorLayer } from './poor-store.ts';
import { vitestRunner } from './vitest-runner.ts';

runConformance(vitestRunner, memoryHarness({ layers: [poorLayer] }));
