import { runConformance } from '@stowage/conformance';
import { memoryHarness } from './memory-harness.ts';
import { vitestRunner } from './vitest-runner.ts';

runConformance(vitestRunner, memoryHarness({ secrets: ['canary-7f3a9c'] }));
