import { runConformance } from '@stowage/conformance';
import { httpHarness } from './http-harness.ts';
import { runnerFor } from './vitest-runner.ts';

runConformance(runnerFor('a plain web server'), httpHarness());
