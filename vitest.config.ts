import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const root = import.meta.dirname;
/** Workspace packages are read from their sources: no build before a test. */
const sourceCondition = '@stowage/source';

/** Every package and app with tests, and the tests of the workspace itself. */
function projects(): TestProjectInlineConfiguration[] {
  const tested = ['packages', 'apps']
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => ({ name, folder: join(root, parent, name) })))
    .filter(({ folder }) => existsSync(join(folder, 'test')))
    .map(({ name, folder }) => ({ extends: true as const, test: { name, root: folder, include: ['test/**/*.test.ts'] } }));
  return [...tested, { extends: true, test: { name: 'workspace', root, include: ['tests/**/*.test.ts'] } }];
}

/** A package runs its own tests alone: `pnpm exec vitest run --config ../../vitest.config.ts` in its folder. */
const inPackage = process.cwd() !== root;

export default defineConfig({
  resolve: { conditions: [sourceCondition] },
  ssr: { resolve: { conditions: [sourceCondition, 'node', 'development|production'] } },
  test: {
    ...(inPackage ? { root: process.cwd(), include: ['test/**/*.test.ts'] } : { projects: projects() }),
    pool: 'forks',
    // What the tests start themselves (worker threads, forks) resolves packages as the tests do.
    execArgv: [`--conditions=${sourceCondition}`],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    reporters: ['default', join(root, 'scripts/closing-line-reporter.ts')],
  },
});
