import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { conformanceCases } from '@stowage/conformance';
import { expect, test } from 'vitest';

test("the suite runs under Node's own test runner, with reasons for its skips", async () => {
  const file = join(import.meta.dirname, 'node-test/memory.conformance.ts');
  // A runner within a runner would report to its parent instead of to its output.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@stowage/source', '--test', '--test-reporter=tap', file], {
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  const count = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(stdout)?.[1]);
  expect(count('fail')).toBe(0);
  expect(count('pass') + count('skipped')).toBe(conformanceCases().length);
  expect(count('pass')).toBeGreaterThan(250);
  expect(stdout).toContain('# SKIP capabilities.presign has no GET');
});
