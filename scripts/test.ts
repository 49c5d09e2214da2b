/**
 * `pnpm test [files or vitest options]`: builds what changed, then runs the tests of every package, of the apps and of
 * the workspace. The last line of output is `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closingLine } from './closing-line-reporter.ts';
import { build, root } from './workspace.ts';

const built = await build();
if (built.code === 0) {
  // A folder or file by its whole path: vitest finds the tests below `packages` by it, and by `packages` it does not.
  const args = process.argv.slice(2).map((arg) => (existsSync(join(root, arg)) ? join(root, arg) : arg));
  const vitest = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], { cwd: root, stdio: 'inherit' });
  // A terminal sends Ctrl+C to both; vitest ends first and tells how far it came.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => vitest.kill('SIGTERM'));
  vitest.once('close', (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.stdout.write(`${built.output}\nfailed: the build, so no test was run\n${closingLine({ passed: 0, failed: 1, skipped: 0 })}\n`);
  process.exitCode = 1;
}
