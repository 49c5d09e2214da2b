import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** A run of vitest over one fixture, with our reporter beside the default one. */
function run(fixture: string, options: { ci: boolean; args?: string[] }): { lines: string[]; status: number | null } {
  const { CI: _, ...environment } = process.env;
  const result = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      `--config=${join(root, 'tests/fixtures/closing-line/vitest.config.ts')}`,
      `--root=${join(root, 'tests/fixtures/closing-line')}`,
      '--reporter=default',
      `--reporter=${join(root, 'scripts/closing-line-reporter.ts')}`,
      ...(options.args ?? []),
      fixture,
    ],
    { encoding: 'utf8', env: { ...environment, ...(options.ci ? { CI: 'true' } : {}) } },
  );
  return { lines: result.stdout.trimEnd().split('\n'), status: result.status };
}

describe('the closing line', () => {
  it('is the last line, after one line for each skip with its reason', () => {
    const { lines, status } = run('passing', { ci: true });
    expect(lines.slice(-2)).toEqual(['skipped: passing.fixture.ts > is skipped with a reason: no such disk here', '1 passed, 0 failed, 1 skipped']);
    expect(status).toBe(0);
  });

  it('counts a skip without a reason as a failure in CI', () => {
    const { lines, status } = run('mixed', { ci: true });
    expect(lines.at(-1)).toBe('1 passed, 2 failed, 1 skipped');
    expect(lines.at(-2)).toContain('skipped without a reason');
    expect(status).toBe(1);
  });

  it('counts a skip without a reason as a skip at a desk', () => {
    expect(run('mixed', { ci: false }).lines.at(-1)).toBe('1 passed, 1 failed, 2 skipped');
  });

  it('leaves out tests that were not chosen by name', () => {
    const { lines, status } = run('mixed', { ci: true, args: ['-t', '^passes$'] });
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 0 skipped');
    expect(status).toBe(0);
  });

  it('counts a file that does not load', () => {
    const { lines, status } = run('unloadable', { ci: true });
    expect(lines.slice(-2)).toEqual(['failed: unloadable.fixture.ts > (file): this file does not load', '0 passed, 1 failed, 0 skipped']);
    expect(status).toBe(1);
  });

  it('counts an unhandled rejection', () => {
    const { lines, status } = run('unhandled', { ci: true });
    expect(lines.slice(-2)).toEqual(['failed: unhandled error: nobody waits for me', '1 passed, 1 failed, 0 skipped']);
    expect(status).toBe(1);
  });
});
